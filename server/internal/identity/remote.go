package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// RemoteConfig says where keys are fetched from.
type RemoteConfig struct {
	URL string
	// Authorities returns the CA certificates (PEM) that the URL is checked with; nil:
	// those of the system.
	Authorities func() ([]byte, error)
	// Token returns the bearer token that the URL is asked with; nil: none.
	Token func() ([]byte, error)
	// Report is told of each fetch whether it gave usable keys.
	Report func(ok bool)
	Log    *slog.Logger
	Times  RemoteTimes
}

// RemoteTimes are how long a Remote takes for what.
type RemoteTimes struct {
	// Every is when the keys are fetched anew.
	Every time.Duration
	// Again is the least from one fetch to the next: after one that failed, and for tokens
	// with keys that are not known.
	Again time.Duration
	// Patience bounds a fetch, and how long a call waits for one.
	Patience time.Duration
}

// DefaultRemoteTimes are those of production.
func DefaultRemoteTimes() RemoteTimes {
	return RemoteTimes{Every: 5 * time.Minute, Again: 10 * time.Second, Patience: 5 * time.Second}
}

// maxDocument bounds what is read from the URL.
const maxDocument = 1 << 20

// repeatEvery is how often a problem that stays is logged again.
const repeatEvery = 10 * time.Minute

// Remote are keys that are fetched from a URL. The newest good ones are used. Its methods
// are safe for concurrent use.
type Remote struct {
	cfg   RemoteConfig
	state atomic.Pointer[remoteState]
	wake  chan struct{}
	ended chan struct{} // closed when Run has ended

	mu     sync.Mutex    // guards the rest
	flight chan struct{} // closed when the fetch that is asked for is over; nil: none is
	last   time.Time     // when the last fetch was asked for

	// Owned by the goroutine of Run.
	document []byte
	problem  string
	said     time.Time
}

type remoteState struct {
	keys       *KeySet // nil: none yet
	superseded chan struct{}
}

// NewRemote returns a Remote, which has no keys until Run has fetched them.
func NewRemote(cfg RemoteConfig) *Remote {
	r := &Remote{cfg: cfg, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	r.state.Store(&remoteState{superseded: make(chan struct{})})
	r.ask()
	return r
}

// Value returns the newest good keys, nil before there are any, and a channel that is
// closed when they are others.
func (r *Remote) Value() (*KeySet, <-chan struct{}) {
	s := r.state.Load()
	return s.keys, s.superseded
}

// Renew has the keys fetched, unless that was done lately, and waits until it is done or
// the patience or ctx ends. All who wait at a time wait for the same fetch.
func (r *Remote) Renew(ctx context.Context) {
	flight := r.ask()
	if flight == nil {
		return
	}
	patience := time.NewTimer(r.cfg.Times.Patience)
	defer patience.Stop()
	select {
	case <-flight:
	case <-patience.C:
	case <-ctx.Done():
	case <-r.ended:
	}
}

// ask asks for a fetch, and returns what is closed when it is over; nil when the last one
// is not long enough ago.
func (r *Remote) ask() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil {
		return r.flight
	}
	if !r.last.IsZero() && time.Since(r.last) < r.cfg.Times.Again {
		return nil
	}
	r.flight, r.last = make(chan struct{}), time.Now()
	r.wake <- struct{}{} // has room: one fetch is asked for at a time
	return r.flight
}

// Run fetches the keys, at once and then whenever it is time, until ctx ends. It is
// called once.
func (r *Remote) Run(ctx context.Context) {
	defer close(r.ended)
	next := time.NewTimer(r.cfg.Times.Every)
	defer next.Stop()
	for {
		select {
		case <-r.wake:
		case <-next.C:
			if r.ask() == nil {
				next.Reset(r.cfg.Times.Again)
			}
			continue
		case <-ctx.Done():
			return
		}
		wait := r.cfg.Times.Every
		if err := r.renew(ctx); err != nil {
			wait = r.cfg.Times.Again
		}
		next.Reset(wait)
		r.mu.Lock()
		close(r.flight)
		r.flight = nil
		r.mu.Unlock()
	}
}

// renew takes up what the URL has.
func (r *Remote) renew(ctx context.Context) error {
	document, keys, err := r.fetch(ctx)
	if ctx.Err() != nil {
		return err
	}
	defer r.cfg.Report(err == nil) // after the log has it
	switch {
	case err != nil:
		r.trouble(err)
		return err
	case !bytes.Equal(document, r.document):
		r.document = document
		close(r.state.Swap(&remoteState{keys, make(chan struct{})}).superseded)
		r.cfg.Log.Info("the keys of JSON Web Tokens are in use", "url", r.cfg.URL)
	case r.problem != "":
		r.cfg.Log.Info("the keys of JSON Web Tokens can be fetched again", "url", r.cfg.URL)
	}
	r.problem = ""
	return nil
}

// trouble says that a fetch failed: at once when that is news.
func (r *Remote) trouble(err error) {
	if err.Error() == r.problem && time.Since(r.said) < repeatEvery {
		return
	}
	r.problem, r.said = err.Error(), time.Now()
	text := "the keys of JSON Web Tokens cannot be fetched; those before stay in use"
	if r.document == nil {
		text = "the keys of JSON Web Tokens cannot be fetched; every such token is refused"
	}
	r.cfg.Log.Error(text, "url", r.cfg.URL, "error", err)
}

func (r *Remote) fetch(ctx context.Context) ([]byte, *KeySet, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Times.Patience)
	defer cancel()
	req, err := r.request(ctx)
	if err != nil {
		return nil, nil, err
	}
	client, err := r.client()
	if err != nil {
		return nil, nil, err
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // the URL is said
		}
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("the answer is %d; accepted: 200, without redirects", resp.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("read the answer: %w", err)
	case len(document) > maxDocument:
		return nil, nil, fmt.Errorf("the answer is longer than %d bytes", maxDocument)
	}
	keys, err := ParseKeySet(document)
	if err != nil {
		return nil, nil, fmt.Errorf("the answer %w", err)
	}
	return document, keys, nil
}

func (r *Remote) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.cfg.URL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	if r.cfg.Token != nil {
		content, err := r.cfg.Token()
		if err != nil {
			return nil, err
		}
		token := strings.TrimSpace(string(content))
		if !isToken68(token) {
			return nil, errors.New("the bearer token for the URL holds what no header may; accepted: a file with one token")
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// client is made for each fetch: the authorities may be others.
func (r *Remote) client() (*http.Client, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.cfg.Authorities != nil {
		pem, err := r.cfg.Authorities()
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("the authorities for the URL hold no certificate; accepted: PEM")
		}
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
