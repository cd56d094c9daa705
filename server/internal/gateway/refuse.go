package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

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

// refusalsLogged is how often a line about requests for other hosts, or of other
// sites, is written at most.
const refusalsLogged = 10 * time.Second

// refusals answers requests that do not reach the routes, and keeps account of them.
type refusals struct {
	log    *slog.Logger
	rarely map[string]*telemetry.Rarely // by what is worth a warning
	count  map[string]prometheus.Counter
}

func newRefusals(log *slog.Logger, count *prometheus.CounterVec) *refusals {
	f := &refusals{log: log, rarely: map[string]*telemetry.Rarely{}, count: map[string]prometheus.Counter{}}
	for _, by := range []string{byHost, byOrigin, byConnections, byBody, byPath, byMethod, byAccept, byQuery, byHeader} {
		f.count[by] = count.WithLabelValues(by)
	}
	for _, by := range []string{byHost, byOrigin} {
		f.rarely[by] = telemetry.NewRarely(refusalsLogged, time.Now)
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

// note logs a refusal. One that tells of an attack is a warning, but not every time.
func (f *refusals) note(r *http.Request, by, id string, err error) {
	if rarely := f.rarely[by]; rarely != nil {
		if skipped, ok := rarely.Pass(); ok {
			f.log.WarnContext(r.Context(), "request refused", "by", by, "request_id", id, "error", err, "more_since_last", skipped)
			return
		}
	}
	f.log.DebugContext(r.Context(), "request refused", "by", by, "request_id", id, "error", err)
}
