package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A large body that is no message of the method is refused before it costs much: it is
// read before it is known who sent it.
func TestALargeBodyCostsLittle(t *testing.T) {
	rt := &routes[slices.IndexFunc(routes, func(rt route) bool { return rt.takesBody() })]
	names := func(within string) []byte {
		var b bytes.Buffer
		for i := 0; b.Len() < 1<<20-64; i++ {
			fmt.Fprintf(&b, `,"n%x":0`, i)
		}
		return fmt.Appendf(nil, within, b.String()[1:])
	}
	for name, body := range map[string][]byte{
		"many fields":          names("{%s}"),
		"many names in one":    names(`{"namespace":{%s}}`),
		"many names in a list": names(`{"namespace":[{%s}]}`),
	} {
		if err := rt.checkBody(body); err == nil || !strings.Contains(err.Error(), "cannot be read; accepted: one JSON object with the fields namespace, ") {
			t.Errorf("%s: %v", name, err)
		}
		if n := testing.AllocsPerRun(3, func() { _ = rt.checkBody(body) }); n > 1000 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A body that is a message, but of more parts than any commit has, is refused unread.
func TestABodyOfManyPartsIsRefused(t *testing.T) {
	rt := &routes[slices.IndexFunc(routes, func(rt route) bool { return rt.method == "Commit" })]
	body := []byte(`{"changes":[` + strings.Repeat("{},", maxCommit/3-10) + `{}]}`)
	if err := rt.checkBody(body); err == nil || !strings.Contains(err.Error(), "braces, brackets and commas; accepted: at most") {
		t.Errorf("got %v", err)
	}
	if n := testing.AllocsPerRun(3, func() { _ = rt.checkBody(body) }); n > 1000 {
		t.Errorf("%v allocations", n)
	}
	// As many as the keys and values of the largest commit can be are none too many.
	one := `{"environment":"production","key":"k","set":"` + strings.Repeat(",", 160) + `"},`
	body = []byte(`{"changes":[` + strings.Repeat(one, 3999) + `{}]}`)
	if n := parts(body); n > maxParts {
		t.Errorf("the largest commit has %d parts", n)
	}
}
