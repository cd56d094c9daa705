package gateway

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/requestid"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// What a request is refused by, as the metric has it.
const (
	byHost        = "host"
	byOrigin      = "origin"
	byConnections = "connections"
	byBody        = "body"
	byPath        = "path"
	byMethod      = "method"
	byAccept      = "accept"
	byQuery       = "query"
	byHeader      = "header"
)

// refusals answers requests that do not reach the routes, and keeps account of them.
type refusals struct {
	log   *slog.Logger
	audit *telemetry.Audit
	count map[string]prometheus.Counter
}

func newRefusals(log *slog.Logger, audit *telemetry.Audit, count *prometheus.CounterVec) *refusals {
	f := &refusals{log: log, audit: audit, count: map[string]prometheus.Counter{}}
	for _, by := range []string{byHost, byOrigin, byConnections, byBody, byPath, byMethod, byAccept, byQuery, byHeader} {
		f.count[by] = count.WithLabelValues(by)
	}
	return f
}

func (f *refusals) answer(w http.ResponseWriter, r *http.Request, by string, err error) {
	id, _ := requestid.Of(r.Header.Values(requestid.Key))
	w.Header().Set(requestid.Key, id)
	f.count[by].Inc()
	f.note(r, by, id, err)
	var e *fault.Error
	override := 0
	if errors.As(err, &e) {
		override = e.HTTP
	}
	var form runtime.Marshaler = jsonForm{newJSON()}
	if best, err := negotiate(r.Header.Values("Accept"), []string{mimeJSON, mimeText}); err == nil && best == mimeText {
		form = textForm{newJSON()}
	}
	writeStatus(w, form, fault.Status(err), override)
}

// httpMethod is the method of a request, of those there are; callers can make up others.
func httpMethod(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// note logs a refusal. One that tells of an attack is audited.
func (f *refusals) note(r *http.Request, by, id string, err error) {
	if by == byHost || by == byOrigin {
		f.audit.Write(r.Context(), telemetry.Event{
			Method:    httpMethod(r) + " " + Route(r.URL.Path),
			Decision:  telemetry.Denied,
			Reason:    "by its " + by,
			RequestID: id,
			Peer:      r.RemoteAddr,
		})
	}
	f.log.DebugContext(r.Context(), "request refused", "by", by, "request_id", id, "error", err)
}
