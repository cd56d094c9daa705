package configclient_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"google.golang.org/grpc"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// form is the cache file as clients in all languages share it.
const form = `{"format":1,"namespace":"payment-service","environment":"development","epoch":"e","revision":7,
"written":%q,"entries":[{"key":"a","value":1,"layer":"SERVICE","revision":3},{"key":"b","value":null,"layer":"SHARED","revision":7}]}`

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheCacheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.json")
	s := configtest.Start(t, configtest.Values{"a": 1, "null": nil, "list": []any{"ä", map[string]any{"x": 1.5}}})
	c := s.Client(t, configclient.WithCacheFile(path))
	type file struct {
		Format                        int
		Namespace, Environment, Epoch string
		Revision                      int64
		Written                       time.Time
		Entries                       []struct {
			Key, Layer string
			Value      any
			Revision   int64
		}
	}
	read := func() (f file) {
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return f
	}
	until(t, "the file", func() bool { return read().Format == 1 })
	f := read()
	if f.Namespace != s.Namespace || f.Environment != s.Environment || f.Epoch == "" || f.Revision == 0 || time.Since(f.Written) > patience || f.Written.Location() != time.UTC || len(f.Entries) != 3 {
		t.Errorf("%+v", f)
	}
	if e := f.Entries[0]; e.Key != "a" || e.Value != 1.0 || e.Layer != "SERVICE_ENVIRONMENT" || e.Revision == 0 {
		t.Errorf("%+v", e)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	told := changes(t, c, "a")
	for n := 2; n <= 5; n++ {
		s.Set(t, "a", n)
		next(t, told)
	}
	c.Close() // saves the last of it
	if e := read().Entries[0]; e.Value != 5.0 {
		t.Errorf("after Close: %+v", e)
	}
	s.Stop(t)
	begin := time.Now()
	later := open(t, configclient.WithAddress(s.Addr), configclient.WithCacheFile(path))
	t.Logf("Open from the file took %s", time.Since(begin))
	d := configclient.GetDetail(later, "a", 0)
	if d.Value != 5 || d.Source != configclient.CacheFile || d.Layer != configclient.ServiceEnvironment || later.Status() != configclient.Stale || later.WaitReady(t.Context()) != nil {
		t.Errorf("%+v, %s", d, later.Status())
	}
	if got, _ := json.Marshal(configclient.Get[any](later, "list", nil)); string(got) != `["ä",{"x":1.5}]` {
		t.Errorf("list is %s", got)
	}
	told = changes(t, later, "*")
	s.Set(t, "a", 6)
	s.Restart(t)
	if got := next(t, told); got.Key != "a" || got.Old != 5.0 || got.New != 6.0 {
		t.Errorf("told %+v", got)
	}
	reaches(t, later, configclient.Valid)
	if d := configclient.GetDetail(later, "a", 0); d.Source != configclient.Live || len(told) > 0 {
		t.Errorf("%+v, %d more told", d, len(told))
	}
}

// A sidecar that answers comes before the file, and one that accepts and says nothing costs 1 s.
func TestTheFileComesSecond(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.json")
	answers := pretend(t, saying(snapshot(1, entry("a", 2, 1))))
	until(t, "a sidecar that answered within 1 s comes first", func() bool {
		writeFile(t, path, fmt.Sprintf(form, "2999-01-01T00:00:00Z"))
		live := open(t, configclient.WithAddress(answers), configclient.WithCacheFile(path))
		defer live.Close()
		return configclient.Get(live, "a", 0) == 2
	})
	writeFile(t, path, fmt.Sprintf(form, "2999-01-01T00:00:00Z"))
	silent := open(t, configclient.WithAddress(pretend(t, saying())), configclient.WithCacheFile(path))
	if d := configclient.GetDetail(silent, "a", 0); d.Value != 1 || d.Layer != configclient.Service || d.Revision != 3 || d.Age != 0 {
		t.Errorf("%+v", d)
	}
	if e, ok := silent.Lookup("b"); !ok || e.Value != nil {
		t.Errorf("%+v, %t", e, ok)
	}
	silent.Close()
	if data, err := os.ReadFile(path); err != nil || string(data) != fmt.Sprintf(form, "2999-01-01T00:00:00Z") {
		t.Errorf("what is from the file is not written again: %s, %v", data, err)
	}
}

// A refusal does not take the values of the file away.
func TestTheFileAndARefusal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.json")
	writeFile(t, path, fmt.Sprintf(form, "2026-01-01T00:00:00Z"))
	address := pretend(t, func(*configv1.WatchRequest, grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		return status.Error(codes.PermissionDenied, "no")
	})
	c := open(t, configclient.WithAddress(address), configclient.WithCacheFile(path))
	if got := configclient.Get(c, "a", 0); got != 1 || c.Status() != configclient.Denied {
		t.Errorf("a is %d, %s", got, c.Status())
	}
	if _, err := c.Get("none"); !errors.Is(err, configclient.ErrDenied) {
		t.Error(err)
	}
}

func TestAFileThatIsNotUsed(t *testing.T) {
	t.Parallel()
	good := fmt.Sprintf(form, "2026-01-01T00:00:00Z")
	edited := func(old, new string) func(string) error {
		if !strings.Contains(good, old) {
			t.Fatalf("the form has no %s", old)
		}
		return func(path string) error { return os.WriteFile(path, []byte(strings.Replace(good, old, new, 1)), 0o600) }
	}
	for name, lay := range map[string]func(path string) error{
		"of another service":     edited("payment-service", "other-service"),
		"of another environment": edited("development", "production"),
		"of another format":      edited(`"format":1`, `"format":2`),
		"without an epoch":       edited(`"epoch":"e"`, `"epoch":""`),
		"without a time":         edited(`"2026-01-01T00:00:00Z"`, `"yesterday"`),
		"without entries":        edited(`"entries"`, `"others"`),
		"with a bad key":         edited(`"key":"a"`, `"key":"a/b"`),
		"with a key twice":       edited(`"key":"b"`, `"key":"a"`),
		"with no value":          edited(`"value":1`, `"values":1`),
		"with a number too far":  edited(`"value":1`, `"value":1e999`),
		"with another layer":     edited(`"SHARED"`, `"shared"`),
		"cut":                    edited(good[len(good)-1:], ""),
		"with more behind":       edited(good[len(good)-1:], "}{"),
		"empty":                  func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"too long":               edited("{", "{"+strings.Repeat(" ", 16<<20)),
		"writable by others": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(good), 0o600), os.Chmod(path, 0o620))
		},
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link": func(path string) error {
			return errors.Join(os.WriteFile(path+".to", []byte(good), 0o600), os.Symlink(path+".to", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "cache.json")
			if err := lay(path); err != nil {
				t.Fatal(err)
			}
			log := &lines{}
			messages := make(chan *configv1.WatchResponse)
			c := open(t, configclient.WithAddress(pretend(t, following(messages))), configclient.WithCacheFile(path), configclient.WithTimeout(0),
				configclient.WithNamespace("payment-service"), configclient.WithEnvironment("development"), log.option())
			if c.Status() != configclient.Initializing {
				t.Errorf("%s, a is %d", c.Status(), configclient.Get(c, "a", 0))
			}
			if warned := log.count("level=WARN"); warned != 1 || log.count("level=") != 1 {
				t.Errorf("want one warning:\n%s", log)
			}
			m := snapshot(1, entry("a", 2, 1))
			m.State.Environment = "development"
			messages <- m
			until(t, "the values", func() bool { return configclient.Get(c, "a", 0) == 2 })
		})
	}
}

// A disk that does not take the file stops nothing, is said once, and again only after it
// has worked.
func TestADirectoryThatIsNotThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dir")
	path := filepath.Join(dir, "cache.json")
	messages := make(chan *configv1.WatchResponse)
	address := pretend(t, following(messages))
	go func() { messages <- snapshot(1, entry("a", 0, 1)) }()
	log := &lines{}
	c := open(t, configclient.WithAddress(address), configclient.WithCacheFile(path), log.option())
	revision := int64(1)
	change := func() {
		messages <- delta(revision, revision+1, entry("a", float64(revision), revision+1))
		revision++
	}
	for round := 1; round <= 2; round++ {
		change()
		until(t, "a warning", func() bool { return log.count("level=WARN") == round })
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		until(t, "the file", func() bool { _, err := os.Stat(path); return err == nil })
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if c.Status() != configclient.Valid || configclient.Get(c, "a", -1) != int(revision-1) || log.count("level=") != 2 {
		t.Errorf("%s:\n%s", c.Status(), log)
	}
}
