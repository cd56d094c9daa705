package snapshot_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestNewScope(t *testing.T) {
	items := []*snapshot.Item{
		{Key: "A", Value: value(`1`), Revision: 3},
		{Key: "a", Problem: "is bad", ProblemRevision: 4},
		{Key: "a-b", Value: value(`2`), Revision: 5},
		{Key: "a.b", Value: value(`2`), Revision: 5},
	}
	s, err := snapshot.NewScope(items)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if s.Find(it.Key) != it {
			t.Errorf("%s is not the item that was given", it.Key)
		}
	}
	if len(s.Items()) != len(items) {
		t.Errorf("%d items, want %d", len(s.Items()), len(items))
	}
	// It is a scope like any other: the next listing keeps what did not change.
	next := s.Replace([]snapshot.Change{put("A", 3, `1`), put("a.b", 9, `3`)})
	if next.Find("A") != items[0] || next.Find("a") != nil || next.Find("a.b").Revision != 9 {
		t.Errorf("after a listing it holds %v", contents(next))
	}
	if empty, err := snapshot.NewScope(nil); err != nil || empty == nil || len(empty.Items()) != 0 {
		t.Errorf("without items: %v, %v", empty, err)
	}
}

func TestNewScopeRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []string
		want string
	}{
		{"a key twice", []string{"a", "b", "b"}, `key "b" does not come after "b"; accepted: keys in byte order, each once`},
		{"another order", []string{"a.b", "a-b"}, `key "a-b" does not come after "a.b"`},
		{"letters in another order", []string{"a", "B"}, `key "B" does not come after "a"`},
		{"no key", []string{""}, "key is empty"},
		{"a path", []string{"a", "a/b"}, `key "a/b" is malformed at byte 1`},
		{"a line break", []string{"a\nb"}, `key "a\nb" is malformed at byte 1`},
		{"too long", []string{strings.Repeat("a", 254)}, "key has 254 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var items []*snapshot.Item
			for _, key := range test.keys {
				items = append(items, &snapshot.Item{Key: key, Value: value(`1`), Revision: 1})
			}
			s, err := snapshot.NewScope(items)
			if err == nil || s != nil {
				t.Fatalf("NewScope = %v, %v", s, err)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "accepted: ") {
				t.Errorf("%q does not hold %q and what is accepted", err, test.want)
			}
			printable(t, err.Error())
		})
	}
}

// TestCanonicalValue takes back whatever ParseValue gives, also what grew beyond the
// size that a stored value may have.
func TestCanonicalValue(t *testing.T) {
	long := value(`"` + strings.Repeat("\u2028", snapshot.MaxValue/3-2) + `"`)
	if len(long.JSON()) <= snapshot.MaxValue {
		t.Fatalf("a value of %d bytes did not grow: this tests nothing", len(long.JSON()))
	}
	for _, v := range []snapshot.Value{
		long, value(`null`), value(`""`), value(`-0`), value(`1e19`), value(` {"b": [1, {"a": "\u0000\ud83d\ude42<"}], "": null} `), value(nested("[", "]", snapshot.MaxDepth)),
	} {
		got, err := snapshot.CanonicalValue(v.JSON())
		if err != nil || got != v {
			t.Errorf("%.50q comes back as %.50q, %v", v.JSON(), got.JSON(), err)
		}
	}
}

func TestCanonicalValueRefuses(t *testing.T) {
	for _, text := range []string{"", " ", "HUNTER2", `"HUNTER2`, `{"HUNTER2":}`, "1 2", "\"HUNTER2\xff\"", "\"\xed\xa0\x80\"", "\"HUNTER2\n\"", "NaN", "01"} {
		v, err := snapshot.CanonicalValue(text)
		if err == nil || !v.IsZero() {
			t.Errorf("%q is taken", text)
			continue
		}
		if !strings.Contains(err.Error(), "accepted: ") || strings.Contains(err.Error(), "HUNTER2") {
			t.Errorf("%q is refused with %q", text, err)
		}
	}
}

// TestCanonicalValueAgainstTheLibrary makes short texts of what matters to a JSON text.
func TestCanonicalValueAgainstTheLibrary(t *testing.T) {
	rnd := rounds(t)
	taken := 0
	for range 20_000 {
		var b []byte
		for range rnd.IntN(8) {
			b = append(b, "\"\"\"\\ a\x1f\x7f\n\xc3\xa9u0"[rnd.IntN(13)])
		}
		text := string(b)
		v, err := snapshot.CanonicalValue(text)
		if want := json.Valid(b) && utf8.Valid(b); (err == nil) != want || want && v.JSON() != text {
			t.Fatalf("CanonicalValue(%q) = %q, %v", text, v.JSON(), err)
		}
		if err == nil {
			taken++
		}
	}
	if taken < 100 {
		t.Errorf("only %d texts were taken: this test tests nothing", taken)
	}
}
