package robust_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// logs keeps what a sidecar logs. It is safe for concurrent use.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// logLine is one line that was logged, with what the campaigns look at.
type logLine struct {
	Time                      time.Time
	Msg, Reason, Error, Key   string
	Problem, Endpoint, Source string
}

// lines are those whose message has a text.
func (l *logs) lines(t *testing.T, has string) []logLine {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []logLine
	for line := range strings.Lines(l.text.String()) {
		var one logLine
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("logged: %q: %v", line, err)
		}
		if strings.Contains(one.Msg, has) {
			all = append(all, one)
		}
	}
	return all
}
