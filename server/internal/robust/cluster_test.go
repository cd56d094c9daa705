package robust_test

import (
	"bufio"
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// newCluster is three members until the test ends.
func newCluster(t *testing.T, ctx context.Context) *robust.Cluster {
	t.Helper()
	c, err := robust.NewCluster(ctx, "", 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// available skips a test whose fault cannot be injected here. In CI it can.
func available(t *testing.T, f *robust.Fault) {
	t.Helper()
	if err := f.Available(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v", f.Name, err)
		}
		t.Skipf("%s: %v", f.Name, err)
	}
}

// Each fault of members disturbs the cluster, and the cluster holds its data over it.
func TestFaultsOfMembers(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	c := newCluster(t, ctx)
	if _, err := c.Client().Put(ctx, "k", "v"); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, f := range []*robust.Fault{robust.KillLeader(c), robust.StopLeader(c), robust.FreezeLeader(c), robust.KillFollower(c, rng)} {
		available(t, f)
		if err := f.Inject(ctx); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if err := f.Recover(ctx); err != nil {
			t.Fatalf("recover from %s: %v", f.Name, err)
		}
		if !f.Bit() {
			t.Errorf("%s did not bite", f.Name)
		}
	}
	for i := range c.Size() {
		got, err := c.ClientOf(i).Get(ctx, "k")
		if err != nil || len(got.Kvs) != 1 {
			t.Errorf("member %d has lost its data: %v %v", i, got, err)
		}
	}
}

// An isolated member answers its clients, but it can neither read through the quorum
// nor write; the others go on under another leader.
func TestIsolatedMember(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	c := newCluster(t, ctx)
	leader, term, err := c.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c.Isolate(leader)
	next, _, err := c.WaitLeader(ctx, term)
	if err != nil || next == leader {
		t.Fatalf("leader %d after %d was isolated: %v", next, leader, err)
	}
	if _, err := c.ClientOf(next).Put(ctx, "k", "v"); err != nil {
		t.Errorf("the majority does not write: %v", err)
	}
	if _, err := c.ClientOf(leader).Status(ctx, c.Member(leader).ClientAddr); err != nil {
		t.Errorf("clients do not reach the isolated member: %v", err)
	}
	short, end := context.WithTimeout(ctx, 2*time.Second)
	defer end()
	if _, err := c.ClientOf(leader).Get(short, "k"); err == nil {
		t.Error("the isolated member reads through the quorum")
	}
	c.Rejoin(leader)
	if err := c.WaitHealthy(ctx); err != nil {
		t.Error(err)
	}
}

// However a test process ends, no member outlives it.
func TestMembersDieWithTheirParent(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	parent := exec.CommandContext(ctx, os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"=1")
	in, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Fields(line)
	if len(said) != 4 {
		t.Fatalf("the parent says %q", line)
	}
	defer func() { _ = os.RemoveAll(said[3]) }()
	_ = parent.Process.Kill()
	_ = parent.Wait() // it was killed
	for _, addr := range said[:3] {
		if err := robust.Poll(ctx, func() error {
			l, err := net.Listen("tcp", addr)
			if err != nil {
				return err
			}
			return l.Close()
		}); err != nil {
			t.Errorf("a member still listens: %v", err)
		}
	}
}

// What a client of a proxy sees in each of its states.
func TestProxy(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 100)
			for n, err := c.Read(buffer); err == nil; n, err = c.Read(buffer) {
				_, _ = c.Write(buffer[:n])
			}
			_ = c.Close()
		}
	}()
	defer func() { _ = echo.Close(); <-served }()
	p, err := robust.NewProxy(echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const quick, long = 200 * time.Millisecond, time.Minute
	// says sends a word and returns what comes back in time.
	says := func(c net.Conn, word string, patience time.Duration) string {
		if word != "" {
			_, _ = c.Write([]byte(word))
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		buffer := make([]byte, 100)
		n, err := c.Read(buffer)
		if err != nil && !strings.Contains(err.Error(), "timeout") {
			return err.Error()
		}
		return string(buffer[:n])
	}
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := says(conn, "a", long); got != "a" {
		t.Fatalf("through the proxy: %q", got)
	}
	p.BlackHole()
	if got := says(conn, "b", quick); got != "" {
		t.Errorf("out of a black hole: %q", got)
	}
	other, err := net.DialTimeout("tcp", p.Addr(), long)
	if err != nil {
		t.Errorf("a black hole does not accept: %v", err)
	} else {
		_ = other.Close()
	}
	_ = p.Heal()
	if got := says(conn, "", long); got != "b" {
		t.Errorf("after the black hole: %q", got)
	}
	if err := robust.DropAvailable(); err == nil {
		if err := p.Drop(); err != nil {
			t.Fatal(err)
		}
		if got := says(conn, "c", quick); got != "" {
			t.Errorf("of dropped packets: %q", got)
		}
		if other, err := net.DialTimeout("tcp", p.Addr(), quick); err == nil {
			t.Error("a dropped SYN is answered")
			_ = other.Close()
		}
		if err := p.Heal(); err != nil {
			t.Fatal(err)
		}
		if got := says(conn, "", long); got != "c" {
			t.Errorf("after dropped packets: %q", got)
		}
	}
	p.Delay(quick)
	began := time.Now()
	if got := says(conn, "d", long); got != "d" || time.Since(began) < 2*quick {
		t.Errorf("delayed: %q after %s", got, time.Since(began))
	}
	p.Part()
	if got := says(conn, "", long); !strings.Contains(got, "reset") {
		t.Errorf("parted: %q", got)
	}
}
