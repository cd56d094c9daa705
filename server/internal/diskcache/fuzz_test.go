package diskcache_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// FuzzLoad reads any bytes, as they are or with the right checksum: they are refused,
// or they are what a save of the content writes; and reading takes memory in proportion.
func FuzzLoad(f *testing.F) {
	for _, content := range []snapshot.Content{small(1), small(1 << 40), contentOf(payment, 3, 0, 0), contentOf(payment, 3, 12, 50)} {
		file, err := diskcache.Encode(payment, content, 7, start)
		if err != nil {
			f.Fatal(err)
		}
		whole := file[:len(file)-diskcache.ChecksumSize]
		f.Add(file, false)
		f.Add(file[:len(file)-1], false)
		f.Add(whole, true)
		f.Add(bytes.ReplaceAll(whole, []byte(payment.Namespace), []byte(orders.Namespace)), true)
		f.Add(bytes.ReplaceAll(whole, []byte(`"items":1`), []byte(`"items":99999999`)), true)
		f.Add(bytes.ReplaceAll(whole, []byte("\t-\n"), []byte("\t\"\\x41\"\n")), true)
		f.Add(bytes.ReplaceAll(whole, []byte(`"verified":"2026-01-02T03:04:05.000000678Z",`), nil), true)
	}
	f.Add([]byte(`{"format":"config-service last known good","version":1,"scopes":[`+strings.Repeat("{},", 1000)+"{}]}\n"), true)
	f.Add([]byte(strings.Repeat("[", 5000)+"\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal {
			data = diskcache.Seal(data)
		}
		before := allocated()
		content, sequence, saved, err := diskcache.Decode(data, payment)
		if used, most := allocated()-before, uint64(64<<10+16*len(data)); used > most {
			t.Errorf("%d bytes took %d bytes of memory, want at most %d", len(data), used, most)
		}
		if err != nil {
			if text := err.Error(); len(text) > 1000 || !strings.Contains(text, "accepted: ") {
				t.Errorf("refused with %q", text)
			}
			return
		}
		again, err := diskcache.Encode(payment, content, sequence, saved)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, data) {
			t.Errorf("read is\n%q, written again\n%q", data, again)
		}
	})
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
