package gateway

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/requestid"
)

// writeError answers a call that failed before its first message.
func writeError(ctx context.Context, mux *runtime.ServeMux, form runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	if md, ok := runtime.ServerMetadataFromContext(ctx); ok {
		for _, id := range md.HeaderMD.Get(requestid.Key) {
			w.Header().Set("X-Request-Id", id)
		}
	}
	writeStatus(w, form, fault.Complete(status.Convert(err)), 0)
}

// streamStatus is the status of a stream that failed.
func streamStatus(ctx context.Context, err error) *status.Status {
	st := fault.Complete(status.Convert(err))
	if b, ok := ctx.Value(beginningKey{}).(*beginning); ok {
		b.failed = st
	}
	return st
}

// beginningKey finds the beginning of a stream in the context of its request.
type beginningKey struct{}

// beginning is where a stream is written to. One that fails before its first message
// has no frames yet: it is answered like any other call that failed.
type beginning struct {
	http.ResponseWriter
	failed   *status.Status // set before the frame of an error is written
	began    bool
	answered bool // the frame that follows is dropped
}

func (b *beginning) WriteHeader(code int) {
	if b.failed == nil || b.began {
		b.began = true
		b.ResponseWriter.WriteHeader(code)
		return
	}
	b.answered = true
	b.Header().Del("Transfer-Encoding")
	writeStatus(b.ResponseWriter, jsonForm{newJSON()}, b.failed, 0)
}

func (b *beginning) Write(p []byte) (int, error) {
	if b.answered {
		return len(p), nil
	}
	b.began = true
	return b.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (b *beginning) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func writeStatus(w http.ResponseWriter, form runtime.Marshaler, st *status.Status, override int) {
	body, err := form.Marshal(st.Proto())
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", form.ContentType(st.Proto()))
	h.Set("Cache-Control", "no-store")
	if d := fault.RetryDelay(st); d > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	}
	code := fault.HTTPStatus(st.Code())
	if override != 0 {
		code = override
	}
	if code == http.StatusUnauthorized {
		h.Set("Www-Authenticate", "Bearer")
	}
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that went away is no news
}
