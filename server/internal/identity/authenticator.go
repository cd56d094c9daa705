package identity

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Config says what an Authenticator takes as evidence. What is optional is not taken
// when it is missing.
type Config struct {
	// Tokens are the opaque tokens, and a channel that is closed when they are others.
	// Optional.
	Tokens func() (*Tokens, <-chan struct{})
	// JWT is optional.
	JWT *JWTConfig
	// Authorities, if it is there, are what certificates are checked with again once they
	// are others, and a channel that is closed then: a connection outlives the authority
	// that it was opened with.
	Authorities func() (*x509.CertPool, <-chan struct{})
	// Mapping says who it is that shows other evidence than an opaque token, and has a
	// channel that is closed when it says something else; nil: it never does. Optional.
	Mapping func() (*Mapping, <-chan struct{})
	// Count is told of each call what its evidence was, and whether that was good.
	Count func(evidence Kind, ok bool)
	Now   func() time.Time
}

// Authenticator tells who calls by the evidence of the call. It is safe for concurrent
// use.
type Authenticator struct {
	cfg     Config
	memory  atomic.Pointer[memory]
	changed atomic.Pointer[chan struct{}]
	sources sources
}

// NewAuthenticator returns an Authenticator.
func NewAuthenticator(cfg Config) *Authenticator {
	if cfg.Tokens == nil {
		none := newTokens()
		cfg.Tokens = func() (*Tokens, <-chan struct{}) { return none, nil }
	}
	if cfg.Mapping == nil {
		cfg.Mapping = func() (*Mapping, <-chan struct{}) { return nil, nil }
	}
	if cfg.Authorities == nil {
		cfg.Authorities = func() (*x509.CertPool, <-chan struct{}) { return nil, nil }
	}
	if cfg.JWT == nil {
		cfg.JWT = &JWTConfig{Keys: func() (*KeySet, <-chan struct{}) { return nil, nil }}
	}
	a := &Authenticator{cfg: cfg, sources: cfg.sources()}
	changed := make(chan struct{})
	a.changed.Store(&changed)
	return a
}

// Identify returns who calls, or an ErrUnauthenticated with the reason around it, which
// is for the log. An Authorization header decides alone: one that is not good is not made
// good by a certificate. Then comes the certificate, then the user of a Unix socket.
func (a *Authenticator) Identify(ctx context.Context) (*Identity, error) {
	kind, id, err := a.identify(ctx, EvidenceOf(ctx))
	a.cfg.Count(kind, err == nil)
	return id, err
}

func (a *Authenticator) identify(ctx context.Context, ev Evidence) (kind Kind, id *Identity, err error) {
	switch {
	case len(ev.Authorization) > 0:
		token, err := bearerOf(ev.Authorization)
		if err != nil {
			return Token, nil, err
		}
		if strings.HasPrefix(token, tokenPrefix) {
			tokens, _ := a.cfg.Tokens()
			id, err = tokens.identify(token, a.cfg.Now())
			return Token, id, err
		}
		id, err = a.byJWT(ctx, token)
		return JWT, id, err
	case len(ev.Certificates) > 0:
		id, err = a.byCertificate(ev.Certificates)
		return Certificate, id, err
	case ev.Peer != nil:
		key := memoryKey{kind: UnixUser}
		binary.NativeEndian.PutUint32(key.sum[:], ev.Peer.UID)
		id, err = a.remembered(key, func(m *memory) (*Identity, error) {
			if id := m.mapping.unixUser(ev.Peer.UID); id != nil {
				return id, nil
			}
			return nil, refused("the Unix user %d, whom no rule of the policy file names", ev.Peer.UID)
		})
		return UnixUser, id, err
	}
	return 0, nil, refused("a call without a credential")
}

func (a *Authenticator) byCertificate(chain []*x509.Certificate) (*Identity, error) {
	key := memoryKey{kind: Certificate, sum: sha256.Sum256(chain[0].Raw)}
	return a.remembered(key, func(m *memory) (*Identity, error) {
		if m.authorities != nil {
			options := x509.VerifyOptions{
				Roots: m.authorities, Intermediates: x509.NewCertPool(), CurrentTime: a.cfg.Now(),
				KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			}
			for _, c := range chain[1:] {
				options.Intermediates.AddCert(c)
			}
			if _, err := chain[0].Verify(options); err != nil {
				return nil, refused("a certificate that is not good any more: %s", snapshot.Quote(err.Error()))
			}
		}
		return m.mapping.certificate(chain[0])
	})
}

func (a *Authenticator) byJWT(ctx context.Context, token string) (*Identity, error) {
	key := memoryKey{kind: JWT, sum: sha256.Sum256([]byte(token))}
	return a.remembered(key, func(m *memory) (*Identity, error) {
		says, err := a.cfg.JWT.verify(ctx, token, a.cfg.Now())
		if err != nil {
			return nil, err
		}
		id := m.mapping.jwt(says.Subject)
		if id == nil {
			return nil, refused("a JSON Web Token of %s, whom no rule of the policy file names", snapshot.Quote(says.Subject))
		}
		id.Expires = says.expires()
		return id, nil
	})
}

// memory is who evidence was found to belong to, by what held at one time.
type memory struct {
	keys        *KeySet
	authorities *x509.CertPool // nil: not checked
	mapping     *Mapping

	mu    sync.RWMutex // guards the rest
	known map[memoryKey]*Identity
}

type memoryKey struct {
	kind Kind
	sum  [sha256.Size]byte
}

// maxMemory is how many are remembered. When there are more, all are forgotten.
const maxMemory = 4096

// remembered returns who evidence belongs to, and finds it out when that is not known.
// Evidence that ended is refused in either case.
func (a *Authenticator) remembered(key memoryKey, find func(*memory) (*Identity, error)) (*Identity, error) {
	m := a.current()
	m.mu.RLock()
	id := m.known[key]
	m.mu.RUnlock()
	if id == nil {
		var err error
		if id, err = find(m); err != nil {
			return nil, err
		}
		m.mu.Lock()
		if len(m.known) >= maxMemory {
			clear(m.known)
		}
		m.known[key] = id
		m.mu.Unlock()
	}
	if !id.Expires.IsZero() && !a.cfg.Now().Before(id.Expires) {
		return nil, refused("a %s of %s, which expired", key.kind, snapshot.Quote(id.Credential))
	}
	return id, nil
}

// current returns the memory of what holds at present.
func (a *Authenticator) current() *memory {
	keys, _ := a.cfg.JWT.Keys()
	authorities, _ := a.cfg.Authorities()
	mapping, _ := a.cfg.Mapping()
	m := a.memory.Load()
	if m == nil || m.keys != keys || m.authorities != authorities || m.mapping != mapping {
		m = &memory{keys: keys, authorities: authorities, mapping: mapping, known: map[memoryKey]*Identity{}}
		a.memory.Store(m)
	}
	return m
}

// Changed returns a channel that is closed when the tokens, the keys, the authorities or
// the mapping are others: who was identified before may be somebody else now, or nobody. Take it before
// Identify. It needs Run.
func (a *Authenticator) Changed() <-chan struct{} { return *a.changed.Load() }

// Run tells of changes until ctx ends. It is called once.
func (a *Authenticator) Run(ctx context.Context) {
	for {
		select {
		case <-a.sources.tokens:
		case <-a.sources.keys:
		case <-a.sources.authorities:
		case <-a.sources.mapping:
		case <-ctx.Done():
			return
		}
		a.sources = a.cfg.sources() // before it is told, or a change in between would not be
		next := make(chan struct{})
		close(*a.changed.Swap(&next))
	}
}

// sources are the channels that are closed when something is another. NewAuthenticator
// sets them, and then the goroutine of Run owns them.
type sources struct{ tokens, keys, authorities, mapping <-chan struct{} }

func (c *Config) sources() (s sources) {
	_, s.tokens = c.Tokens()
	_, s.keys = c.JWT.Keys()
	_, s.authorities = c.Authorities()
	_, s.mapping = c.Mapping()
	return s
}
