package snapshot_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/config-service/config-service/server/internal/snapshot"
)

var (
	keyForm  = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// FuzzCheckKey compares with the expressions of the contract.
func FuzzCheckKey(f *testing.F) {
	for _, key := range hostile {
		f.Add(key)
	}
	for _, key := range []string{"a", "a.b", "payment-service", "A_b-1.x", strings.Repeat("a", 253), strings.Repeat("a.", 127), strings.Repeat("a", 64)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := snapshot.CheckKey(s)
		if want := keyForm.MatchString(s) && len(s) <= 253 && !strings.HasSuffix(s, "\n"); (err == nil) != want {
			t.Errorf("CheckKey(%q) = %v, want accepted: %t", s, err, want)
		}
		if err != nil {
			refused(t, "CheckKey", s, err)
		}
		err = snapshot.CheckNamespace(s)
		if want := nameForm.MatchString(s); (err == nil) != want {
			t.Errorf("CheckNamespace(%q) = %v, want accepted: %t", s, err, want)
		}
		if err != nil {
			refused(t, "CheckNamespace", s, err)
		}
		printable(t, snapshot.Quote(s))
	})
}

// FuzzParseValue holds that what is accepted is JSON, means what was written, and is
// in a form that stays as it is.
func FuzzParseValue(f *testing.F) {
	for _, raw := range []string{
		`null`, `true`, `"text"`, `-0`, `0.1`, `1e19`, `9007199254740991`, `9007199254740992`, `1e400`, `5e-324`,
		`{"b":[1,{"a":null}],"a":"\ud83d\ude42"}`, `{"a":1,"\u0061":2}`, `["\ud83d"]`, `"\u2028<&>"`, `[1,]`, `1 2`, `[1}`, `{"a"`,
		nested("[", "]", 30), nested("[", "]", 31), "\xff", "\ufeff1", ` [ ] `,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := snapshot.ParseValue(raw)
		if err != nil {
			printable(t, err.Error())
			if !v.IsZero() {
				t.Errorf("a refused value is %q", v.JSON())
			}
			return
		}
		if !json.Valid(raw) || !json.Valid([]byte(v.JSON())) {
			t.Fatalf("%q was accepted as %q", raw, v.JSON())
		}
		var want, got any
		if json.Unmarshal(raw, &want) != nil || json.Unmarshal([]byte(v.JSON()), &got) != nil || !reflect.DeepEqual(want, got) { // cmp.Equal takes 2^30 steps for 30 levels
			t.Fatalf("%q is %v, its canonical form %q is %v", raw, want, v.JSON(), got)
		}
		if len(v.JSON()) > snapshot.MaxValue {
			return // 1e15 is shorter than its canonical form
		}
		if again, err := snapshot.ParseValue([]byte(v.JSON())); err != nil || again != v {
			t.Fatalf("the canonical form %q of %q is read as %q, %v", v.JSON(), raw, again.JSON(), err)
		}
	})
}

// FuzzMerge reads four layers of keys from text, a layer a line, and compares their
// merge with the model. A key with '!' before it is unusable.
func FuzzMerge(f *testing.F) {
	for _, text := range []string{
		"a.b\na\na.c\nx", "a a-b a.b\na\n\na.b.c", "!a\na.b\nb\n!b.c", "a\na-b a.b a.b-c a.b.c", "a.b-.c\na.b\na.b-\na",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var model [snapshot.LayerCount]layer
		var scopes [snapshot.LayerCount]*snapshot.Scope
		lines := strings.Split(text, "\n")
		for i := range model {
			model[i] = layer{}
			if i >= len(lines) {
				continue
			}
			for n, word := range strings.Fields(lines[i]) {
				key, unusable := strings.CutPrefix(word, "!")
				if snapshot.CheckKey(key) != nil || n > 50 {
					continue
				}
				c := put(key, int64(n+1), `1`)
				if unusable {
					c = bad(key, int64(n+1))
				}
				model[i].write(c)
				scopes[i] = scopes[i].Apply([]snapshot.Change{c})
			}
		}
		e := snapshot.Resolve(testScope, scopes, 100, 0, nil)
		want := merge(model)
		if diff := cmp.Diff(want, merged(t, e), compareEffective); diff != "" {
			t.Fatalf("%q:\n%s", text, diff)
		}
		for _, l := range model {
			for key := range l {
				explains(t, e, model, want, key)
			}
		}
	})
}
