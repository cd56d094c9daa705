package watched_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/config-service/config-service/server/internal/watched"
	"github.com/config-service/config-service/server/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const setting = "--secret-file (SECRET_FILE)"

// trial is one watched file and what was said of it.
type trial struct {
	path    string
	log     logs
	good    atomic.Bool
	mu      sync.Mutex // guards changes
	changes []string
	*watched.Files[string]
}

// logs keeps what is logged. It is safe for concurrent use: that time passes in a bubble
// puts nothing in order.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

func (w *trial) open() error {
	var err error
	w.Files, err = watched.Open(watched.Config[string]{
		Files: []watched.File{{Setting: setting, Path: w.path, Secret: true}},
		Parse: func(contents [][]byte) (string, error) {
			if text := string(contents[0]); !strings.HasPrefix(text, "bad") {
				return text, nil
			}
			return "", errors.New(setting + " holds what is bad")
		},
		Report: w.good.Store,
		Changed: func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if err == nil {
				w.changes = append(w.changes, "")
			} else {
				w.changes = append(w.changes, err.Error())
			}
		},
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	return err
}

// told is what was said of changes.
func (w *trial) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.changes)
}

func (w *trial) value() string {
	v, _ := w.Value()
	return v
}

// writes counts what was written.
var writes atomic.Int64

// write gives a file content, and a time of its own: those that systems give to two writes
// within milliseconds may be the same.
func write(t *testing.T, path, content string) {
	t.Helper()
	at := time.Unix(1e9+writes.Add(1), 0)
	if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), os.Chtimes(path, at, at)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsRefusedAtTheStart(t *testing.T) {
	for name, test := range map[string]struct {
		make  func(path string) error
		words []string
	}{
		"missing":           {func(string) error { return nil }, []string{"does not exist", "accepted: "}},
		"empty":             {func(p string) error { return os.WriteFile(p, nil, 0o600) }, []string{"is empty", "it belongs to user", "mode 0600"}},
		"directory":         {func(p string) error { return os.Mkdir(p, 0o700) }, []string{"a directory", "accepted: a regular file"}},
		"pipe":              {func(p string) error { return syscall.Mkfifo(p, 0o600) }, []string{"a pipe", "accepted: a regular file"}},
		"a link to nothing": {func(p string) error { return os.Symlink("nowhere", p) }, []string{"does not exist"}},
		"writable by all": {func(p string) error {
			return errors.Join(os.WriteFile(p, []byte("canary"), 0o600), os.Chmod(p, 0o622))
		}, []string{"any user may write", "it belongs to user", "mode 0622", "chmod 600"}},
		"too long":              {func(p string) error { return os.WriteFile(p, make([]byte, 1<<20+1), 0o600) }, []string{"longer than 1048576 bytes"}},
		"not what it has to be": {func(p string) error { return os.WriteFile(p, []byte("bad canary"), 0o600) }, []string{"holds what is bad"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &trial{path: filepath.Join(t.TempDir(), "file")}
			if err := test.make(w.path); err != nil {
				t.Fatal(err)
			}
			err := w.open()
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, word := range append(test.words, setting) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v; without %q", err, word)
				}
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("%v: it quotes the file", err)
			}
		})
	}
}

func TestAFileOfAVolumeOfKubernetesIsTakenWithoutAWarning(t *testing.T) {
	volume := t.TempDir()
	w := &trial{path: filepath.Join(volume, "token")}
	if err := os.Mkdir(filepath.Join(volume, "..2026_11_27"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(volume, "..2026_11_27", "token"), "one")
	err := errors.Join(os.Chmod(filepath.Join(volume, "..2026_11_27", "token"), 0o444),
		os.Symlink("..2026_11_27", filepath.Join(volume, "..data")), os.Symlink("..data/token", w.path), w.open())
	if err != nil || w.value() != "one" {
		t.Fatalf("%v, %q", err, w.value())
	}
	if text := w.log.String(); strings.Contains(text, "any user") {
		t.Errorf("the log has %s", text)
	}
	if err := os.Chmod(filepath.Join(volume, "..2026_11_27", "token"), 0o666); err != nil {
		t.Fatal(err)
	}
	w = &trial{path: w.path}
	if err := w.open(); err == nil || !strings.Contains(err.Error(), "any user may write") {
		t.Errorf("a file that anybody may write: %v", err)
	}
}

func TestAFileThatAllMayReadIsTakenWithAWarning(t *testing.T) {
	w := &trial{path: filepath.Join(t.TempDir(), "file")}
	write(t, w.path, "one")
	if err := errors.Join(os.Chmod(w.path, 0o644), w.open()); err != nil || w.value() != "one" {
		t.Fatalf("%v, %q", err, w.value())
	}
	if text := w.log.String(); !strings.Contains(text, "any user may read") || !strings.Contains(text, "chmod 600") {
		t.Errorf("the log is %q", text)
	}
}

// Who asked for it is told of each change, as often as the log is.
func TestChangesAreTold(t *testing.T) {
	running(t, func(w *trial) {
		for _, content := range []string{"two", "bad", "bad again", "two", "three!"} {
			write(t, w.path, content)
			pass(3 * time.Second)
		}
		pass(3 * time.Second)
		want := []string{"", setting + " holds what is bad", ""}
		if got := w.told(); !slices.Equal(got, want) {
			t.Errorf("told of %q, want %q", got, want)
		}
		write(t, w.path, "bad")
		pass(25 * time.Minute)
		if got := w.told()[len(want):]; len(got) != 3 { // at once, and every ten minutes
			t.Errorf("of a problem that stays, told of %q", got)
		}
	})
}

// A file whose content is no secret may be read by all, and written by few.
func TestAGuardedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "one")
	file := watched.File{Setting: setting, Path: path, Guarded: true}
	log := &logs{}
	cfg := watched.Config[string]{
		Files: []watched.File{file}, Log: slog.New(slog.NewTextHandler(log, nil)),
		Parse: func(contents [][]byte) (string, error) { return string(contents[0]), nil },
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := watched.Open(cfg); err != nil || log.String() != "" {
		t.Errorf("that all may read it: %v, the log is %q", err, log)
	}
	if content, err := watched.Read(file); err != nil || string(content) != "one" {
		t.Errorf("read %q, %v", content, err)
	}
	if err := os.Chmod(path, 0o646); err != nil {
		t.Fatal(err)
	}
	if _, err := watched.Open(cfg); err == nil || !strings.Contains(err.Error(), setting+" is ") || !strings.Contains(err.Error(), "any user may write") {
		t.Errorf("that all may write it: %v", err)
	}
	if _, err := watched.Read(file); err == nil || !strings.Contains(err.Error(), setting+" is ") {
		t.Errorf("read although all may write it: %v", err)
	}
}

// running is a watched file with one content, in a bubble of time.
func running(t *testing.T, then func(w *trial)) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "one")
	synctest.Test(t, func(t *testing.T) {
		w := &trial{path: path}
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.Run(ctx); close(done) }()
		then(w)
		cancel()
		<-done
	})
}

// pass lets the next look happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAChangeIsTakenUp(t *testing.T) {
	running(t, func(w *trial) {
		_, superseded := w.Value()
		write(t, w.path, "two, longer")
		select {
		case <-superseded:
			t.Error("superseded before it was looked at")
		default:
		}
		pass(3 * time.Second)
		select {
		case <-superseded:
		default:
			t.Error("not superseded")
		}
		if w.value() != "two, longer" {
			t.Errorf("the value is %q", w.value())
		}
		// As Kubernetes swaps a secret: by another target of a link.
		next := w.path + ".next"
		write(t, next+".content", "three")
		if err := errors.Join(os.Symlink(next+".content", next), os.Rename(next, w.path)); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		if w.value() != "three" {
			t.Errorf("the value is %q", w.value())
		}
	})
}

func TestAChangeThatDoesNotShowIsReadWithinAMinute(t *testing.T) {
	running(t, func(w *trial) {
		info, err := os.Stat(w.path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, w.path, "two")
		if err := os.Chtimes(w.path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		pass(30 * time.Second)
		if w.value() != "one" {
			t.Fatal("the change shows; this test proves nothing")
		}
		pass(32 * time.Second)
		if w.value() != "two" {
			t.Errorf("after a minute the value is %q", w.value())
		}
	})
}

func TestAFileThatWentBadChangesNothingAndIsSaid(t *testing.T) {
	running(t, func(w *trial) {
		_, superseded := w.Value()
		for _, step := range []struct {
			do   func() error
			says string
		}{
			{func() error { return os.WriteFile(w.path, []byte("bad"), 0o600) }, "holds what is bad"},
			{func() error { return os.WriteFile(w.path, nil, 0o600) }, "is empty"},
			{func() error { return os.Remove(w.path) }, "does not exist"},
			{func() error { return os.Mkdir(w.path, 0o700) }, "a directory"},
		} {
			w.log.Reset()
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			pass(5 * time.Minute)
			if text := w.log.String(); w.good.Load() || strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, step.says) {
				t.Errorf("good: %t; want one ERROR with %q, the log is:\n%s", w.good.Load(), step.says, text)
			}
			if w.value() != "one" {
				t.Errorf("the value is %q", w.value())
			}
		}
		select {
		case <-superseded:
			t.Error("superseded by nothing")
		default:
		}
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		write(t, w.path, "one")
		pass(3 * time.Second)
		if !w.good.Load() || w.value() != "one" {
			t.Errorf("good: %t, the value is %q", w.good.Load(), w.value())
		}
	})
}

// A file that went bad in nothing but its mode looks as before when it is good again.
func TestAFileThatIsAsBeforeIsGoodAgain(t *testing.T) {
	running(t, func(w *trial) {
		if err := os.Chmod(w.path, 0o602); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		if w.good.Load() {
			t.Fatal("a file that any user may write is good")
		}
		if err := os.Chmod(w.path, 0o600); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		if !w.good.Load() {
			t.Error("it is not said that the file is good again")
		}
	})
}
