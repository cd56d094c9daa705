package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // unless the command line says otherwise: these tests mostly wait
	leaktest.Main(m)
}

// patience bounds every wait of these tests. None of them needs nearly as long.
const patience = 2 * time.Minute

// site is a running server, and a client that sends what it is told and adds nothing.
type site struct {
	*servertest.Server
	client *http.Client
}

func open(t *testing.T, o servertest.Options) *site {
	t.Helper()
	return visit(t, servertest.Start(t, o))
}

// openControl is a server that has everything there is.
func openControl(t *testing.T) *site {
	t.Helper()
	return visit(t, servertest.StartControl(t, servertest.Options{}))
}

func visit(t *testing.T, server *servertest.Server) *site {
	t.Helper()
	s := &site{
		Server: server,
		client: &http.Client{
			Transport:     &http.Transport{DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request. Headers are lines as they stand on the wire.
func (s *site) do(t *testing.T, method, path string, headers ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resp := s.begin(t, ctx, method, path, headers)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (s *site) begin(t *testing.T, ctx context.Context, method, path string, headers []string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp
}

func (s *site) get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, headers...)
}

// at is a path that answers from a revision on.
func at(path string, revision int64) string {
	return path + "?min_revision=" + strconv.FormatInt(revision, 10)
}

// wire is a bare connection, for requests that no client would send.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func (s *site) dial(t *testing.T) *wire {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &wire{conn, bufio.NewReader(conn)}
}

// answer reads one answer. It returns the zero answer when the server closed the
// connection instead.
func (w *wire) answer(t *testing.T, method string) answer {
	t.Helper()
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatal("neither an answer nor a closed connection")
		}
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// closed says whether the server closes the connection, after nothing more.
func (w *wire) closed() bool {
	_, err := w.in.ReadByte()
	ne, ok := err.(net.Error)
	return err != nil && (!ok || !ne.Timeout())
}

// raw sends the bytes on a connection of their own.
func (s *site) raw(t *testing.T, method, request string) answer {
	t.Helper()
	w := s.dial(t)
	if _, err := io.WriteString(w, request); err != nil {
		t.Fatal(err)
	}
	return w.answer(t, method)
}

// refusal is the body of an error.
type refusal struct {
	Code    int
	Message string
	Details []struct {
		Type       string `json:"@type"`
		Reason     string
		Domain     string
		Metadata   map[string]string
		Violations []struct{ Field, Description string } `json:"field_violations"`
		RetryDelay string                                `json:"retry_delay"`
	}
}

func (r refusal) reason() string {
	for _, d := range r.Details {
		if strings.HasSuffix(d.Type, "/google.rpc.ErrorInfo") && d.Domain == "configservice" {
			return d.Reason
		}
	}
	return ""
}

// fields are the fields that the refusal names.
func (r refusal) fields() []string {
	var out []string
	for _, d := range r.Details {
		for _, v := range d.Violations {
			if v.Description != "" {
				out = append(out, v.Field)
			}
		}
	}
	return out
}

func (a answer) refusal(t *testing.T) refusal {
	t.Helper()
	var r refusal
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		t.Fatalf("%d %q is no error of the contract: %v", a.status, a.body, err)
	}
	return r
}

// wantRefused checks status, reason and, when given, that the message says all words.
func wantRefused(t *testing.T, a answer, status int, reason string, words ...string) {
	t.Helper()
	r := a.refusal(t)
	if a.status != status || r.reason() != reason {
		t.Errorf("answered %d %s (%s), want %d %s", a.status, r.reason(), r.Message, status, reason)
	}
	for _, w := range words {
		if !strings.Contains(r.Message, w) {
			t.Errorf("the message does not say %q: %s", w, r.Message)
		}
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of an error is %q", got)
	}
}

// wantField checks for a 400 that names the field.
func wantField(t *testing.T, a answer, field string) {
	t.Helper()
	wantRefused(t, a, http.StatusBadRequest, "INVALID_ARGUMENT", "accepted:")
	if got := a.refusal(t).fields(); !slices.Equal(got, []string{field}) {
		t.Errorf("the refusal names the fields %q, want %q", got, field)
	}
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }
