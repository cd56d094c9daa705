package daemon_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/servertest"
)

// visitor comes to one server with one evidence, over each transport.
type visitor struct {
	name  string // of the service that it is
	token string // what it brings; empty: none
	web   *http.Client
	tls   *tls.Config // nil: plaintext
	url   string
	rpc   configv1.ConfigServiceClient
}

// overTLS is a visitor of a server's TLS listeners, with a token, a certificate, or both.
func overTLS(t *testing.T, s *servertest.Server, trusts *servertest.Authority, name, token string, shows ...servertest.Certificate) *visitor {
	t.Helper()
	cfg := &tls.Config{RootCAs: trusts.Pool}
	for _, c := range shows {
		// Not Certificates: Go's client keeps one back that the server does not ask for.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.TLS, nil }
	}
	v := &visitor{name: name, token: token, tls: cfg, url: strings.Replace(s.URL, "http:", "https:", 1)}
	v.connect(t, &http.Transport{TLSClientConfig: cfg}, s.GRPC, credentials.NewTLS(cfg.Clone()))
	return v
}

// overSockets is a visitor of the sockets rest and rpc in a folder.
func overSockets(t *testing.T, dir, name, token string) *visitor {
	t.Helper()
	v := &visitor{name: name, token: token, url: "http://localhost"}
	v.connect(t, &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "rest"))
	}}, "unix:"+filepath.Join(dir, "rpc"), insecure.NewCredentials())
	return v
}

func (v *visitor) connect(t *testing.T, web *http.Transport, addr string, how credentials.TransportCredentials) {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(how))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); web.CloseIdleConnections() })
	v.web, v.rpc = &http.Client{Transport: web}, configv1.NewConfigServiceClient(conn)
}

// with is the context of a gRPC call.
func (v *visitor) with(ctx context.Context) context.Context {
	if v.token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+v.token)
}

// open asks over REST.
func (v *visitor) open(ctx context.Context, path, accept, namespace string) (*http.Response, error) {
	query := url.Values{}
	if namespace != "" {
		query.Set("namespace", namespace)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	return v.web.Do(req)
}

const (
	asNDJSON = "application/x-ndjson"
	asEvents = "text/event-stream"
)

// gets is what a visitor gets over each transport: a value, or the reason of a refusal.
// Without a namespace it asks for its own.
func (v *visitor) gets(t *testing.T, namespace string) [5]string {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var answers [5]string
	resp, err := v.rpc.Get(v.with(ctx), &configv1.GetRequest{Key: "a", Namespace: namespace})
	if answers[0] = resp.GetEntry().GetValue().GetStringValue(); err != nil {
		answers[0] = fault.ReasonOf(status.Convert(err))
	}
	stream, err := v.rpc.Watch(v.with(ctx), &configv1.WatchRequest{Namespace: namespace})
	if err == nil {
		var first *configv1.WatchResponse
		if first, err = stream.Recv(); err == nil {
			for _, e := range first.GetSnapshot().GetEntries() {
				if e.GetKey() == "a" {
					answers[1] = e.GetValue().GetStringValue()
				}
			}
		}
	}
	if err != nil {
		answers[1] = fault.ReasonOf(status.Convert(err))
	}
	for i, ask := range [][2]string{{"/v1/config/a", "application/json"}, {"/v1/watch", asNDJSON}, {"/v1/watch", asEvents}} {
		answers[2+i] = v.getsOverREST(ctx, t, ask[0], ask[1], namespace)
	}
	return answers
}

func (v *visitor) getsOverREST(ctx context.Context, t *testing.T, path, accept, namespace string) string {
	t.Helper()
	resp, err := v.open(ctx, path, accept, namespace)
	if err != nil {
		return "NOT_READY" // as gRPC says of a connection that fails
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK && !strings.HasPrefix(resp.Header.Get("Content-Type"), accept) {
		t.Errorf("%s as %s is answered as %s", path, accept, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadString('\n')
		for _, word := range []string{"of jwt", "of dns", "of spiffe", "of uid", "elsewhere", "UNAUTHENTICATED", "PERMISSION_DENIED", "KEY_NOT_FOUND", "NOT_READY"} {
			if strings.Contains(line, word) {
				return word
			}
		}
		if err != nil {
			return fmt.Sprintf("%d %s, %v", resp.StatusCode, line, err)
		}
	}
}

func each(answer string) [5]string { return [5]string{answer, answer, answer, answer, answer} }

// watching are the streams of a visitor's own scope.
type watching struct {
	messages map[string]chan string // by transport, of what arrives; closed with the stream
	ended    map[string]chan string // the last that arrived
}

// watch opens a Watch over each transport and returns when each has begun.
func (v *visitor) watch(t *testing.T) *watching {
	t.Helper()
	w := &watching{map[string]chan string{}, map[string]chan string{}}
	ctx := within(t)
	stream, err := v.rpc.Watch(v.with(ctx), &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	w.follow(t, "gRPC", func() (string, error) {
		m, err := stream.Recv()
		if err != nil {
			return status.Convert(err).Proto().String(), err
		}
		return m.String(), nil
	})
	for _, accept := range []string{asNDJSON, asEvents} {
		resp, err := v.open(ctx, "/v1/watch", accept, "")
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v, %v", v.name, resp, err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		lines := bufio.NewReader(resp.Body)
		w.follow(t, accept, func() (string, error) { return lines.ReadString('\n') })
	}
	for transport, messages := range w.messages {
		if first, open := <-messages; !open {
			t.Fatalf("%s: the Watch over %s ended at once: %s", v.name, transport, first)
		}
	}
	return w
}

// follow passes on what a stream brings until it ends.
func (w *watching) follow(t *testing.T, transport string, next func() (string, error)) {
	messages, ended := make(chan string, 10_000), make(chan string, 1)
	w.messages[transport], w.ended[transport] = messages, ended
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(messages)
		last := ""
		for {
			text, err := next()
			if strings.TrimSpace(text) != "" {
				last = text
				messages <- text
			}
			if err != nil {
				if err != io.EOF && transport != "gRPC" {
					last += err.Error()
				}
				ended <- last
				return
			}
		}
	}()
	t.Cleanup(func() { <-done })
}

// end wants every stream closed with a reason, soon after began.
func (w *watching) end(t *testing.T, who, reason string, began time.Time) {
	t.Helper()
	for transport, ended := range w.ended {
		select {
		case last := <-ended:
			t.Logf("FIGURES watch_closed{%s,%s}=%s", who, transport, time.Since(began).Round(time.Millisecond))
			if !strings.Contains(last, reason) {
				t.Errorf("the Watch of %s over %s ends with %s", who, transport, last)
			}
		case <-time.After(patience):
			t.Errorf("the Watch of %s over %s goes on", who, transport)
		}
	}
}

// goesOn wants every stream to bring the next text.
func (w *watching) goesOn(t *testing.T, who, text string) {
	t.Helper()
	for transport, messages := range w.messages {
		late := time.After(patience)
		for arrived := false; !arrived; {
			select {
			case m, open := <-messages:
				if !open {
					t.Errorf("the Watch of %s over %s ended with %s", who, transport, <-w.ended[transport])
					arrived = true
				}
				arrived = arrived || strings.Contains(m, text)
			case <-late:
				t.Fatalf("the Watch of %s over %s did not bring %s", who, transport, text)
			}
		}
	}
}

// file writes a file of a test and returns its path.
func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	servertest.WriteFile(t, path, text)
	return path
}

// shortDir is a directory whose path leaves room for the name of a Unix socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "doors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
