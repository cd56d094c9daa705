package gateway

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// arrived runs a request through the gateway and returns the metadata, and whether
// there is a deadline, where identity and handlers would see them.
func arrived(t *testing.T, rt *route, header http.Header) (md metadata.MD, bounded bool) {
	t.Helper()
	see := func(ctx context.Context) {
		md, _ = metadata.FromIncomingContext(ctx)
		_, bounded = ctx.Deadline()
	}
	g, err := New(Config{
		Service: configv1.UnimplementedConfigServiceServer{},
		Access:  configv1.UnimplementedAccessServiceServer{},
		Admin:   adminv1.UnimplementedConfigAdminServiceServer{},
		Unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			see(ctx)
			return next(ctx, req)
		},
		Stream: func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			see(stream.Context())
			return next(srv, stream)
		},
		Health:   http.NotFoundHandler(),
		IsSpare:  func(context.Context) bool { return false },
		UnixPeer: func(context.Context) *identity.UnixPeer { return nil },
		Metrics:  telemetry.NewMetrics("test", time.Now),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, strings.ReplaceAll(rt.template, "{key}", "a"), nil)
	if rt.takesBody() {
		r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, rt.path(), strings.NewReader("{}"))
		header["Content-Type"] = []string{mimeJSON}
	}
	r.Host, r.Header = "localhost:8080", header
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound && w.Code != http.StatusNotImplemented { // the service implements nothing
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	return md, bounded
}

// What a caller says about itself in a header goes no further than this package,
// unless it is on the list: identity must never be read from anything else.
func TestOnlyListedHeadersArrive(t *testing.T) {
	header := http.Header{}
	wanted := map[string]string{
		"Traceparent": "00-1-2-00", "Tracestate": "a=b", "X-Request-Id": "id-1",
	}
	for name, value := range wanted {
		header.Set(name, value)
	}
	hostile := []string{
		"Authorization", // it travels as evidence
		"Grpc-Metadata-Authorization", "Grpc-Metadata-X-Namespace", "Grpc-Metadata-X-Request-Id", "Grpc-Metadata-Bin-Bin",
		"Grpcgateway-Authorization", "Grpcgateway-User-Agent", "Grpc-Encoding", "Grpc-Trace-Bin",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-User", "Forwarded", "X-Real-Ip", "X-Http-Method-Override",
		"X-Namespace", "Namespace", "Cookie", "User-Agent", "Referer", "From", "Permanent-Credentials", "Te", "Connection", "Via",
		"X-Authenticated-User", "Proxy-Authorization", "Accept-Language", "Cache-Control", "Content-Type", "Last-Event-Id", "If-None-Match",
	}
	for _, name := range hostile {
		header[name] = []string{"hostile"}
	}
	header["Grpc-Timeout"] = []string{"1n"}
	for _, r := range routes {
		md, bounded := arrived(t, &r, header.Clone())
		if bounded {
			t.Errorf("%s: Grpc-Timeout sets the deadline of the call", r.method)
		}
		for name, want := range wanted {
			name = textLower(name)
			if got := md.Get(name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %s arrives as %q", r.method, name, got)
			}
			delete(md, name)
		}
		// The gateway itself adds where the request came from, and the host it is
		// for, which the allow-list has seen.
		if got := md["x-forwarded-host"]; !slices.Equal(got, []string{"localhost:8080"}) {
			t.Errorf("%s: x-forwarded-host arrives as %q", r.method, got)
		}
		delete(md, "x-forwarded-host")
		if got := md["x-forwarded-for"]; len(got) > 1 || (len(got) == 1 && got[0] != "192.0.2.1") {
			t.Errorf("%s: x-forwarded-for arrives as %q", r.method, got)
		}
		delete(md, "x-forwarded-for")
		if len(md) > 0 {
			t.Errorf("%s: these arrive too: %q", r.method, slices.Sorted(maps.Keys(md)))
		}
	}
}

func textLower(name string) string {
	lower, _ := incomingHeader(name)
	return lower
}
