package etcdstore_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/servertest"
)

// mute stands between a client and etcd. While it is mute, what the client asks gets
// through, and the answers are lost.
type mute struct {
	listener net.Listener
	mute     atomic.Bool
	mu       sync.Mutex // guards conns
	conns    []net.Conn
	busy     sync.WaitGroup
}

func newMute(t *testing.T, backend string) *mute {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mute{listener: l}
	m.busy.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", backend)
			if err != nil {
				_ = in.Close()
				continue
			}
			m.mu.Lock()
			m.conns = append(m.conns, in, out)
			m.mu.Unlock()
			m.busy.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
			m.busy.Go(func() { _, _ = io.Copy(loses{in, m}, out); _ = in.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		m.cut()
		m.busy.Wait()
	})
	return m
}

// cut ends all connections.
func (m *mute) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		_ = c.Close()
	}
	m.conns = nil
}

type loses struct {
	io.Writer
	m *mute
}

func (l loses) Write(p []byte) (int, error) {
	if l.m.mute.Load() {
		return len(p), nil
	}
	return l.Writer.Write(p)
}

// TestAnAnswerThatWasLostIsFoundOut loses the answer to the transaction of a commit, after
// it was done, or before.
func TestAnAnswerThatWasLostIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		reaches  bool // the transaction reaches etcd
		other    bool // somebody else commits before the second attempt
		conflict bool
	}{{"done", true, false, false}, {"done, and another after it", true, true, false}, {"not done", false, false, false}, {"not done, and another instead", false, true, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			l.commit(t, "a=0")
			m := newMute(t, strings.TrimPrefix(l.etcd.Endpoint, "http://"))
			behind := &ledger{etcd: &servertest.Etcd{Endpoint: "http://" + m.listener.Addr().String()}}
			behind.History = behind.another(t, 10, 0)
			once := false
			var waiting sync.WaitGroup
			behind.OnStep(func(string) error {
				if once {
					return nil
				}
				once = true
				if !c.reaches {
					m.cut()
				}
				m.mute.Store(true)
				waiting.Go(func() {
					for c.reaches && l.live(t, "production")["a"] != "1" {
						time.Sleep(time.Millisecond)
					}
					if c.other {
						l.commit(t, "other=1")
					}
					m.cut()
					m.mute.Store(false)
				})
				if !c.reaches {
					waiting.Wait()
				}
				return nil
			})
			out, err := behind.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": 1}}, Edits: edits(t, "a=1")})
			waiting.Wait()
			var conflict *etcdstore.ConflictError
			if errors.As(err, &conflict) != c.conflict || !c.conflict && (err != nil || out.Versions[0].Number != 2) {
				t.Fatalf("%+v, %v", out, err)
			}
			want := 2
			if c.other {
				want = 3 - map[bool]int{true: 1}[c.conflict]
			}
			if got := l.versions(t); len(got) != want {
				t.Errorf("versions: %v", got)
			}
		})
	}
}
