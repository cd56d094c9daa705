package etcdstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

const (
	callTimeout  = 5 * time.Second // of one call to etcd
	proofEvery   = 7 * time.Second // between proofs of freshness, jittered
	proofTimeout = 3 * time.Second // of a proof; longer than an election
	listPage     = 2500            // keys a page of a listing; etcd counts all that follow for each page
	backoffFirst = 100 * time.Millisecond
	backoffMost  = 2 * time.Second
	backoffApart = 500 * time.Millisecond // over which first tries are spread
	relistApart  = 2 * time.Second        // over which those who missed too much are
	logEvery     = 10 * time.Second       // of the same trouble

	// gRPC pings no more often than this, whatever it is told. A member that hangs is
	// mostly found sooner, by a proof that it does not answer.
	keepaliveTime    = 10 * time.Second
	keepaliveTimeout = 3 * time.Second
)

// Sink takes what a Source proves. A Source calls Replace and Advance from one
// goroutine.
//
//   - Content is what the sink holds. When the Source begins that is what an earlier
//     process left, or nothing; its epoch goes on if the store's history still is the
//     same.
//   - Replace comes first, and again when the store's history was lost: compacted
//     away, or another epoch.
//   - Advance follows, with revisions that only rise until the next Replace.
type Sink interface {
	Content() (snapshot.Content, <-chan struct{})
	Replace(snapshot.Listing)
	Advance(snapshot.Batch)
}

// Access is what opens the store.
type Access struct {
	TLS            *tls.Config // nil: plaintext
	User, Password string      // empty: none
}

// Config is what a Source needs. Fields are required unless they say otherwise.
type Config struct {
	Endpoints []string
	// Access returns what opens the store, and a channel that is closed when that is
	// something else; asked at every connect. Nil: plaintext and no credential.
	Access func() (Access, <-chan struct{})
	Scopes []snapshot.ScopeID // empty: all there are
	// Schemas: all are followed with the entries. OwnSchema is the namespace of which the
	// schema is looked at now and then; empty: of none.
	Schemas   bool
	OwnSchema string
	// Heads says that the heads of the scopes are followed too.
	Heads bool
	// Nudges receives when somebody waits for a later revision.
	Nudges     <-chan struct{}
	AuditEvery time.Duration // between comparisons of the whole copy with the store, jittered
	Log        *slog.Logger
	Metrics    *telemetry.Metrics
	Now        func() time.Time
	Rand       *rand.Rand // used by the goroutine of Run only
}

// unknown is how far the raft index is ahead before a member told.
const unknown = math.MinInt64

// Source reads scopes from etcd and follows them. One connection to one endpoint at
// a time; after a failure it comes back, elsewhere, where it left off.
type Source struct {
	cfg    Config
	ranges []keyRange
	sink   Sink
	failed chan struct{}

	// What was published last; owned by the goroutine of Run, as all that follows.
	epoch    string
	revision int64
	floor    int64 // no proof of the same history is below it
	cluster  uint64
	term     uint64
	ahead    int64 // see ahead, at least; or unknown
	listed   bool  // since the start
	differs  bool  // from the store, as an audit found: it is to be listed anew

	schemas       bool             // they are followed
	schemasListed bool             // the newest listing had them
	refused       bool             // that they may not be was logged
	own           snapshot.Schemas // a sidecar's, as last looked at; nil: unknown

	worked     *opening  // the access that last opened the store; nil: none did
	followed   time.Time // when the present connection first was; zero: it was not
	nextAudit  time.Time
	warned     map[string]int64 // unusable keys that were logged, with the revision
	lastLog    time.Time
	lastRelist time.Time       // that was logged
	troubles   map[string]bool // reasons that were logged since the store was last followed
	versions   bool            // the version of etcd was looked at
}

// NewSource returns a Source that fills the sink once it runs.
func NewSource(cfg Config, sink Sink) *Source {
	s := &Source{cfg: cfg, sink: sink, failed: make(chan struct{}), warned: map[string]int64{}, troubles: map[string]bool{}}
	s.ranges = s.followable()
	announce(cfg.Metrics)
	return s
}

// followable are the ranges on the stream: the entries first, and what goes with them.
func (s *Source) followable() (ranges []keyRange) {
	for _, id := range s.cfg.Scopes {
		ranges = append(ranges, scopeRange(id))
	}
	if len(ranges) == 0 {
		ranges = append(ranges, everything())
	}
	if s.cfg.Heads {
		ranges = append(ranges, below(headsPrefix))
	}
	if s.schemas {
		ranges = append(ranges, schemasRange())
	}
	return ranges
}

// Failed is closed when the first connection to the store has ended, be it that there
// never was one.
func (s *Source) Failed() <-chan struct{} { return s.failed }

// Run follows the store until ctx ends, through every failure. It returns when all
// it started has ended. It is called once.
func (s *Source) Run(ctx context.Context) {
	had, _ := s.sink.Content()
	s.epoch, s.revision, s.cluster, s.term, s.ahead = had.Epoch, had.Revision, had.Cluster, had.Term, unknown
	if had.Index != 0 {
		s.ahead = int64(had.Index) - had.Revision
	}
	s.nextAudit = s.cfg.Now().Add(s.untilAudit())
	endpoints := make([]string, len(s.cfg.Endpoints))
	for i, j := range s.cfg.Rand.Perm(len(endpoints)) {
		endpoints[i] = s.cfg.Endpoints[j]
	}
	backoff := backoffFirst
	for turn := 0; ctx.Err() == nil; turn++ {
		endpoint := endpoints[turn%len(endpoints)]
		s.followed = time.Time{}
		err := s.connect(ctx, endpoint)
		s.cfg.Metrics.StoreConnected.Set(0)
		if ctx.Err() != nil {
			return
		}
		s.report(endpoint, err)
		if turn == 0 {
			close(s.failed)
		}
		if !s.followed.IsZero() && s.cfg.Now().Sub(s.followed) > 2*backoffMost {
			backoff = backoffFirst
		}
		// Up to half as long again, and half a second at least: the top is one try
		// every 2 to 3 s, and a fleet does not come back in step, nor move to
		// another member in step.
		wait := backoff + time.Duration(s.cfg.Rand.Int64N(int64(max(backoff/2, backoffApart))))
		backoff = min(2*backoff, backoffMost)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// opening is an access with what is closed when it is old, which may be nil.
type opening struct {
	access     Access
	superseded <-chan struct{}
}

// old says whether there is a newer access than this one.
func (o *opening) old() bool {
	if o == nil {
		return false
	}
	select {
	case <-o.superseded:
		return true
	default:
		return false
	}
}

// newest is the present access.
func (s *Source) newest() *opening {
	o := &opening{}
	if s.cfg.Access != nil {
		o.access, o.superseded = s.cfg.Access()
	}
	return o
}

// connect follows the store over a connection until it fails; over another one, when
// the access was renewed. When the newest access does not get as far as that, the one
// that last did is tried: the store may not know the newest yet.
func (s *Source) connect(ctx context.Context, endpoint string) error {
	before := s.worked
	err := s.connectWith(ctx, endpoint, s.newest())
	if !s.followed.IsZero() || !before.old() || ctx.Err() != nil {
		return err
	}
	if again := s.connectWith(ctx, endpoint, before); !s.followed.IsZero() {
		return again
	}
	return err
}

func (s *Source) connectWith(ctx context.Context, endpoint string, o *opening) error {
	sn, err := s.dial(ctx, endpoint, o)
	for err == nil {
		sn, err = sn.use(ctx)
	}
	return err
}

// dial makes a connection. It lives until it is closed: ctx bounds its opening only.
func (s *Source) dial(ctx context.Context, endpoint string, o *opening) (*session, error) {
	sn := &session{Source: s, endpoint: endpoint, opening: o}
	access := o.access
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	opened := context.AfterFunc(ctx, end)
	var err error
	sn.client, err = clientv3.New(clientv3.Config{
		Context:              life,
		Endpoints:            []string{endpoint},
		TLS:                  access.TLS,
		Username:             access.User,
		Password:             access.Password,
		DialTimeout:          callTimeout,
		DialKeepAliveTime:    keepaliveTime,
		DialKeepAliveTimeout: keepaliveTimeout,
		MaxUnaryRetries:      2, // the second after a token was renewed
		DialOptions:          []grpc.DialOption{grpc.WithChainUnaryInterceptor(failFast), grpc.WithContextDialer(dialOnce())},
		Logger:               zap.NewNop(),
	})
	opened()
	if err != nil {
		end()
		return nil, fmt.Errorf("connect: %w", err)
	}
	sn.close = func() {
		end()
		_ = sn.client.Close() // it says that its context has ended
	}
	return sn, nil
}

// failFast lets a call say at once why there is no connection. etcd's client waits for
// one until the deadline, dials again and again meanwhile, and then says nothing but that
// the deadline passed.
func failFast(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(ctx, method, request, reply, conn, append(opts, grpc.WaitForReady(false))...)
}

// dialOnce returns what makes one connection, and no second one. gRPC would at once
// make another when it is lost, a whole fleet at the same moment; when and where to is
// the affair of Run.
func dialOnce() func(context.Context, string) (net.Conn, error) {
	var dialled atomic.Bool
	return func(ctx context.Context, address string) (net.Conn, error) {
		if dialled.Swap(true) {
			return nil, errDialled
		}
		d := net.Dialer{Timeout: proofTimeout} // shared among the addresses of a name
		return d.DialContext(ctx, "tcp", address)
	}
}

// report counts a failure and logs it: at once when its reason is news, else every 10 s.
func (s *Source) report(endpoint string, err error) {
	reason := s.reason(err)
	s.cfg.Metrics.StoreRestarts.WithLabelValues(reason).Inc()
	if now := s.cfg.Now(); !s.troubles[reason] || now.Sub(s.lastLog) >= logEvery {
		s.troubles[reason], s.lastLog = true, now
		means := "what is in memory is served"
		if s.epoch == "" {
			means = "nothing is loaded yet, calls answer NOT_READY"
		}
		s.cfg.Log.Warn("not following the store; "+means, "reason", reason, "endpoint", endpoint, "error", err)
	}
}

func (s *Source) connected(endpoint string) {
	if s.followed.IsZero() {
		s.followed = s.cfg.Now()
	}
	s.cfg.Metrics.StoreConnected.Set(1)
	if len(s.troubles) > 0 || s.lastLog.IsZero() {
		clear(s.troubles)
		s.lastLog = s.cfg.Now()
		s.cfg.Log.Info("following the store", "endpoint", endpoint, "epoch", s.epoch, "revision", s.revision)
	}
}

// Reasons why a session ends, beside those of a gRPC status.
var (
	errEpoch     = errors.New("the store's history is another: it was replaced or restored")
	errSilent    = errors.New("the watch does not confirm what a read has seen")
	errCompacted = errors.New("the store compacted what was not read yet")
	errRefused   = errors.New("etcd does not permit this credential to watch the configuration")
	errDialled   = errors.New("the connection is lost; the next one is another session's")
	errDiffers   = errors.New("the copy differs from the store at the same revision")
	errRenewed   = errors.New("another connection takes over, with the renewed credential")
)

// reason names why a session ended. A credential that had opened the store and is
// refused now was revoked.
func (s *Source) reason(err error) string {
	reason := reasonOf(err)
	if s.listed && (reason == "unauthenticated" || reason == "permission_denied") {
		return "revoked"
	}
	return reason
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, errEpoch):
		return "epoch"
	case errors.Is(err, errSilent):
		return "silent"
	case errors.Is(err, errCompacted):
		return "compacted"
	case errors.Is(err, errRefused):
		return "permission_denied"
	case errors.Is(err, errDiffers):
		return "differs"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	switch codeOf(err) {
	case codes.DeadlineExceeded:
		return "timeout"
	case codes.Unauthenticated:
		return "unauthenticated"
	case codes.PermissionDenied:
		return "permission_denied"
	case codes.Unavailable:
		return "unavailable"
	}
	return "error"
}

// codeOf is the code of an error of etcd, which comes as a status or as a type of its
// client, and is InvalidArgument for a wrong user or password.
func codeOf(err error) codes.Code {
	var st interface{ GRPCStatus() *status.Status }
	if errors.As(err, &st) {
		err = rpctypes.Error(st.GRPCStatus().Err())
	}
	if errors.Is(err, rpctypes.ErrAuthFailed) || errors.Is(err, rpctypes.ErrUserEmpty) {
		return codes.Unauthenticated
	}
	var known rpctypes.EtcdError
	if errors.As(err, &known) {
		return known.Code()
	}
	return status.Code(err)
}

// newEpoch names a history: the cluster, and a lineage of our own, because a restore
// from a backup can keep the cluster's id.
func (s *Source) newEpoch(cluster uint64) string {
	return strconv.FormatUint(cluster, 16) + "-" + strconv.FormatUint(s.cfg.Rand.Uint64(), 36)
}
