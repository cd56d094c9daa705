package schema_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

func compile(t *testing.T, text string) (*schema.Schema, error) {
	t.Helper()
	v, err := snapshot.ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Compile(v)
}

func entries(t *testing.T, list ...string) []*snapshot.Entry {
	t.Helper()
	var out []*snapshot.Entry
	for _, one := range list {
		key, text, _ := strings.Cut(one, "=")
		v, err := snapshot.ParseValue([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, &snapshot.Entry{Key: key, Value: v})
	}
	return out
}

func TestViolationsNameKeyAndRule(t *testing.T) {
	s, err := compile(t, `{"type":"object","required":["name"],"properties":{
		"database":{"required":["pool","host"],"properties":{"pool":{"type":"integer","maximum":10},"host":{},"ports":{"items":{"$ref":"#/$defs/port"}}},"additionalProperties":false}},
		"$defs":{"port":{"type":"integer"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list []string
		want string
	}{
		{[]string{`name="x"`, `database.pool=5`, `database.host="h"`}, ""},
		{[]string{`name="x"`, `database={"pool":5,"host":"h"}`}, ""},
		{[]string{`database.pool=11`, `database.host="h"`}, "database.pool maximum, name required"},
		{[]string{`name=1`, `database.pool=5.5`, `database.hots=1`}, "database.host required, database.hots additionalProperties, database.pool type"},
		{[]string{`name=1`, `database={"pool":5,"host":"h","ports":[1,"x"]}`}, "database.ports.1 type"},
		{nil, "name required"},
	} {
		found, err := s.Check(entries(t, c.list...))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range found {
			got = append(got, v.Key+" "+v.Rule)
			if !strings.HasPrefix(v.Where, "#") {
				t.Errorf("%v is at %q", v, v.Where)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%v: %v, want %s", c.list, got, c.want)
		}
	}
}

// A value is judged as what it is, however it is decoded.
func TestValuesAreJudgedAsTheyAre(t *testing.T) {
	for _, text := range []string{
		`"x"`, `""`, `"\\"`, `"a\nb"`, `"\""`, `"é😀"`, `"\u2028"`, `"123"`, `"null"`, `0`, `-1`, `1.5`, `-2.5e+30`, `9007199254740991`,
		`true`, `false`, `null`, `[]`, `{}`, `[1,"2",null,{"a":[true]}]`, `{"a":{"b":1.5}}`,
	} {
		s, err := compile(t, `{"properties":{"key":{"const":`+text+`}}}`)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := s.Check(entries(t, "key="+text)); err != nil || len(found) > 0 {
			t.Errorf("%s: %v, %v", text, found, err)
		}
		if found, err := s.Check(entries(t, `key="another"`)); err != nil || len(found) != 1 {
			t.Errorf("%s is taken for another: %v, %v", text, found, err)
		}
	}
}

func TestBadSchemasAreRefused(t *testing.T) {
	for text, words := range map[string]string{
		`[]`:                            "is no schema; accepted: an object",
		`"x"`:                           "is no schema",
		`{"type":"strnig"}`:             "/type",
		`{"properties":[]}`:             "/properties",
		`{"pattern":"("}`:               "regex",
		`{"$ref":"#/$defs/x"}`:          "$defs/x",
		`{"$ref":"other.json"}`:         "refers to another document",
		`{"$ref":"http://x/y"}`:         "refers to another document",
		`{"$ref":"file:///etc/passwd"}`: "refers to another document",
		`{"$schema":"http://x/y"}`:      "refers to another document",
		`{"properties":{"a":{"x-sensitive":"yes"}}}`: "/properties/a/x-sensitive",
		`{"$ref":"#"}`: "refers to itself without end at #",
		`{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"anyOf":[true,{"$ref":"#/$defs/a"}]}}}`: "refers to itself without end",
		`{"properties":{"x":{"$ref":"#/properties/x"}}}`:                                                                "refers to itself without end",
		`{"$dynamicRef":"#a","$defs":{"a":{"$dynamicAnchor":"a"}}}`:                                                     "has a $dynamicRef or $recursiveRef at #,",
		`{"properties":{"x":{"items":{"$dynamicRef":"#/$defs/a"}}},"$defs":{"a":true}}`:                                 "at #/properties/x/items, which leads elsewhere",
		`{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveRef":"#"}`:                                "has a $dynamicRef or $recursiveRef at #,",
		// What the outer schema makes of the inner one's reference has no end, and no step of
		// it stands in the schema.
		`{"$id":"outer","$dynamicAnchor":"node","$ref":"inner","$defs":{"inner":{"$id":"inner","$dynamicRef":"#node","$defs":{"x":{"$dynamicAnchor":"node"}}}}}`: "$dynamicRef",
		`{"properties":{"` + strings.Repeat("x", 5000) + `":{"$ref":"#/properties/` + strings.Repeat("x", 5000) + `"}}}`:                                         " ...; accepted: a reference",
	} {
		if _, err := compile(t, text); err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "config:///") {
			t.Errorf("%s: %v, want %s", text, err, words)
		}
	}
	for _, text := range []string{`true`, `{}`, `{"properties":{"x":{"$ref":"#"}}}`, `{"$schema":"https://json-schema.org/draft/2020-12/schema"}`, `{"$schema":"http://json-schema.org/draft-07/schema#"}`} {
		s, err := compile(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if found, err := s.Check(entries(t, `x.x.x=1`)); err != nil || len(found) > 0 && text == "true" {
			t.Errorf("%s: %v, %v", text, found, err)
		}
	}
	if s, err := compile(t, `false`); err != nil {
		t.Error(err)
	} else if found, err := s.Check(nil); err != nil || fmt.Sprint(found) != "[{ false #}]" {
		t.Errorf("false: %v, %v", found, err)
	}
}

func TestSensitiveKeys(t *testing.T) {
	s, err := compile(t, `{"properties":{
		"password":{"x-sensitive":true},"shown":{"x-sensitive":false},
		"database":{"properties":{"secret":{"$ref":"#/$defs/secret"},"user":{}}},
		"keys":{"x-sensitive":true,"properties":{"a":{}}},
		"list":{"items":{"allOf":[true,{"$ref":"#/$defs/secret"}]}},
		"map":{"additionalProperties":{"x-sensitive":true},"properties":{"open":{}}}},
		"patternProperties":{"_token$":{"x-sensitive":true}},
		"$defs":{"secret":{"type":"string","x-sensitive":true}}}`)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{
		"password": true, "password.below": true, "shown": false, "other": false, "passwords": false,
		"database.secret": true, "database.user": false, "database": true, // the whole object has the secret in it
		"keys": true, "keys.a": true, "keys.a.b": true, "list": true, "map.x": true, "map.open": false, "github_token": true,
	} {
		if got := s.Sensitive(key); got != want {
			t.Errorf("%s: %t", key, got)
		}
	}
	if found, err := s.Check(entries(t, `password=1`, `database.secret=1`)); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	if s, _ := compile(t, `{"properties":{"a":{}}}`); s.Sensitive("a") {
		t.Error("nothing is marked")
	}
}

// References that meet again and again double the work with each step: 2^40 here. What is
// only large, or goes deep in one way, is judged.
func TestJudgingHasAnEnd(t *testing.T) {
	t.Parallel()
	doubling := func(how, last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"a%d":{%q:[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, how, i+1, i+1)
		}
		return fmt.Sprintf(`{"not":{"$ref":"#/$defs/a0"},"$defs":{%s"a40":%s}}`, b.String(), last)
	}
	deep := "x" + strings.Repeat(".x", 60)
	const anything = `{"$ref":"#/$defs/any","$defs":{"any":{"anyOf":[{"type":"number"},
		{"type":"object","additionalProperties":{"$ref":"#/$defs/any"}},{"type":"array","items":{"$ref":"#/$defs/any"}}]}}}`
	var many []string
	for i := range 10_000 {
		many = append(many, fmt.Sprintf("k%d=[%d,{\"a\":1}]", i, i))
	}
	for name, c := range map[string]struct {
		schema  string
		entries []string
		costly  bool
	}{
		"flat":          {doubling("allOf", "true"), nil, true},
		"flat, failing": {doubling("anyOf", "false"), nil, true},
		"with the data": {`{"allOf":[{"additionalProperties":{"$ref":"#"}},{"additionalProperties":{"$ref":"#"}}]}`, []string{deep + "=1"}, true},
		"one way down":  {anything, []string{deep + "=1"}, false},
		"many keys":     {anything, many, false},
	} {
		s, err := compile(t, c.schema)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := s.Check(entries(t, c.entries...)); errors.Is(err, schema.ErrCostly) != c.costly || !c.costly && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
