package configclient

import (
	"bytes"
	"testing"
	"time"
)

// FuzzCacheFile: what is taken for a file is written and read again as the same.
func FuzzCacheFile(f *testing.F) {
	f.Add([]byte(`{"format":1,"namespace":"payment-service","environment":"development","epoch":"e","revision":7,` +
		`"written":"2026-01-01T00:00:00Z","entries":[{"key":"a","value":[1,null,{"b":"c"}],"layer":"SERVICE","revision":3}]}`))
	f.Add([]byte(`{"format":1,"namespace":"a","environment":"b","epoch":"\ud800","revision":1,"written":"2026-01-01T00:00:00.5+02:00","entries":[]}`))
	f.Add([]byte(`{"format":1,"entries":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parseCache(data)
		if err != nil {
			return
		}
		once, err := formatCache(v, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseCache(once)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, once)
		}
		if len(difference(v.content, again.content)) > 0 {
			t.Errorf("read again it is another:\n%s", once)
		}
		if twice, err := formatCache(again, time.Unix(0, 0)); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%v:\n%s\n%s", err, once, twice)
		}
	})
}

// FuzzNames: what is a key, a label, a pattern or a duration is so in one way, and nothing panics.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"database.pool_size", "a..b", "database.*", "*", "payment-service", "1h30m", "-0.5", "9007199254740993", "true"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, ok := parsePattern(s); ok && isKey(s) && !p.matches(s) {
			t.Errorf("pattern %q does not match itself", s)
		}
		if isLabel(s) && !isKey(s) {
			t.Errorf("label %q is no key", s)
		}
		if d, ok := asDuration(s); ok {
			if again, ok := asDuration(d.Seconds()); ok && (again-d).Abs() > 1+d.Abs()/1_000_000_000 {
				t.Errorf("%q is %s, and %s as seconds", s, d, again)
			}
		}
		asInt(s)
		asFloat(s)
		asBool(s)
		nearest(s, &content{entries: map[string]*stored{"database.pool_size": nil, s: nil}})
		_ = quote(s)
	})
}
