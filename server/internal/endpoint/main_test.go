package endpoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // unless the command line says otherwise: these tests mostly wait
	leaktest.Main(m)
}

// patience bounds every wait of these tests. None of them needs nearly as long.
const patience = 2 * time.Minute

const own = configv1.Layer_SERVICE_ENVIRONMENT

// canary stands in every value that nobody here may read, and in the one that may be.
const canary = "CANARY-7d1f"

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// guarded starts a server beside which other services have values.
func guarded(t *testing.T, o servertest.Options) *servertest.Server {
	t.Helper()
	s := servertest.Start(t, o)
	var writes []servertest.Write
	for _, namespace := range []string{"payments", "payment", "other"} {
		for _, environment := range []string{"development", "production"} {
			writes = append(writes, servertest.Write{Namespace: namespace, Environment: environment, Layer: own, Key: "a", JSON: `"` + canary + `"`})
		}
	}
	writes = append(writes, servertest.Write{Namespace: "payment-service", Environment: "production", Layer: own, Key: "a", JSON: `"` + canary + `"`})
	s.Etcd.Commit(t, writes...)
	revision := s.Set(t, own, "legal", `"legal"`)
	if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{MinRevision: revision}); err != nil {
		t.Fatal(err)
	}
	return s
}

// bytesCodec sends and takes messages as the bytes they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (bytesCodec) Name() string { return "proto" }

var _ encoding.CodecV2 = bytesCodec{}

// bystander calls like an ordinary application until the returned function is called;
// that reports every error it had.
func bystander(t *testing.T, s *servertest.Server) (finish func()) {
	t.Helper()
	client := s.Client(t)
	web := &http.Client{Transport: &http.Transport{}}
	whole, end := context.WithTimeout(t.Context(), 5*patience) // of the test, not one wait
	t.Cleanup(end)
	w, err := client.Watch(whole, &configv1.WatchRequest{Prefix: "legal"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Recv(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(whole)
	var calls sync.WaitGroup
	var rounds [2]int
	loop := func(i int, call func() error) {
		calls.Go(func() {
			pace := time.NewTicker(2 * time.Millisecond)
			defer pace.Stop()
			for ; ctx.Err() == nil; rounds[i]++ {
				<-pace.C
				if err := call(); err != nil {
					t.Errorf("call %d of a legal client failed: %v", rounds[i], err)
					return
				}
			}
		})
	}
	loop(0, func() error {
		_, err := client.Get(deadline(t), &configv1.GetRequest{Key: "legal"})
		return err
	})
	loop(1, func() error {
		resp, err := web.Get(s.URL + "/v1/config/legal")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && !strings.Contains(string(body), `"legal"`) {
			t.Errorf("a legal client is answered %d %s", resp.StatusCode, body)
		}
		return err
	})
	return func() {
		t.Helper()
		stop()
		calls.Wait()
		web.CloseIdleConnections()
		s.Set(t, own, "legal", `"changed"`)
		m, err := w.Recv()
		for err == nil && m.GetCheckpoint() != nil { // the test took long
			m, err = w.Recv()
		}
		if err != nil || m.GetDelta() == nil {
			t.Errorf("the stream of a legal client: %v %v", m, err)
		}
		if rounds[0] == 0 || rounds[1] == 0 {
			t.Errorf("the legal client made %v calls", rounds)
		}
	}
}

// refusal is an error, of either transport.
type refusal struct {
	code    codes.Code
	reason  string
	message string
	fields  []string
	raw     string // all of it
}

func refusalOf(err error) refusal {
	st := status.Convert(err)
	r := refusal{code: st.Code(), message: st.Message(), raw: st.Proto().String()}
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == "configservice" {
				r.reason = d.GetReason()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				r.fields = append(r.fields, v.GetField())
			}
		}
	}
	return r
}

// webRefusal reads an error of REST, also of a stream that has not begun.
func webRefusal(t *testing.T, body string) refusal {
	t.Helper()
	type errorBody struct {
		Code    codes.Code
		Message string
		Details []struct {
			Reason, Domain string
			Violations     []struct{ Field string } `json:"field_violations"`
		}
	}
	var frame struct {
		errorBody
		Error *errorBody
	}
	if err := json.Unmarshal([]byte(body), &frame); err != nil {
		t.Errorf("%.300q is no error of the contract: %v", body, err)
		return refusal{raw: body}
	}
	e := frame.errorBody
	if frame.Error != nil {
		e = *frame.Error
	}
	r := refusal{code: e.Code, message: e.Message, raw: body}
	for _, d := range e.Details {
		if d.Domain == "configservice" {
			r.reason = d.Reason
		}
		for _, v := range d.Violations {
			r.fields = append(r.fields, v.Field)
		}
	}
	return r
}

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

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}
