package gateway_test

import (
	"bufio"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/gateway"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	configservice "github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

const canary = "canary-of-another-service"

// handler is the whole REST face on a copy that holds one own key, and one of another
// service that nobody may see.
func handler(f *testing.F) http.Handler {
	f.Helper()
	own := snapshot.ScopeID{Namespace: "payment-service", Environment: "development"}
	other := snapshot.ScopeID{Namespace: "payment-service-2", Environment: "development"}
	copied := replica.New(time.Now)
	copied.Replace(snapshot.Listing{Epoch: "e", Revision: 7, Verified: time.Now(), Scopes: map[snapshot.ScopeID][]snapshot.Change{
		own:   {{Key: "database.pool_size", Value: parse(f, "20"), Revision: 5}},
		other: {{Key: "database.pool_size", Value: parse(f, `"`+canary+`"`), Revision: 6}},
	}})
	metrics, log := telemetry.NewMetrics("test", time.Now), slog.New(slog.DiscardHandler)
	chain := endpoint.Chain{
		Log: log, Metrics: telemetry.NewCalls(),
		Identify:  identity.Pin(own.Namespace, own.Environment),
		Authorize: policy.Sidecar,
		Streams:   endpoint.NewStreams(10, 10), Answers: endpoint.NewAnswers(1<<20, endpoint.DefaultTimes()),
	}
	stopping := make(chan struct{})
	close(stopping) // so that neither a watch nor a wait lasts
	g, err := gateway.New(gateway.Config{
		Service: configservice.New(copied, metrics, time.Now, stopping),
		Unary:   chain.Unary(), Stream: chain.Stream(), Health: http.NotFoundHandler(),
		IsSpare: endpoint.IsSpare, UnixPeer: endpoint.UnixPeerOf, Log: log, Metrics: metrics,
	})
	if err != nil {
		f.Fatal(err)
	}
	return g
}

func parse(f *testing.F, json string) snapshot.Value {
	f.Helper()
	v, err := snapshot.ParseValue([]byte(json))
	if err != nil {
		f.Fatal(err)
	}
	return v
}

// FuzzRequest sends what HTTP lets through: any path, query and headers. Whatever it
// is gets an answer of the contract, and never what belongs to another service.
func FuzzRequest(f *testing.F) {
	h := handler(f)
	for _, request := range []string{
		"GET /v1/config/database.pool_size HTTP/1.1\r\nHost: localhost",
		"GET /v1/config?prefix=database&keys=a&keys=b&min_revision=7 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: text/plain;q=0.5, */*",
		"HEAD /v1/config HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: W/\"e-5\", *",
		"GET /v1/watch?resume.epoch=e&resume.revision=7&checkpoint_interval=1s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nLast-Event-ID: e.7",
		"GET /v1/explain/database%2Epool_size?namespace=payment-service-2 HTTP/1.1\r\nHost: localhost",
		"GET /v1/config/..%2f..%2fpayment-service-2 HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a",
		"GET //v1/config/a%00b?namespace=payment-service%2d2 HTTP/1.1\r\nHost: localhost\r\nGrpc-Metadata-Authorization: x",
		"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example",
		"POST /v1/config/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3",
		"GET /openapi.json HTTP/1.1\r\nHost: [::1]:8080\r\nSec-Fetch-Site: cross-site",
	} {
		f.Add(request)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n\r\nabc")))
		if err != nil {
			t.Skip("net/http refuses it")
		}
		r = r.WithContext(t.Context())
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body := w.Body.String()
		if strings.Contains(body, canary) {
			t.Fatalf("%q is answered with what belongs to another service", text)
		}
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%q is answered with %d: %s", text, w.Code, body)
		}
		if w.Code >= 400 && r.Method != http.MethodHead && r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
			hasReason(t, text, w, body)
		}
	})
}

// hasReason holds an error to its form: a status with a reason, or `REASON: message`.
func hasReason(t *testing.T, request string, w *httptest.ResponseRecorder, body string) {
	t.Helper()
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		if reason, _, ok := strings.Cut(body, ": "); !ok || reason != strings.ToUpper(reason) {
			t.Errorf("%q: the error is %q", request, body)
		}
		return
	}
	var st struct {
		Details []struct{ Reason string }
	}
	if err := json.Unmarshal([]byte(body), &st); err != nil || len(st.Details) == 0 {
		t.Errorf("%q: the error is %q (%v)", request, body, err)
	}
}
