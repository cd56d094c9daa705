package configclient_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// stock has a key for every type of value.
var stock = configtest.Values{
	"whole": 20, "float": 1.5, "yes": true, "no": false, "text": "x", "null": nil, "empty": "", "huge": 1e300,
	"list": []any{1, "a", nil}, "object": map[string]any{"host": "h", "ports": []int{1, 2}}, "octets": []int{1, 2, 300},
	"digits": "9007199254740993", "minus": "-7", "decimal": "1.5e3", "truth": "true", "span": "1h30m", "level": "warn", "ip": "::1",
}

func TestTheDefaultsTypeIsTheAnswers(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, stock)
	c := s.Client(t)
	type host struct {
		Host  string `json:"host"`
		Ports []int  `json:"ports"`
		Other string
	}
	type port uint16
	for _, one := range []struct{ got, want any }{
		{configclient.Get(c, "whole", 10), 20},
		{configclient.Get(c, "whole", 1.0), 20.0},
		{configclient.Get[any](c, "whole", nil), 20.0},
		{configclient.Get(c, "whole", port(1)), port(20)},
		{configclient.Get(c, "whole", int8(1)), int8(20)},
		{configclient.Get(c, "whole", new(int)), ptr(20)},
		{configclient.Get(c, "whole", time.Minute), 20 * time.Second},
		{configclient.Get(c, "whole", "x"), "x"},
		{configclient.Get(c, "whole", true), true},
		{configclient.Get(c, "huge", 10), 10},
		{configclient.Get(c, "huge", 1.0), 1e300},
		{configclient.Get(c, "huge", float32(1)), float32(1)},
		{configclient.Get(c, "float", 10), 10},
		{configclient.Get(c, "float", time.Minute), 1500 * time.Millisecond},
		{configclient.Get(c, "minus", 10), 10},
		{configclient.Get(c, "minus", uint(10)), uint(10)},
		{configclient.Get(c, "yes", false), true},
		{configclient.Get(c, "yes", 10), 10},
		{configclient.Get(c, "truth", false), false},
		{configclient.Get(c, "text", "y"), "x"},
		{configclient.Get(c, "empty", "y"), ""},
		{configclient.Get(c, "null", "y"), "y"},
		{configclient.Get(c, "null", []string{"y"}), []string{"y"}},
		{configclient.Get[any](c, "null", 7), nil},
		{configclient.Get(c, "null", ptr(7)), (*int)(nil)},
		{configclient.Get(c, "none", 7), 7},
		{configclient.Get(c, "list", []any{}), []any{1.0, "a", nil}},
		{configclient.Get(c, "list", []string{"y"}), []string{"y"}},
		{configclient.Get(c, "octets", []int{}), []int{1, 2, 300}},
		{configclient.Get(c, "octets", []uint8{7}), []uint8{7}},
		{configclient.Get(c, "object", map[string]any{}), map[string]any{"host": "h", "ports": []any{1.0, 2.0}}},
		{configclient.Get(c, "object", host{Host: "d", Other: "o"}), host{"h", []int{1, 2}, "o"}},
		{configclient.Get(c, "object", map[string]string{"a": "b"}), map[string]string{"a": "b"}},
		{configclient.Get(c, "span", time.Minute), 90 * time.Minute},
		{configclient.Get(c, "level", slog.LevelInfo), slog.LevelWarn},
		{configclient.Get(c, "text", slog.LevelInfo), slog.LevelInfo},
		{configclient.Get(c, "ip", netip.Addr{}), netip.IPv6Loopback()},
	} {
		if !reflect.DeepEqual(one.got, one.want) {
			t.Errorf("got %#v, want %#v", one.got, one.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// What a default points to stays as it is.
func TestADefaultIsNotChanged(t *testing.T) {
	t.Parallel()
	address := pretend(t, saying(snapshot(1, entry("whole", 20, 1), entry("object", map[string]any{"a": 2.0, "list": []any{3.0}}, 1))))
	c := open(t, configclient.WithAddress(address))
	type nested struct {
		A    *int  `json:"a"`
		List []int `json:"list"`
	}
	whole, object, names := ptr(7), nested{ptr(1), []int{1}}, map[string]any{"b": 1}
	got := configclient.Get(c, "object", object)
	if *configclient.Get(c, "whole", whole) != 20 || *got.A != 2 || got.List[0] != 3 || len(configclient.Get(c, "object", names)) != 2 {
		t.Errorf("%+v", got)
	}
	if *whole != 7 || *object.A != 1 || object.List[0] != 1 || len(names) != 1 {
		t.Errorf("%d, %d, %v, %v", *whole, *object.A, object.List, names)
	}
}

func TestTypedGetters(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, stock)
	c := s.Client(t)
	wrong := configclient.ErrWrongType
	for _, one := range []struct {
		getter string
		get    func(key string) (any, error)
		key    string
		want   any // a value or an error
	}{
		{"String", get(c.String), "text", "x"},
		{"String", get(c.String), "whole", wrong},
		{"String", get(c.String), "null", wrong},
		{"Int", get(c.Int), "whole", 20},
		{"Int", get(c.Int), "digits", 9007199254740993},
		{"Int", get(c.Int), "minus", -7},
		{"Int", get(c.Int), "float", wrong},
		{"Int", get(c.Int), "huge", wrong},
		{"Int", get(c.Int), "decimal", wrong},
		{"Int", get(c.Int), "yes", wrong},
		{"Int", get(c.Int), "none", configclient.ErrKeyMissing},
		{"Int", get(c.Int), "a..b", configclient.ErrInvalidKey},
		{"Float", get(c.Float), "whole", 20.0},
		{"Float", get(c.Float), "decimal", 1500.0},
		{"Float", get(c.Float), "text", wrong},
		{"Bool", get(c.Bool), "no", false},
		{"Bool", get(c.Bool), "truth", true},
		{"Bool", get(c.Bool), "whole", wrong},
		{"Duration", get(c.Duration), "whole", 20 * time.Second},
		{"Duration", get(c.Duration), "float", 1500 * time.Millisecond},
		{"Duration", get(c.Duration), "span", 90 * time.Minute},
		{"Duration", get(c.Duration), "huge", wrong},
		{"Duration", get(c.Duration), "minus", wrong},
		{"List", get(c.List), "list", []any{1.0, "a", nil}},
		{"List", get(c.List), "object", wrong},
		{"JSON", get(c.JSON), "null", nil},
		{"JSON", get(c.JSON), "object", map[string]any{"host": "h", "ports": []any{1.0, 2.0}}},
	} {
		got, err := one.get(one.key)
		if kind, isErr := one.want.(error); isErr {
			if !errors.Is(err, kind) {
				t.Errorf("%s of %s = %v, %v, want the error %v", one.getter, one.key, got, err, kind)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, one.want) {
			t.Errorf("%s of %s = %#v, %v, want %#v", one.getter, one.key, got, err, one.want)
		}
	}
	if got, err := c.Int("none", 7); got != 7 || err != nil {
		t.Errorf("a default stands in for absence: %d, %v", got, err)
	}
	if _, err := c.Int("text", 7); !errors.Is(err, wrong) || strings.Contains(err.Error(), "7") || !strings.Contains(err.Error(), `"text" is a string`) {
		t.Errorf("and for nothing else: %v", err)
	}
	if _, err := c.Int("a..b", 7); !errors.Is(err, configclient.ErrInvalidKey) {
		t.Errorf("and for nothing else: %v", err)
	}
}

func get[T any](getter func(string, ...T) (T, error)) func(string) (any, error) {
	return func(key string) (any, error) { return getter(key) }
}

// Which texts the getters read, beside those that are numbers and bools.
func TestTextForms(t *testing.T) {
	t.Parallel()
	values := configtest.Values{}
	type form struct{ key, kind, text, want string }
	var forms []form
	add := func(kind, text, want string) {
		f := form{fmt.Sprintf("%s-%d", kind, len(forms)), kind, text, want}
		forms, values[f.key] = append(forms, f), text
	}
	for _, bad := range []string{"", " 1", "1 ", "+1", "1_0", "0x1", "1.0", "9223372036854775808", "--1", "-", "1e3", "١"} {
		add("int", bad, "")
	}
	add("int", "-9223372036854775808", "-9223372036854775808")
	for _, bad := range []string{"", " 1", "+1", "1_0", "0x1p-2", "inf", "NaN", "Infinity", "1e999", "1,5"} {
		add("float", bad, "")
	}
	add("float", "-0.5", "-0.5")
	for _, bad := range []string{"", "True", "yes", "1", "TRUE", " true"} {
		add("bool", bad, "")
	}
	for _, bad := range []string{"", "1", "0", "1h 30m", "+1s", "1d", "1µs", ".5s", "1.s", "s", "-", "1000000h10000000h", "1s-1s", "infs"} {
		add("duration", bad, "")
	}
	for text, want := range map[string]string{"-1.5s": "-1.5s", "100us": "100µs", "1h1m1s1ms1us1ns": "1h1m1.001001001s", "0s": "0s"} {
		add("duration", text, want)
	}
	s := configtest.Start(t, values)
	c := s.Client(t)
	getters := map[string]func(string) (any, error){"int": get(c.Int), "float": get(c.Float), "bool": get(c.Bool), "duration": get(c.Duration)}
	for _, f := range forms {
		got, err := getters[f.kind](f.key)
		switch {
		case f.want == "" && !errors.Is(err, configclient.ErrWrongType):
			t.Errorf("%q is %v as %s, %v", f.text, got, f.kind, err)
		case f.want != "" && (err != nil || fmt.Sprint(got) != f.want):
			t.Errorf("%q is %v as %s, %v, want %s", f.text, got, f.kind, err, f.want)
		}
	}
}

// Of a value of another type, the last good one of the wanted type since the key appeared.
func TestTheLastGoodValueOfAType(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 1})
	log := &lines{}
	c := s.Client(t, log.option())
	told := changes(t, c, "a")
	steps := []struct {
		set   any // deleted: delete
		whole int
		float float64
		text  string
	}{
		{2, 2, 2, "d"},
		{2.5, 2, 2.5, "d"},
		{"x", 2, 2.5, "x"},
		{nil, 2, 2.5, "x"},
		{[]int{1}, 2, 2.5, "x"},
		{3, 3, 3, "x"},
		{"y", 3, 3, "y"},
		{deleted, 7, 7.5, "d"},
		{"z", 7, 7.5, "z"},
	}
	for i, one := range steps {
		if one.set == deleted {
			s.Delete(t, "a")
		} else {
			s.Set(t, "a", one.set)
		}
		next(t, told)
		whole, float, text := configclient.Get(c, "a", 7), configclient.Get(c, "a", 7.5), configclient.Get(c, "a", "d")
		if whole != one.whole || float != one.float || text != one.text {
			t.Errorf("step %d: %d, %v, %q; want %d, %v, %q", i, whole, float, text, one.whole, one.float, one.text)
		}
	}
	if warned := log.count("level=WARN"); warned != 1 || !strings.Contains(log.String(), `\"a\" is `) {
		t.Errorf("%d warnings, want one for the key:\n%s", warned, log)
	}
}

type deletion struct{}

var deleted any = deletion{}

func TestReads(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"database.pool_size": 20, "database.url": "u", "database2": 1, "null": nil, "list": []any{map[string]any{"a": 1}}})
	c := s.Client(t)
	_, err := c.Get("database.pool_siz")
	var e *configclient.Error
	if !errors.Is(err, configclient.ErrKeyMissing) || !errors.As(err, &e) || e.Key != "database.pool_siz" ||
		e.Scope != "payment-service/development" || e.Nearest() != "database.pool_size" {
		t.Errorf("%#v", err)
	}
	if want := `key "database.pool_siz" does not exist in payment-service/development; did you mean "database.pool_size"?`; err.Error() != want {
		t.Error(err)
	}
	if _, err := c.Get("completely.different"); errors.As(err, &e) && e.Nearest() != "" {
		t.Errorf("%q is near", e.Nearest())
	}
	if found, ok := c.Lookup("null"); !ok || found.Value != nil || found.Layer != configclient.ServiceEnvironment || found.Revision == 0 {
		t.Errorf("null is %+v, %t", found, ok)
	}
	if _, ok := c.Lookup("none"); ok {
		t.Error("none is there")
	}
	for prefix, want := range map[string]int{"": 5, "database": 2, "database2": 1, "none": 0} {
		if all, err := c.Snapshot(prefix); len(all) != want || err != nil {
			t.Errorf("%q: %v, %v", prefix, all, err)
		}
	}
	if _, err := c.Snapshot("database."); !errors.Is(err, configclient.ErrInvalidKey) {
		t.Error(err)
	}
	if d, err := c.Detail("database.url"); err != nil || d.Value != "u" || d.Source != configclient.Live || d.Age < 0 || d.Age > patience {
		t.Errorf("%+v, %v", d, err)
	}
	if d := configclient.GetDetail(c, "none", 5); d.Value != 5 || d.Source != configclient.Default || d.Age != 0 {
		t.Errorf("%+v", d)
	}
	if _, err := c.Detail("none"); !errors.Is(err, configclient.ErrKeyMissing) {
		t.Error(err)
	}
}

func TestWhatIsAnsweredBelongsToTheCaller(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"list": []any{map[string]any{"a": 1}}})
	c := s.Client(t)
	spoil := func(value any) { value.([]any)[0].(map[string]any)["a"] = "spoiled" }
	entry, err := c.Get("list")
	if err != nil {
		t.Fatal(err)
	}
	spoil(entry.Value)
	entry, _ = c.Lookup("list")
	spoil(entry.Value)
	spoil(configclient.Get[any](c, "list", nil))
	spoil(configclient.Get(c, "list", []any{}))
	all, _ := c.Snapshot("")
	spoil(all["list"])
	list, _ := c.List("list")
	spoil(list)
	raw, _ := c.JSON("list")
	spoil(raw)
	detail, _ := c.Detail("list")
	spoil(detail.Value)
	if got, _ := json.Marshal(configclient.Get[any](c, "list", nil)); string(got) != `[{"a":1}]` {
		t.Errorf("the list is %s", got)
	}
}

func TestAnInvalidKeyIsRefusedByEveryCall(t *testing.T) {
	t.Parallel()
	log := &lines{}
	c := open(t, configclient.WithAddress(pretend(t, saying(snapshot(1)))), log.option())
	long := strings.Repeat("k", 254)
	for _, key := range []string{"", "a..b", ".a", "a.", "a/b", "a b", "ä", long, "a\x00"} {
		_, err := c.Get(key)
		_, err2 := c.Detail(key)
		_, err3 := c.Int(key, 1)
		for _, err := range []error{err, err2, err3} {
			if !errors.Is(err, configclient.ErrInvalidKey) {
				t.Errorf("%q: %v", key, err)
			}
		}
		for range 2 { // said once
			if got := configclient.Get(c, key, 7); got != 7 {
				t.Errorf("%q is %d", key, got)
			}
		}
	}
	if reported := log.count("level=ERROR"); reported != 9 {
		t.Errorf("%d lines, want one for each key:\n%s", reported, log)
	}
}

// A value in the store that is no JSON keeps the last good one.
func TestAnUnusableValueInTheStore(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"good": 1, "mark": 0})
	s.SetRaw(t, "never", "{")
	c := s.Client(t)
	told := changes(t, c, "mark")
	s.SetRaw(t, "good", "{")
	s.Set(t, "mark", 1)
	next(t, told)
	if got, err := c.Int("good"); got != 1 || err != nil {
		t.Errorf("good is %d, %v", got, err)
	}
	if _, err := c.Get("never"); !errors.Is(err, configclient.ErrUnavailable) {
		t.Error(err)
	}
	if got := configclient.Get(c, "never", 7); got != 7 {
		t.Error(got)
	}
	if all, _ := c.Snapshot(""); len(all) != 2 {
		t.Error(all)
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, nil)
	c := s.Client(t)
	told := changes(t, c, "*")
	s.Set(t, "a", 1)
	next(t, told)
	if d, err := c.Detail("a"); err != nil || string(d.Layer) != configv1.Layer_SERVICE_ENVIRONMENT.String() {
		t.Errorf("%+v, %v", d, err)
	}
}
