package configclient_test

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func TestValueKeepsTheLastGoodOne(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, nil)
	log := &lines{}
	c := s.Client(t, log.option())
	v := configclient.NewValue(c, "timeout", time.Minute)
	told := changes(t, c, "timeout")
	steps := []struct {
		set  any
		want time.Duration
		bad  bool
	}{
		{"2m", 2 * time.Minute, false},
		{"2 minutes", 2 * time.Minute, true},
		{[]int{}, 2 * time.Minute, true},
		{30, 30 * time.Second, false},
		{nil, 30 * time.Second, true},
		{deleted, time.Minute, false},
		{true, time.Minute, true},
	}
	for i, one := range steps {
		if one.set == deleted {
			s.Delete(t, "timeout")
		} else {
			s.Set(t, "timeout", one.set)
		}
		next(t, told)
		if got, err := v.Get(), v.Err(); got != one.want || (err != nil) != one.bad || err != nil && !errors.Is(err, configclient.ErrWrongType) {
			t.Errorf("step %d: %s, %v; want %s", i, got, err, one.want)
		}
	}
	if err := v.Err().Error(); err != `"timeout" is a boolean where the program wants a duration` {
		t.Error(err)
	}
	if log.count("level=WARN") != 1 {
		t.Errorf("want one warning:\n%s", log)
	}
}

func TestValueOfAnInvalidKey(t *testing.T) {
	t.Parallel()
	c := open(t, configclient.WithAddress(pretend(t, saying(snapshot(1)))))
	v := configclient.NewValue(c, "a..b", 7)
	if v.Get() != 7 || !errors.Is(v.Err(), configclient.ErrInvalidKey) {
		t.Errorf("%d, %v", v.Get(), v.Err())
	}
}

type database struct {
	PoolSize int           `json:"pool_size"`
	Timeout  time.Duration `json:"timeout,omitempty"`
	Replicas []replica     `json:"replicas"`
	TLS      struct {
		Mode string `json:"mode"`
	} `json:"tls"`
	common
	Untagged string
	Skipped  int `json:"-"`
}

type common struct {
	Name string `json:"name"`
}

type replica struct {
	Host string `json:"host"`
	Port uint16 `json:"port"`
}

func TestBind(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{
		"database.pool_size": 20, "database.replicas": []any{map[string]any{"host": "a", "port": 1}}, "database.tls.mode": "full",
		"database.name": "main", "database.unknown": true, "database.private": 5, "database2.pool_size": 1,
	})
	c := s.Client(t)
	def := database{PoolSize: 10, Timeout: time.Second, Untagged: "u"}
	v := configclient.Bind(c, "database", def)
	want := database{PoolSize: 20, Timeout: time.Second, Replicas: []replica{{"a", 1}}, Untagged: "u"}
	want.TLS.Mode, want.Name = "full", "main"
	if got := v.Get(); !reflect.DeepEqual(got, want) || v.Err() != nil {
		t.Errorf("%+v, %v", got, v.Err())
	}
	told := changes(t, c, "database.pool_size")
	s.SetAll(t, configtest.Values{"database.pool_size": "many", "database.name": "other"})
	next(t, told)
	err := v.Err()
	if got := v.Get(); !reflect.DeepEqual(got, want) || !errors.Is(err, configclient.ErrWrongType) {
		t.Errorf("a wrong type keeps the whole: %+v, %v", got, err)
	}
	if want := `"database" has a string at "pool_size" where the program wants a whole number`; err.Error() != want {
		t.Error(err)
	}
	s.SetAll(t, configtest.Values{"database.pool_size": 30, "database.replicas": []any{map[string]any{"host": "a", "port": 1e6}}})
	next(t, told)
	if err := v.Err(); err == nil || !strings.Contains(err.Error(), `"replicas[0].port"`) {
		t.Error(err)
	}
	s.SetAll(t, configtest.Values{"database.pool_size": 40, "database.replicas": nil})
	next(t, told)
	s.Delete(t, "database.replicas")
	until(t, "a usable whole", func() bool { return v.Err() == nil })
	if got := v.Get(); got.PoolSize != 40 || got.Name != "other" || got.Replicas != nil {
		t.Errorf("%+v", got)
	}
	everything := configclient.Bind(c, "", map[string]any{}).Get()
	if name := everything["database"].(map[string]any)["name"]; name != "other" || len(everything) != 2 {
		t.Errorf("everything is %v", everything)
	}
}

func TestBindOfAnObject(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"database": map[string]any{"pool_size": 5}})
	c := s.Client(t)
	bound, value := configclient.Bind(c, "database", database{}), configclient.NewValue(c, "database", database{Untagged: "u"})
	if bound.Get().PoolSize != 5 || value.Get().PoolSize != 5 || value.Get().Untagged != "u" {
		t.Errorf("%+v, %+v", bound.Get(), value.Get())
	}
	if none := configclient.Bind(c, "none", database{PoolSize: 3}); none.Get().PoolSize != 3 || none.Err() != nil {
		t.Errorf("%+v, %v", none.Get(), none.Err())
	}
}

// A bind is of one moment: keys that change together are never seen apart.
func TestBindIsOfOneMoment(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"pair.a": 0, "pair.b": 0})
	c := s.Client(t)
	v := configclient.Bind(c, "pair", map[string]int{})
	const last = 200
	go func() {
		for n := 1; n <= last; n++ {
			s.SetAll(t, configtest.Values{"pair.a": n, "pair.b": n})
		}
	}()
	until(t, "the last pair", func() bool {
		pair := v.Get()
		if pair["a"] != pair["b"] {
			t.Errorf("%v", pair)
		}
		return pair["a"] == last
	})
}

// loud counts how often it is decoded, and panics when it is told to.
type loud struct{ text string }

var decoded atomic.Int32

func (l *loud) UnmarshalText(text []byte) error {
	decoded.Add(1)
	if string(text) == "panic" {
		panic(string(text))
	}
	l.text = string(text)
	return nil
}

func TestValueIsDecodedOncePerChange(t *testing.T) {
	decoded.Store(0)
	s := configtest.Start(t, configtest.Values{"loud": "a", "other": 0})
	c := s.Client(t)
	v := configclient.NewValue(c, "loud", loud{"default"})
	told := changes(t, c, "*")
	s.Set(t, "other", 1)
	next(t, told)
	for range 100 {
		v.Get()
	}
	if n := decoded.Load(); n != 1 || v.Get().text != "a" {
		t.Errorf("decoded %d times, %q", n, v.Get().text)
	}
	s.Set(t, "loud", "panic")
	next(t, told)
	if err := v.Err(); !errors.Is(err, configclient.ErrWrongType) || v.Get().text != "a" {
		t.Errorf("%q, %v", v.Get().text, err)
	}
	s.Set(t, "loud", "b")
	next(t, told)
	if n := decoded.Load(); v.Err() != nil || v.Get().text != "b" || n > 5 {
		t.Errorf("%q, %v, decoded %d times", v.Get().text, v.Err(), n)
	}
}

// A Value that nobody keeps costs nothing for long.
func TestAValueThatIsDroppedIsForgotten(t *testing.T) {
	t.Parallel()
	messages := make(chan *configv1.WatchResponse)
	address := pretend(t, following(messages))
	go func() { messages <- snapshot(1, entry("a", 1, 1)) }()
	c := open(t, configclient.WithAddress(address))
	for range 1000 {
		configclient.NewValue(c, "a", 0)
	}
	kept := configclient.NewValue(c, "a", 0)
	revision := int64(1)
	until(t, "one Value is left", func() bool {
		runtime.GC()
		messages <- delta(revision, revision+1, entry("a", float64(revision), revision+1))
		revision++
		return configclient.Followers(c) == 1
	})
	until(t, "it follows", func() bool { return kept.Get() == int(revision-1) })
}
