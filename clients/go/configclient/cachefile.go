package configclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	cacheFormat = 1
	maxCache    = 16 << 20
	savesEvery  = time.Second
)

// cacheFile keeps the values on disk. After load it belongs to the goroutine of follow.
type cacheFile struct {
	path                   string // "": there is none
	namespace, environment string // that were given
	log                    *slog.Logger
	failed                 bool // it is unusable, and that was logged
	saved                  *content
	scope                  string // of saved
}

// cached is the form of the file, which clients in all languages share.
type cached struct {
	Format      int           `json:"format"`
	Namespace   string        `json:"namespace"`
	Environment string        `json:"environment"`
	Epoch       string        `json:"epoch"`
	Revision    int64         `json:"revision"`
	Written     time.Time     `json:"written"`
	Entries     []cachedEntry `json:"entries"`
}

type cachedEntry struct {
	Key      string          `json:"key"`
	Value    json.RawMessage `json:"value"`
	Layer    Layer           `json:"layer"`
	Revision int64           `json:"revision"`
}

func newCacheFile(set settings) *cacheFile {
	return &cacheFile{path: set.cacheFile, namespace: set.namespace, environment: set.environment, log: set.log}
}

// load returns what the file has, or nil.
func (f *cacheFile) load() *view {
	if f.path == "" {
		return nil
	}
	v, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f.note(err)
	return v
}

func (f *cacheFile) read() (*view, error) {
	info, err := os.Lstat(f.path)
	if err != nil {
		return nil, cause(err)
	}
	if err := trusted(info); err != nil {
		return nil, err
	}
	file, err := openNow(f.path)
	if err != nil {
		return nil, cause(err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil || trusted(info) != nil {
		return nil, errors.New("it was replaced while it was opened")
	}
	data, err := io.ReadAll(io.LimitReader(file, maxCache+1))
	if err != nil {
		return nil, cause(err)
	}
	v, err := parseCache(data)
	if err != nil {
		return nil, err
	}
	if f.namespace != "" && f.namespace != v.namespace || f.environment != "" && f.environment != v.environment {
		return nil, fmt.Errorf("it is for %s", v.scope())
	}
	return v, nil
}

// parseCache returns the view of a file, or why it is none. It does not quote what it read.
func parseCache(data []byte) (*view, error) {
	if len(data) > maxCache {
		return nil, errors.New("it is longer than 16 MiB")
	}
	var in cached
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, errors.New("it is not JSON of the form of a cache file")
	}
	switch {
	case in.Format != cacheFormat:
		return nil, fmt.Errorf("its format is %d; accepted: %d", in.Format, cacheFormat)
	case !isLabel(in.Namespace) || !isLabel(in.Environment) || in.Epoch == "" || in.Revision <= 0 || in.Written.IsZero() || in.Entries == nil:
		return nil, errors.New("it is not of the form of a cache file")
	}
	c := &content{entries: make(map[string]*stored, len(in.Entries)), invalid: map[string]bool{}, revision: in.Revision}
	for _, one := range in.Entries {
		var value any
		if !isKey(one.Key) || one.Revision < 0 || !slices.Contains([]Layer{ServiceEnvironment, Service, SharedEnvironment, Shared}, one.Layer) ||
			c.entries[one.Key] != nil || json.Unmarshal(one.Value, &value) != nil {
			return nil, errors.New("it has an entry that is malformed")
		}
		c.entries[one.Key] = &stored{Entry: Entry{one.Key, value, one.Layer, one.Revision}}
	}
	return &view{
		epoch: in.Epoch, revision: in.Revision, namespace: in.Namespace, environment: in.Environment,
		source: CacheFile, verified: in.Written, content: c,
	}, nil
}

// follow saves what is new, at most once a second, and the last of it at the end.
func (f *cacheFile) follow(c *Client) {
	defer close(c.saved)
	if f.path == "" {
		return
	}
	for {
		p := c.now.Load()
		saved := f.save(p)
		if p.closed {
			return
		}
		if saved {
			wait(c.ctx, savesEvery)
			continue
		}
		<-p.superseded
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// save writes what the sidecar said last, and says whether it tried. What could not be
// written is tried again with the next change, or a second later.
func (f *cacheFile) save(p *present) bool {
	v := p.view
	if v == nil || !p.confirmed || v.content == f.saved && v.scope() == f.scope {
		return false
	}
	err := f.write(v)
	if err == nil {
		f.saved, f.scope = v.content, v.scope()
	}
	f.note(err)
	return true
}

// write replaces the file by a new one.
func (f *cacheFile) write(v *view) error {
	data, err := formatCache(v, time.Now())
	if err != nil {
		return err
	}
	if len(data) > maxCache {
		return errors.New("the values are longer than 16 MiB")
	}
	file, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".*") // mode 0600
	if err != nil {
		return cause(err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), f.path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // err says more
	}
	return cause(err)
}

func formatCache(v *view, now time.Time) ([]byte, error) {
	out := cached{
		Format: cacheFormat, Namespace: v.namespace, Environment: v.environment, Epoch: v.epoch, Revision: v.revision,
		Written: now.UTC(), Entries: make([]cachedEntry, 0, len(v.content.entries)),
	}
	for _, s := range v.content.entries {
		value, err := json.Marshal(s.Value)
		if err != nil {
			return nil, err
		}
		out.Entries = append(out.Entries, cachedEntry{s.Key, value, s.Layer, s.Revision})
	}
	slices.SortFunc(out.Entries, func(a, b cachedEntry) int { return strings.Compare(a.Key, b.Key) })
	return json.Marshal(out)
}

// note logs that the file is unusable, once until it has worked.
func (f *cacheFile) note(err error) {
	if err != nil && !f.failed {
		f.log.Warn("the cache file is unusable; the client goes on without", "file", f.path, "problem", err)
	}
	f.failed = err != nil
}

// cause is an error of the system without the path, which is said elsewhere.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	if link := (*os.LinkError)(nil); errors.As(err, &link) {
		return link.Err
	}
	return err
}
