package diskcache_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// What is fuzzed: a file, a file without its checksum, the lines of its items.
const (
	asFile = iota
	asSealed
	asLines
)

// withHeader puts a header with the right counts before lines, so that they are read.
func withHeader(lines []byte) []byte {
	empty, err := diskcache.Encode(payment, contentOf(payment, 1<<40, 0, 0), 7, start)
	if err != nil {
		panic(err)
	}
	header := string(empty[:len(empty)-diskcache.ChecksumSize])
	for _, id := range snapshot.LayersOf(payment) {
		count := 0
		for line := range bytes.Lines(lines) {
			if bytes.HasPrefix(line, []byte(id.String()+"\t")) {
				count++
			}
		}
		member := fmt.Sprintf(`"scope":"%s","items":`, id)
		header = strings.Replace(header, member+"0", member+strconv.Itoa(count), 1)
	}
	return append([]byte(header), lines...)
}

// FuzzLoad reads any bytes, as they are or made to pass the outer checks: they are
// refused, or they are what a save of the content writes; and reading takes memory in
// proportion.
func FuzzLoad(f *testing.F) {
	for _, content := range []snapshot.Content{small(1), small(1 << 40), contentOf(payment, 3, 0, 0), contentOf(payment, 3, 12, 50)} {
		file, err := diskcache.Encode(payment, content, 7, start)
		if err != nil {
			f.Fatal(err)
		}
		whole := file[:len(file)-diskcache.ChecksumSize]
		f.Add(file, asFile)
		f.Add(file[:len(file)-1], asFile)
		f.Add(whole, asSealed)
		_, lines, _ := bytes.Cut(whole, []byte("\n"))
		f.Add(lines, asLines)
		f.Add(bytes.ReplaceAll(whole, []byte(payment.Namespace), []byte(orders.Namespace)), asSealed)
		f.Add(bytes.ReplaceAll(whole, []byte(`"items":1`), []byte(`"items":99999999`)), asSealed)
		f.Add(bytes.ReplaceAll(whole, []byte("\t-\n"), []byte("\t\"\\x41\"\n")), asSealed)
		f.Add(bytes.ReplaceAll(whole, []byte(`"verified":"2026-01-02T03:04:05.000000678Z",`), nil), asSealed)
	}
	f.Add([]byte(`{"format":"config-service last known good","version":1,"scopes":[`+strings.Repeat("{},", 1000)+"{}]}\n"), asSealed)
	f.Add([]byte(strings.Repeat("[", 5000)+"\n"), asSealed)
	f.Fuzz(func(t *testing.T, data []byte, as int) {
		switch as {
		case asSealed:
			data = diskcache.Seal(data)
		case asLines:
			data = diskcache.Seal(withHeader(data))
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
