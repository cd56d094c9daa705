package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// journal is what a server logs.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// records returns the lines with a message that contains text.
func (j *journal) records(t *testing.T, text string) []map[string]any {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []map[string]any
	for line := range strings.Lines(j.buf.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Errorf("%q is no log line: %v", line, err)
			continue
		}
		if msg, _ := r["msg"].(string); strings.Contains(msg, text) {
			found = append(found, r)
		}
	}
	return found
}

func TestTheStartSaysWhatIsInForce(t *testing.T) {
	t.Parallel()
	var log journal
	etcd := servertest.StartEtcd(t)
	servertest.Start(t, servertest.Options{Etcd: etcd, Log: telemetry.NewLogger(&log, "info", "json")}).Stop(t)
	if lines := log.records(t, "serving"); len(lines) != 1 || lines[0]["tracing"] != "off" || lines[0]["pprof"] != false {
		t.Errorf("the start says %v", lines)
	}
	if lines := log.records(t, "no service is named"); len(lines) != 0 {
		t.Errorf("with a service the start says %v", lines)
	}
	// An empty variable counts as not set.
	servertest.Start(t, servertest.Options{Etcd: etcd, Log: telemetry.NewLogger(&log, "info", "json"), Settings: map[string]string{"SERVICE_NAME": ""}}).Stop(t)
	if lines := log.records(t, "no service is named"); len(lines) != 1 || lines[0]["level"] != "WARN" {
		t.Errorf("without a service the start says %v", lines)
	}
}

// Each refusal is one audit record and no other line; and it says where the call comes
// from, over REST too, whatever its headers claim.
func TestRefusalsAreAudited(t *testing.T) {
	t.Parallel()
	var log journal
	s := servertest.Start(t, servertest.Options{Log: telemetry.NewLogger(&log, "info", "json")})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const calls = 50
	answered := calls
	for range calls {
		_, _ = s.Client(t).Get(ctx, &configv1.GetRequest{Key: "a", Environment: "production"}) // refused
		for _, host := range []string{"localhost", "evil\"}\x1b[31m.example"} {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/config/a?environment=production", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			req.Header.Set("X-Forwarded-For", "6.6.6.6")
			req.Header.Set("Grpc-Metadata-X-Forwarded-For", "6.6.6.6")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				continue // a host that no client sends
			}
			resp.Body.Close()
			answered++
		}
	}
	s.Stop(t)
	if lines := log.records(t, "finished call"); len(lines) != 0 {
		t.Errorf("beside the audit records there are %v", lines)
	}
	refused := log.records(t, "audit")
	if len(refused) != answered {
		t.Errorf("%d refused calls make %d records", answered, len(refused))
	}
	for _, r := range refused {
		if peer, _ := r["peer"].(string); !strings.HasPrefix(peer, "127.0.0.1") {
			t.Errorf("a refusal came from %q", peer)
		}
	}
}
