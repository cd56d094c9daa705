package conformance

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// marker is the key that the runner writes to learn that a client has been told all
// that came before it. It is the last in byte order, and hidden from scenarios.
const marker = "zz-marker"

// markerID is the id of the runner's own listener.
const markerID = 1 << 20

// run is one scenario with one client. It belongs to one goroutine.
type run struct {
	*world
	matcher
	scenario *scenario
	client   client
	driver   *driver // nil before the first open
	opened   bool
	closed   bool

	listens bool // there is a listener, and the runner's own
	events  []map[string]any
	chain   map[string]map[string]any // the last event by listener and key
	marked  int                       // how often the runner wrote its marker
	marks   []string                  // values of the marker that were told
	logs    []map[string]any
	said    []string // every message of an error or a log
	secrets []string // what no message may hold
}

// play runs a scenario and says where it went another way.
func play(t *testing.T, s *scenario, c client, w *world) error {
	filled, err := s.fill(w.variables())
	if err != nil {
		return err
	}
	r := &run{world: w, matcher: matcher{map[string]int64{}}, scenario: filled, client: c, chain: map[string]map[string]any{}}
	defer func() {
		if r.driver != nil {
			r.driver.kill()
		}
	}()
	for i := range filled.Steps {
		st := &filled.Steps[i]
		if err := r.step(st); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", s.file, st.line, st.action, err)
		}
	}
	if err := r.finish(); err != nil {
		return fmt.Errorf("%s: after the last step: %w", s.file, err)
	}
	return nil
}

func (r *run) step(s *step) error {
	switch s.action {
	case "commit":
		return r.write(s)
	case "sidecar":
		return r.doSidecar(s)
	case "etcd":
		return r.doEtcd(s)
	case "network":
		return r.network(s.Network, s.Bytes)
	case "dials":
		return r.dials(s.Dials, time.Duration(s.NotBefore)*time.Second)
	case "arrived":
		return r.arrived()
	case "schema":
		return r.putSchema(s.Schema)
	case "write":
		r.keepSecret(s.Text)
		return writeFile(s)
	case "remove":
		return os.RemoveAll(s.Remove)
	case "file":
		return r.file(s)
	case "open":
		return r.open(s)
	case "client":
		return r.doClient(s)
	case "answer":
		return r.answer(s)
	case "events":
		return r.nextEvents(s)
	case "told":
		return r.lastEvents(s)
	case "no_more_events":
		return r.noMoreEvents()
	case "log":
		return r.nextLog(s)
	case "no_more_logs":
		return r.noMoreLogs()
	}
	return r.request(s)
}

func (r *run) write(s *step) error {
	for _, one := range s.Commit {
		for _, value := range one.Set {
			if text, ok := value.(string); ok {
				r.keepSecret(text)
			}
		}
	}
	if err := r.commit(s.Commit); err != nil {
		return err
	}
	if s.As != "" {
		r.revisions[s.As] = r.revision
	}
	return nil
}

// keepSecret remembers a value, or the content of a file, that no message may hold.
func (r *run) keepSecret(text string) {
	if text = strings.TrimSpace(text); len(text) >= 8 {
		r.secrets = append(r.secrets, text)
	}
}

func (r *run) doSidecar(s *step) error {
	signals := map[string]syscall.Signal{
		"stop": syscall.SIGTERM, "kill": syscall.SIGKILL, "freeze": syscall.SIGSTOP, "thaw": syscall.SIGCONT,
	}
	if s.Sidecar == "start" {
		return r.start(s)
	}
	signal, known := signals[s.Sidecar]
	if !known {
		return fmt.Errorf("a sidecar cannot %q", s.Sidecar)
	}
	return r.signal(signal)
}

func (r *run) doEtcd(s *step) error {
	switch s.Etcd {
	case "stop":
		r.etcd.Stop()
	case "start":
		r.etcd.Restart(r.t)
	case "empty":
		r.etcd.Stop()
		r.etcd.Empty(r.t)
		r.etcd.Restart(r.t)
	default:
		return fmt.Errorf("an etcd cannot %q", s.Etcd)
	}
	return nil
}

// bound is how long something that is expected eventually may take.
func (r *run) bound(s *step) time.Duration {
	if s.Within > 0 {
		return time.Duration(s.Within) * time.Second
	}
	return r.client.patience
}

// finish decides what must not have happened, and ends the client as the end of a
// program does.
func (r *run) finish() error {
	if r.driver == nil {
		return nil
	}
	if r.listens {
		if err := r.noMoreEvents(); err != nil {
			return err
		}
	}
	if r.opened {
		if err := r.fetchLogs(); err != nil {
			return err
		}
		if r.scenario.has("log", "no_more_logs") {
			if err := r.noMoreLogs(); err != nil {
				return err
			}
		}
	}
	d := r.driver
	r.driver = nil
	if err := d.end(); err != nil {
		return err
	}
	return r.tellsNoSecret()
}

// tellsNoSecret looks for values and tokens in all that the client said.
func (r *run) tellsNoSecret() error {
	for _, message := range r.said {
		if i := slices.IndexFunc(r.secrets, func(secret string) bool { return strings.Contains(message, secret) }); i >= 0 {
			return fmt.Errorf("a message holds a value or a token: %s", message)
		}
	}
	return nil
}
