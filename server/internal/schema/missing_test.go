package schema_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schema, want string }{
		{`true`, "[]"},
		{`{"required":["b","a"]}`, "[a b]"},
		{`{"required":["database"]}`, "[]"},
		{`{"properties":{"database":{"required":["host","port"]}}}`, "[database.port]"},
		{`{"properties":{"absent":{"required":["x"]}}}`, "[]"}, // required where there is one, and there is none
		{`{"allOf":[{"required":["a"]},{"$ref":"#/$defs/d"}],"$defs":{"d":{"required":["c"]}}}`, "[a c]"},
		{`{"if":{"required":["database"]},"then":{"required":["then"]},"else":{"required":["else"]}}`, "[then]"},
		{`{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, "[]"},
		{`{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, "[]"},
		{`{"not":{"required":["database"]}}`, "[]"},
		{`{"properties":{"list":{"items":{"required":["x"]}}}}`, "[]"},
		{`{"properties":{"object":{"required":["x"],"properties":{"deep":{"required":["y"]}}}}}`, "[object.deep.y object.x]"},
		{`{"required":["not a key","a.b","ok"]}`, "[ok]"},
		{`{"required":["broken"],"properties":{"broken":{"required":["x"]}}}`, "[]"},
		{`{"required":["database"],"properties":{"database":{"required":["host"],"properties":{"host":{"type":"number"}}}}}`, "[]"},
	} {
		v, err := snapshot.ParseValue([]byte(test.schema))
		if err != nil {
			t.Fatal(err)
		}
		s, err := schema.Compile(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Missing(configuration(t))
		if err != nil || fmt.Sprint(got) != test.want {
			t.Errorf("%s: missing %v, %v; want %s", test.schema, got, err, test.want)
		}
	}
}

// configuration has keys of every kind, one of them unusable.
func configuration(t *testing.T) []*snapshot.Entry {
	t.Helper()
	var listing []snapshot.Change
	for _, one := range [][2]string{{"broken.x", ""}, {"database.host", `"h"`}, {"list", `[{}]`}, {"object", `{"deep":{}}`}} {
		c := snapshot.Change{Key: one[0], Revision: 1, Created: 1, Problem: "value is not JSON"}
		if one[1] != "" {
			v, err := snapshot.ParseValue([]byte(one[1]))
			if err != nil {
				t.Fatal(err)
			}
			c.Value, c.Problem = v, ""
		}
		listing = append(listing, c)
	}
	var none *snapshot.Scope
	id := snapshot.ScopeID{Namespace: "pay", Environment: "production"}
	return snapshot.Resolve(id, [snapshot.LayerCount]*snapshot.Scope{none.Replace(listing)}, 1, 1, nil).Select(snapshot.Selection{})
}

func TestMissingIsNotFoundOutAtAnyPrice(t *testing.T) {
	t.Parallel()
	var defs strings.Builder // each twice the one after it
	for i := range 40 {
		fmt.Fprintf(&defs, `"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	v, err := snapshot.ParseValue([]byte(`{"$ref":"#/$defs/a0","$defs":{` + defs.String() + `"a40":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Compile(v)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Missing(configuration(t)); !errors.Is(err, schema.ErrCostly) {
		t.Errorf("got %v", err)
	}
}
