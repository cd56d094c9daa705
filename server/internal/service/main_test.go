package service_test

import (
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // unless the command line says otherwise: these tests mostly wait
	leaktest.Main(m)
}

// patience bounds every wait of these tests. None of them needs nearly as long.
const patience = 5 * time.Minute

// The layers, strongest first.
const (
	own       = configv1.Layer_SERVICE_ENVIRONMENT
	ofService = configv1.Layer_SERVICE
	sharedEnv = configv1.Layer_SHARED_ENVIRONMENT
	shared    = configv1.Layer_SHARED
)

// side is a running server and its client.
type side struct {
	*servertest.Server
	configv1.ConfigServiceClient
}

func start(t *testing.T, o servertest.Options) *side {
	t.Helper()
	s := servertest.Start(t, o)
	return &side{s, s.Client(t)}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// entry gets a key as of a revision or later.
func (s *side) entry(t *testing.T, key string, revision int64) *configv1.Entry {
	t.Helper()
	s.settle(t, revision)
	resp, err := s.Get(deadline(t), &configv1.GetRequest{Key: key, MinRevision: revision})
	if err != nil {
		t.Fatalf("get %s at %d: %v", key, revision, err)
	}
	return resp.GetEntry()
}

// settle returns when the server has a revision, for which one call waits for 5 s only.
func (s *side) settle(t *testing.T, revision int64) *configv1.ListResponse {
	t.Helper()
	ctx, req := deadline(t), &configv1.ListRequest{MinRevision: revision, Keys: []string{"none"}}
	resp, err := s.List(ctx, req)
	for status.Code(err) == codes.Unavailable && ctx.Err() == nil {
		resp, err = s.List(ctx, req)
	}
	if err != nil {
		t.Fatalf("wait for revision %d: %v", revision, err)
	}
	return resp
}

// stream is one watch.
type stream struct {
	grpc.ServerStreamingClient[configv1.WatchResponse]
	close context.CancelFunc
}

func (s *side) watch(t *testing.T, req *configv1.WatchRequest) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w, err := s.Watch(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	return &stream{w, cancel}
}

func (w *stream) next(t *testing.T) *configv1.WatchResponse {
	t.Helper()
	m, err := w.Recv()
	if err != nil {
		t.Fatalf("the stream ended: %v", err)
	}
	return m
}

func (w *stream) snapshot(t *testing.T) *configv1.Snapshot {
	t.Helper()
	m := w.next(t)
	if m.GetSnapshot() == nil {
		t.Fatalf("want a snapshot, got %v", m)
	}
	return m.GetSnapshot()
}

// news is the next message that is no checkpoint: those come when the machine is slow.
func (w *stream) news(t *testing.T) *configv1.WatchResponse {
	t.Helper()
	for {
		if m := w.next(t); m.GetCheckpoint() == nil {
			return m
		}
	}
}

func (w *stream) delta(t *testing.T) *configv1.Delta {
	t.Helper()
	m := w.news(t)
	if m.GetDelta() == nil {
		t.Fatalf("want a delta, got %v", m)
	}
	return m.GetDelta()
}

// flat is entries as text, for comparing: key=value@LAYER, then what is invalid.
func flat(entries []*configv1.Entry, invalid ...string) string {
	var out []string
	for _, e := range entries {
		text := e.GetValue().String()
		if v, ok := e.GetValue().GetKind().(*structpb.Value_StringValue); ok {
			text = v.StringValue
		}
		out = append(out, e.GetKey()+"="+text+"@"+e.GetLayer().String())
	}
	for _, key := range invalid {
		out = append(out, key+"!")
	}
	return strings.Join(out, " ")
}

// failure is an error as a program sees it.
type failure struct {
	code     codes.Code
	reason   string
	message  string
	metadata map[string]string
	fields   []string
	retry    bool
}

func failureOf(t *testing.T, err error) failure {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok || err == nil {
		t.Fatalf("%v is no status", err)
	}
	f := failure{code: st.Code(), message: st.Message()}
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == "configservice" {
				f.reason, f.metadata = d.GetReason(), d.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.fields = append(f.fields, v.GetField())
			}
		case *errdetails.RetryInfo:
			f.retry = d.GetRetryDelay().AsDuration() > 0
		}
	}
	return f
}

// wantFailure checks code and reason; NOT_READY has to say when to come back.
func wantFailure(t *testing.T, err error, code codes.Code, reason string) failure {
	t.Helper()
	f := failureOf(t, err)
	if f.code != code || f.reason != reason {
		t.Errorf("failed with %s %s (%s), want %s %s", f.code, f.reason, f.message, code, reason)
	}
	if f.retry != (reason == "NOT_READY") {
		t.Errorf("%s: RetryInfo is there: %t", reason, f.retry)
	}
	return f
}

// everyMethod calls each method for a scope and returns the errors by method.
func (s *side) everyMethod(ctx context.Context, namespace, environment string) map[string]error {
	errs := map[string]error{}
	_, errs["Get"] = s.Get(ctx, &configv1.GetRequest{Key: "a", Namespace: namespace, Environment: environment})
	_, errs["List"] = s.List(ctx, &configv1.ListRequest{Namespace: namespace, Environment: environment})
	_, errs["Explain"] = s.Explain(ctx, &configv1.ExplainRequest{Key: "a", Namespace: namespace, Environment: environment})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.Watch(ctx, &configv1.WatchRequest{Namespace: namespace, Environment: environment})
	if err == nil {
		_, err = w.Recv()
	}
	errs["Watch"] = err
	return errs
}
