package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/server/internal/fault"
)

// writeError answers a call that failed before its first message.
func writeError(ctx context.Context, mux *runtime.ServeMux, form runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	if md, ok := runtime.ServerMetadataFromContext(ctx); ok {
		for _, id := range md.HeaderMD.Get("x-request-id") {
			w.Header().Set("X-Request-Id", id)
		}
	}
	writeStatus(w, form, fault.Complete(status.Convert(err)), 0)
}

// streamStatus is the status of a stream that failed.
func streamStatus(_ context.Context, err error) *status.Status {
	return fault.Complete(status.Convert(err))
}

// refuse answers a request that does not reach the routes.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
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

func writeStatus(w http.ResponseWriter, form runtime.Marshaler, st *status.Status, override int) {
	body, err := form.Marshal(st.Proto())
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", form.ContentType(st.Proto()))
	h.Set("Cache-Control", "no-store")
	if st.Code() == codes.Unavailable {
		h.Set("Retry-After", "1")
	}
	code := fault.HTTPStatus(st.Code())
	if override != 0 {
		code = override
	}
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that went away is no news
}
