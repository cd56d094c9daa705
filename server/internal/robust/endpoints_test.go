package robust_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// What a sidecar may do to a store that is away.
const (
	triesAfter = 10 * time.Second // from when on it has slowed down
	triesApart = 2 * time.Second  // then
	linesApart = 10 * time.Second // between log lines of one reason
)

// nowhere is an endpoint that is no etcd. It knows who came when.
type nowhere struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	tries   []time.Time
	most    int // open at the same time
	clients []*net.TCPConn
}

// newNowhere returns an endpoint that resets connections, or, when it hangs, keeps them and
// says nothing.
func newNowhere(t *testing.T, hangs bool) *nowhere {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nowhere{listener: l}
	n.wg.Go(func() { n.accept(hangs) })
	t.Cleanup(n.close)
	return n
}

func (n *nowhere) accept(hangs bool) {
	for {
		c, err := n.listener.Accept()
		if err != nil {
			return
		}
		client := c.(*net.TCPConn)
		n.mu.Lock()
		n.tries = append(n.tries, time.Now())
		n.clients = append(slices.DeleteFunc(n.clients, isGone), client)
		n.most = max(n.most, len(n.clients))
		n.mu.Unlock()
		if !hangs {
			_ = client.SetLinger(0)
			_ = client.Close()
		}
	}
}

// isGone says whether a connection was closed, on this side or by the client. It asks the
// kernel, which knows at once; what the client has sent is of no interest.
func isGone(c *net.TCPConn) (gone bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	if err := raw.Control(func(fd uintptr) {
		buffer := make([]byte, 4<<10)
		n, err := 1, error(nil)
		for n > 0 && err == nil {
			n, _, err = syscall.Recvfrom(int(fd), buffer, syscall.MSG_DONTWAIT)
		}
		gone = !errors.Is(err, syscall.EAGAIN)
	}); err != nil {
		return true
	}
	return gone
}

func (n *nowhere) close() {
	_ = n.listener.Close()
	n.mu.Lock()
	for _, c := range n.clients {
		_ = c.Close()
	}
	n.mu.Unlock()
	n.wg.Wait()
}

func (n *nowhere) addr() string { return n.listener.Addr().String() }

// TestTheStoreIsNotStormed points a sidecar at endpoints of which none is an etcd.
func TestTheStoreIsNotStormed(t *testing.T) {
	for _, c := range []struct {
		name       string
		hang, http int  // of three, beside those that reset
		credential bool // which is asked for at every connect
		says       string
	}{
		{name: "refused", says: "error reading server preface|connection reset by peer|broken pipe|EOF"},
		{name: "refused with a credential", credential: true, says: "error reading server preface|connection reset by peer|broken pipe|EOF"},
		{name: "hanging", hang: 3, says: "deadline|timeout|timed out"},
		{name: "hanging with a credential", hang: 3, credential: true, says: "deadline|timeout|timed out"},
		{name: "mixed", hang: 1, http: 1, says: ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			shared(t)
			var nobody []*nowhere
			var endpoints []string
			for i := range 3 {
				if i < c.http {
					endpoints = append(endpoints, anotherServer(t))
					continue
				}
				n := newNowhere(t, i-c.http < c.hang)
				nobody, endpoints = append(nobody, n), append(endpoints, n.addr())
			}
			settings := map[string]string{"ETCD_ENDPOINTS": strings.Join(endpoints, ",")}
			if c.credential {
				settings["AUTH_TOKEN_FILE"] = filepath.Join(t.TempDir(), "token")
				if err := os.WriteFile(settings["AUTH_TOKEN_FILE"], []byte("secret"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var log logs
			began := time.Now()
			servertest.Start(t, servertest.Options{Namespace: service, Environment: environment, Settings: settings, NoWait: true, Log: log.logger()})
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(pick(22, 60))*time.Second)
			defer cancel()
			<-ctx.Done()
			late, _ := lateTries(began, nobody)
			for deadline := began.Add(hang); len(late) < 2 && time.Now().Before(deadline); {
				newPace(time.Second).next(t.Context())
				late, _ = lateTries(began, nobody)
			}
			notStormed(t, began, nobody)
			sparing(t, log.lines(t, "not following the store"), c.says)
		})
	}
}

// anotherServer is one that speaks HTTP, and is no etcd.
func anotherServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { _ = server.Close(); served.Wait() })
	return l.Addr().String()
}

// lateTries are those after triesAfter, in order, and how many there were in all.
func lateTries(began time.Time, nobody []*nowhere) (late []time.Time, all int) {
	for _, n := range nobody {
		n.mu.Lock()
		all += len(n.tries)
		for _, at := range n.tries {
			if at.Sub(began) > triesAfter {
				late = append(late, at)
			}
		}
		n.mu.Unlock()
	}
	slices.SortFunc(late, time.Time.Compare)
	return late, all
}

// notStormed looks at when and how often endpoints were tried. When each try was made is
// not known exactly on a machine that is slow to take connections.
func notStormed(t *testing.T, began time.Time, nobody []*nowhere) {
	t.Helper()
	for _, n := range nobody {
		n.mu.Lock()
		if n.most > 1 {
			t.Errorf("%d connections at the same time", n.most)
		}
		n.mu.Unlock()
	}
	late, tries := lateTries(began, nobody)
	closest := time.Hour
	waits := map[time.Duration]bool{}
	for i := 1; i < len(late); i++ {
		wait := late[i].Sub(late[i-1])
		closest = min(closest, wait)
		waits[wait.Round(10*time.Millisecond)] = true
	}
	t.Logf("%d tries, %d of them after %s, at least %.2f s apart", tries, len(late), triesAfter, closest.Seconds())
	if long() && closest < triesApart-50*time.Millisecond {
		t.Errorf("tried again after %s; at least %s", closest, triesApart)
	}
	if most := 1 + int((time.Since(began)-triesAfter)/triesApart); len(late) > most+1 { // one by the clock of who listens
		t.Errorf("tried %d times after %s; at most %d are right", len(late), triesAfter, most)
	}
	if len(late) < 2 || (len(late) > 3 && len(waits) < 2) {
		t.Errorf("%d tries, %d different waits between them: it gave up, or has no jitter", len(late), len(waits))
	}
}

// sparing looks at the log lines of one outage.
func sparing(t *testing.T, lines []logLine, says string) {
	t.Helper()
	if len(lines) == 0 {
		t.Fatal("nothing was logged")
	}
	apart := linesApart
	if !long() {
		apart /= 2 // a line is dated after it is decided on
	}
	seen, told := map[string]bool{}, 0
	for i, line := range lines {
		if i > 0 && seen[line.Reason] && line.Time.Sub(lines[i-1].Time) < apart {
			t.Errorf("logged %q again after %s", line.Reason, line.Time.Sub(lines[i-1].Time))
		}
		seen[line.Reason] = true
		for _, text := range strings.Split(says, "|") {
			if strings.Contains(line.Error, text) {
				told++
				break
			}
		}
	}
	if told == 0 || long() && told < len(lines) { // else one may be about the load
		t.Errorf("the log does not say the cause: %v", lines)
	}
	t.Logf("%d lines; the last: %s: %s", len(lines), lines[len(lines)-1].Reason, lines[len(lines)-1].Error)
}

// TestTheGoodEndpointIsFound gives a sidecar endpoints of which one is an etcd.
func TestTheGoodEndpointIsFound(t *testing.T) {
	etcd := servertest.StartEtcd(t)
	good := strings.TrimPrefix(etcd.Endpoint, "http://")
	for name, bad := range map[string]func(*testing.T) string{
		"two are dead":      func(t *testing.T) string { return newNowhere(t, false).addr() },
		"two are no etcd":   anotherServer,
		"two do not answer": func(t *testing.T) string { return newNowhere(t, true).addr() },
	} {
		t.Run(name, func(t *testing.T) {
			shared(t)
			ctx, cancel := context.WithTimeout(context.Background(), hang)
			defer cancel()
			began := time.Now()
			server := servertest.Start(t, servertest.Options{
				Etcd: etcd, Namespace: service, Environment: environment,
				Settings: map[string]string{"ETCD_ENDPOINTS": strings.Join([]string{bad(t), bad(t), good}, ",")},
			})
			recv, err := robust.OverGRPC(server.Conn(t))(ctx, robust.Selection{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for m := (robust.Message{}); !m.Fresh; {
				if m, err = recv(); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("fresh after %.2f s", time.Since(began).Seconds())
		})
	}
}

// TestAMemberIsReplacedBehindItsName leads the one endpoint of a sidecar from a member that
// has died to another one.
func TestAMemberIsReplacedBehindItsName(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	cluster, err := robust.NewCluster(ctx, "", 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	newest := commit(t, ctx, cluster.Client(), someOf(1))
	s := newSurvivor(t, cluster.Endpoints()[:1], "replaced", nil)
	s.watch(ctx)
	s.reach(ctx, newest)
	s.remember(ctx)
	for i := 1; i < 3; i++ {
		if err := cluster.Kill(i - 1); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s.links[0].Retarget(cluster.Endpoints()[i])
		if i == 2 {
			if err := cluster.Start(0); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := cluster.WaitLeader(ctx, 0); err != nil {
			t.Fatal(err)
		}
		for n := range 10 {
			newest = commit(t, ctx, cluster.ClientOf(i), someOf(10*i+n))
		}
		s.reach(ctx, newest)
		t.Logf("followed to member %d in %.2f s", i, time.Since(began).Seconds())
	}
	s.equal(ctx, cluster.ClientOf(2))
	if st, _ := s.list(ctx); st.GetEpoch() != s.lost.Epoch {
		t.Errorf("epoch %s became %s; the cluster is the same", s.lost.Epoch, st.GetEpoch())
	}
	s.end(newest)
}
