package identity_test

import (
	"context"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/config-service/config-service/server/internal/identity"
)

// issuerSite is an issuer's web server, whose answer can be replaced.
type issuerSite struct {
	*httptest.Server
	answer  atomic.Pointer[http.HandlerFunc]
	fetches atomic.Int64
}

func newIssuer(t *testing.T, answer http.HandlerFunc) *issuerSite {
	t.Helper()
	s := &issuerSite{}
	s.answer.Store(&answer)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		(*s.answer.Load())(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *issuerSite) set(answer http.HandlerFunc) { s.answer.Store(&answer) }

func (s *issuerSite) authority() ([]byte, error) {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), nil
}

func document(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }
}

// remote is a Remote that runs until the test ends, and what it reports.
type remote struct {
	*identity.Remote
	log     journal
	reports chan bool
}

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func follow(t *testing.T, cfg identity.RemoteConfig) *remote {
	t.Helper()
	r := &remote{reports: make(chan bool, 1000)}
	cfg.Report = func(ok bool) {
		select {
		case r.reports <- ok:
		default: // nobody counts them
		}
	}
	cfg.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	if cfg.Times == (identity.RemoteTimes{}) {
		cfg.Times = identity.RemoteTimes{Every: time.Hour, Again: 1, Patience: patience}
	}
	r.Remote = identity.NewRemote(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

func (r *remote) keys() *identity.KeySet {
	keys, _ := r.Value()
	return keys
}

func await(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatalf("waited in vain until %s", what)
	}
}

// until has the keys fetched until something holds.
func (r *remote) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); r.Renew(t.Context()) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s; the log is:\n%s", what, &r.log)
		}
	}
}

// wantReport waits for a report of the kind.
func (r *remote) wantReport(t *testing.T, want bool) {
	t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case ok := <-r.reports:
			if ok == want {
				return
			}
		case <-deadline:
			t.Fatalf("no fetch was reported as %t; the log is:\n%s", want, &r.log)
		}
	}
}

func TestKeysOfAURL(t *testing.T) {
	t.Parallel()
	ec, next := newSigner(t, "ec", jose.ES256), newSigner(t, "next", jose.ES256)
	var asked atomic.Pointer[http.Request]
	site := newIssuer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r)
		document(jwks(t, ec))(w, r)
	})
	token := newSource([]byte("one\n"))
	r := follow(t, identity.RemoteConfig{
		URL: site.URL + "/keys", Authorities: site.authority,
		Token: func() ([]byte, error) { text, _ := token.value(); return text, nil },
	})
	r.wantReport(t, true)
	first, superseded := r.Value()
	if first == nil || asked.Load().Header.Get("Authorization") != "Bearer one" || asked.Load().URL.Path != "/keys" {
		t.Fatalf("keys %v, asked as %v", first, asked.Load().Header)
	}

	token.set([]byte("two"))
	r.until(t, "the second token is sent", func() bool { return asked.Load().Header.Get("Authorization") == "Bearer two" })
	if r.keys() != first || closed(superseded) {
		t.Error("the same keys count as others")
	}
	for text, bad := range map[string]http.HandlerFunc{
		"the answer is 404":         http.NotFound,
		"the answer is 302":         func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"no JSON object":            document([]byte(canary)),
		"no usable key":             document([]byte(`{"keys":[]}`)),
		"longer than 1048576 bytes": document(append(jwks(t, next), make([]byte, 1<<20)...)),
		"101 keys":                  document([]byte(`{"keys":[` + strings.Repeat("{},", 100) + `{}]}`)),
		"unexpected EOF": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("{"))
		},
	} {
		site.set(bad)
		r.until(t, text, func() bool { return strings.Contains(r.log.String(), text) })
		if r.keys() != first {
			t.Errorf("%s: the keys before are not in use", text)
		}
	}
	token.set([]byte(canary + "\nb"))
	r.until(t, "the token is no token", func() bool { return strings.Contains(r.log.String(), "what no header may") })
	if log := r.log.String(); strings.Contains(log, canary) {
		t.Errorf("the log has what was answered, or the token:\n%s", log)
	}

	token.set([]byte("two"))
	site.set(document(jwks(t, ec, next)))
	r.until(t, "the keys are others", func() bool { return closed(superseded) })
	if r.keys() == first {
		t.Error("the keys before are in use")
	}
}

func TestAURLThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	site := newIssuer(t, document(jwks(t, newSigner(t, "ec", jose.ES256))))
	for name, authorities := range map[string]func() ([]byte, error){
		"the system's authorities": nil,
		"no certificate":           func() ([]byte, error) { return []byte(canary), nil },
		"a file that went away":    func() ([]byte, error) { return nil, errors.New("it is gone") },
	} {
		t.Run(name, func(t *testing.T) {
			r := follow(t, identity.RemoteConfig{URL: site.URL, Authorities: authorities})
			r.wantReport(t, false)
			if r.keys() != nil {
				t.Error("there are keys")
			}
			if log := r.log.String(); !strings.Contains(log, "every such token is refused") {
				t.Errorf("the log is:\n%s", log)
			}
		})
	}
	if site.fetches.Load() != 0 {
		t.Error("the site was asked")
	}
}

// A site that is away at the start is tried again, and its tokens are taken once it is
// there.
func TestASiteThatComesLater(t *testing.T) {
	t.Parallel()
	ec := newSigner(t, "ec", jose.ES256)
	site := newIssuer(t, http.NotFound)
	r := follow(t, identity.RemoteConfig{URL: site.URL, Authorities: site.authority})
	r.wantReport(t, false)
	_, superseded := r.Value()
	site.set(document(jwks(t, ec)))
	await(t, "there are keys", superseded)
}

// However many calls bring tokens whose key is not known: one fetch in a time, and they
// wait for it no longer than the patience.
func TestUnknownKeysMakeFewFetches(t *testing.T) {
	t.Parallel()
	ec := newSigner(t, "ec", jose.ES256)
	hold := make(chan struct{})
	site := newIssuer(t, document(jwks(t, ec)))
	r := follow(t, identity.RemoteConfig{URL: site.URL, Authorities: site.authority, Times: identity.RemoteTimes{Every: time.Hour, Again: time.Hour, Patience: patience}})
	r.wantReport(t, true)
	for range 1000 {
		r.Renew(t.Context())
	}
	if n := site.fetches.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}

	site.set(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	})
	short := follow(t, identity.RemoteConfig{URL: site.URL, Authorities: site.authority, Times: identity.RemoteTimes{Every: time.Hour, Again: time.Hour, Patience: 50 * time.Millisecond}})
	var calls sync.WaitGroup
	began := time.Now()
	for range 100 {
		calls.Go(func() { short.Renew(t.Context()) })
	}
	calls.Wait()
	short.wantReport(t, false)
	close(hold)
	if took := time.Since(began); took > patience {
		t.Errorf("the calls waited for %s", took)
	}
	if n := site.fetches.Load(); n > 2 { // one that gave up before it got there is none
		t.Errorf("fetched %d times", n)
	}
	if short.keys() != nil {
		t.Error("there are keys")
	}
}

// Whoever waits when all ends does not wait on.
func TestTheEndReleasesWhoWaits(t *testing.T) {
	t.Parallel()
	r := identity.NewRemote(identity.RemoteConfig{
		URL: "https://127.0.0.1:1", Report: func(bool) {}, Log: slog.New(slog.DiscardHandler),
		Times: identity.RemoteTimes{Every: time.Hour, Again: time.Hour, Patience: time.Hour},
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Run(ctx)
	done := make(chan struct{})
	go func() { r.Renew(t.Context()); close(done) }()
	await(t, "the call goes on", done)
}
