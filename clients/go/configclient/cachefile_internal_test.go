package configclient

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
)

// A file that is unusable is said once, and again only after it has worked.
func TestNote(t *testing.T) {
	var log bytes.Buffer
	f := &cacheFile{path: "cache.json", log: slog.New(slog.NewTextHandler(&log, nil))}
	full := errors.New("full")
	for _, err := range []error{nil, full, full, full, nil, nil, full, full} {
		f.note(err)
	}
	if lines := bytes.Count(log.Bytes(), []byte("level=WARN")); lines != 2 {
		t.Errorf("%d lines:\n%s", lines, &log)
	}
}
