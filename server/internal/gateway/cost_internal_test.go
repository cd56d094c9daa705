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
