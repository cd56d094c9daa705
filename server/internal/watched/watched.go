// Package watched is about files that change while the process runs: credentials,
// certificates, a policy. The newest good content is used; a file that went bad is said,
// and changes nothing.
package watched

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how often the files are looked at.
	lookEvery = 2 * time.Second
	// readEvery is how often they are read although they look the same.
	readEvery = time.Minute
	// repeatEvery is how often a problem that stays is logged again.
	repeatEvery = 10 * time.Minute
)

// File is one file of those that are watched together.
type File struct {
	Setting string // what named it, as the user knows it: messages begin with it
	Path    string
	// Guarded refuses a file that any user may write.
	Guarded bool
	// Secret does so too, and warns of one that any may read.
	Secret bool
}

// Config says what is watched. Fields are required unless they say otherwise.
type Config[T any] struct {
	// Files belong together, such as a certificate and its key: they change the value
	// together.
	Files []File
	// Parse makes the value of the contents, one for each file. Its error names the
	// setting, says what is wrong and what is accepted, and never quotes a secret.
	Parse func(contents [][]byte) (T, error)
	// Report, if there is one, is told after every look whether the files are good.
	Report func(good bool)
	// Changed, if there is one, is told when what the files hold now is in use, and
	// why when it cannot be: as often as it is logged. It does not wait for anything.
	Changed func(err error)
	Log     *slog.Logger
}

// Files are files of which the newest good content is known. The methods are safe for
// concurrent use.
type Files[T any] struct {
	cfg   Config[T]
	state atomic.Pointer[state[T]]

	// Owned by the goroutine of Run, and by Open before it.
	looks    []look
	contents [][]byte
	read     time.Time
	problem  string
	said     time.Time
}

type state[T any] struct {
	value      T
	superseded chan struct{}
}

// Open reads the files. It fails when they cannot be used: a process does not start
// with them.
func Open[T any](cfg Config[T]) (*Files[T], error) {
	f := &Files[T]{cfg: cfg}
	contents, looks, warnings, err := f.load()
	if err != nil {
		return nil, err
	}
	value, err := cfg.Parse(contents)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		cfg.Log.Warn(w)
	}
	f.publish(value, contents, looks)
	f.report(true)
	return f, nil
}

// Value is what the newest good content says, and a channel that is closed when it says
// something else.
func (f *Files[T]) Value() (T, <-chan struct{}) {
	s := f.state.Load()
	return s.value, s.superseded
}

// Run looks at the files until ctx ends. It is called once.
func (f *Files[T]) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.look()
		case <-ctx.Done():
			return
		}
	}
}

// look takes up what changed.
func (f *Files[T]) look() {
	if looks, err := lookAll(f.cfg.Files); err == nil && f.problem == "" && slices.Equal(looks, f.looks) && time.Since(f.read) < readEvery {
		return
	}
	contents, looks, _, err := f.load()
	if err == nil && slices.EqualFunc(contents, f.contents, bytes.Equal) {
		f.looks, f.read = looks, time.Now()
		f.well()
		return
	}
	var value T
	if err == nil {
		value, err = f.cfg.Parse(contents)
	}
	if err != nil {
		f.trouble(err)
		return
	}
	f.publish(value, contents, looks)
	f.cfg.Log.Info("files changed; what they hold now is in use", "files", f.names())
	f.changed(nil)
	f.well()
}

func (f *Files[T]) publish(value T, contents [][]byte, looks []look) {
	f.contents, f.looks, f.read = contents, looks, time.Now()
	before := f.state.Swap(&state[T]{value, make(chan struct{})})
	if before != nil {
		close(before.superseded)
	}
}

// trouble says that the files are not usable: at once when that is news.
func (f *Files[T]) trouble(err error) {
	f.report(false)
	if err.Error() == f.problem && time.Since(f.said) < repeatEvery {
		return
	}
	f.problem, f.said = err.Error(), time.Now()
	f.cfg.Log.Error("a file cannot be used; what it held before stays in use", "error", err)
	f.changed(err)
}

func (f *Files[T]) well() {
	f.problem = ""
	f.report(true)
}

func (f *Files[T]) report(good bool) {
	if f.cfg.Report != nil {
		f.cfg.Report(good)
	}
}

func (f *Files[T]) changed(err error) {
	if f.cfg.Changed != nil {
		f.cfg.Changed(err)
	}
}

func (f *Files[T]) names() []string {
	var names []string
	for _, file := range f.cfg.Files {
		names = append(names, file.Path)
	}
	return names
}
