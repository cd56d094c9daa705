package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// HistoryConfig is what a History needs.
type HistoryConfig struct {
	Endpoints []string
	// Access is as Config.Access.
	Access func() (Access, <-chan struct{})
	// Keep and KeepFor are how many versions of a scope, and versions of which age, are
	// kept: what is beyond both goes.
	Keep    int
	KeepFor time.Duration
	Log     *slog.Logger
	Now     func() time.Time
	// Protection is how a scope is protected now; nil: none is.
	Protection func(namespace, environment string) policy.Protection
	// Pruned, if there is one, is told how each look for old versions ended.
	Pruned func(error)
	// Seed makes the ids of commits and the waits between tries.
	Seed func() uint64
}

// History changes configuration and keeps what was before. Every version of a scope has a
// record, written by the transaction that changes the entries: so they cannot disagree.
// Its methods are safe for concurrent use, also from several processes.
type History struct {
	cfg    HistoryConfig
	stores stores
	lease  requestLease
	turns  [1024]chan struct{} // who commits to a namespace in this process, waits for its turn
	seed   maphash.Seed
	warned *telemetry.Rarely
	step   func(string) error // called before each change of the store; for tests
	calls  time.Duration      // callsTimeout; longer in tests
}

// NewHistory returns a History. It does not touch the store yet. Close ends it.
func NewHistory(cfg HistoryConfig) *History {
	if cfg.Seed == nil {
		cfg.Seed = rand.Uint64
	}
	h := &History{cfg: cfg, seed: maphash.MakeSeed(), warned: telemetry.NewRarely(logEvery, cfg.Now), step: func(string) error { return nil }, calls: callsTimeout}
	h.stores.init(RegistryConfig{Endpoints: cfg.Endpoints, Access: cfg.Access, Log: cfg.Log, Now: cfg.Now})
	for i := range h.turns {
		h.turns[i] = make(chan struct{}, 1)
	}
	return h
}

// Close waits for the calls that are under way, and closes the connections.
func (h *History) Close() { h.stores.close() }

// historyStore is what a History does over one connection, or over another one when that is
// doubted. One goroutine owns it.
type historyStore struct {
	*History
	client  *clientv3.Client
	conn    *connection
	release func() // of conn
}

// connected returns what has a connection until its release is called.
func (h *History) connected(ctx context.Context) (*historyStore, error) {
	c, release, err := h.stores.take(ctx)
	if err != nil {
		return nil, err
	}
	return &historyStore{History: h, client: c.client, conn: c, release: release}, nil
}

// pauses waits before a call is tried again, which is over another connection when this one
// is doubted. It says whether to go on.
func (s *historyStore) pauses(ctx context.Context, try int) bool {
	if !s.pause(ctx, try) {
		return false
	}
	if s.conn.doubted.Load() {
		if c, release, err := s.stores.take(ctx); err == nil { // else the call says why not
			s.release()
			s.client, s.conn, s.release = c.client, c, release
		}
	}
	return true
}

// callsTimeout bounds all that a method asks of the store. It is below what a call is
// given, so that an answer says what is known.
const callsTimeout = 9 * time.Second

// begin returns a bound on what a method asks of the store, the store, and what ends both.
func (h *History) begin(ctx context.Context) (context.Context, *historyStore, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, h.calls)
	s, err := h.connected(ctx)
	if err != nil {
		cancel()
		return nil, nil, nil, err
	}
	return ctx, s, func() { s.release(); cancel() }, nil
}

// turn waits until nobody else in this process commits to a namespace: they would only
// make each other try again. It returns what ends the turn.
func (h *History) turn(ctx context.Context, namespace string) (func(), error) {
	turn := h.turns[maphash.String(h.seed, namespace)%uint64(len(h.turns))]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other commits to %s: %w", namespace, ctx.Err())
	}
}

// readable returns the granted scope, if its grant lets it be read.
func readable(g policy.Grant) (snapshot.ScopeID, error) {
	if g.Action() != policy.Read || g.Namespace() == "" || g.Environment() == "" {
		return snapshot.ScopeID{}, policy.ErrDenied
	}
	return snapshot.ScopeID{Namespace: g.Namespace(), Environment: g.Environment()}, nil
}

// Errors of a History, beside the types below and policy.ErrDenied. Any other error means
// that the store did not answer; nothing was changed then, unless it wraps ErrUnknown.
var (
	ErrNoChange = errors.New("nothing would change")
	ErrReused   = errors.New("the request id was used for another commit")
	ErrUnknown  = errors.New("it is not known whether it was done")
)

// ConflictError says that another write came first. Nothing was done.
type ConflictError struct {
	Scope    snapshot.ScopeID
	Expected int64
	// Plan says that no version, but a plan was expected.
	Plan bool
	// Busy says that none was: others kept changing the scope until the time was over.
	Busy    bool
	Current Version // the zero Version: there is none
	// Key is one that was changed past this service; empty: that is not why.
	Key string
}

func (e *ConflictError) Error() string {
	by := "it has no version"
	if e.Current.Number > 0 {
		by = fmt.Sprintf("it is at version %d, made by %s at %s", e.Current.Number, e.Current.Author, e.Current.Time.UTC().Format(time.RFC3339))
	}
	switch {
	case e.Busy:
		return fmt.Sprintf("others keep changing %s; %s", e.Scope, by)
	case e.Plan:
		return fmt.Sprintf("what would be done is not what was planned for %s any more; %s", e.Scope, by)
	case e.Key != "":
		return fmt.Sprintf("version %d of %s was expected, but key %s was changed past this service since; %s", e.Expected, e.Scope, snapshot.Quote(e.Key), by)
	}
	return fmt.Sprintf("version %d of %s was expected, but %s", e.Expected, e.Scope, by)
}

// LimitError says which limit would be passed. Nothing was done.
type LimitError struct {
	Scope snapshot.ScopeID // the zero ScopeID: it is about the commit
	What  string
}

func (e *LimitError) Error() string {
	if e.Scope == (snapshot.ScopeID{}) {
		return e.What
	}
	return e.Scope.String() + " " + e.What
}

// VersionError says that a scope does not have a version.
type VersionError struct {
	Scope          snapshot.ScopeID
	Version        int64
	Oldest, Newest int64 // that there are; 0: none
}

func (e *VersionError) Error() string {
	if e.Newest == 0 {
		return fmt.Sprintf("%s has no version %d; it has none yet", e.Scope, e.Version)
	}
	return fmt.Sprintf("%s has no version %d; it has %d to %d", e.Scope, e.Version, e.Oldest, e.Newest)
}

// ErrBroken says that records are missing, or are not what this service writes.
var ErrBroken = errors.New("the history cannot be replayed")
