package robust

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// Cluster is an etcd of several members, each a child process that is this very
// program. They die with it. Members are known by their index.
//
// Members reach each other through proxies on Unix sockets, which tell them apart by
// process: that is how one is isolated from the others while clients still reach it.
//
// Calls are safe from several goroutines, but two for one member wait for each other.
type Cluster struct {
	dir     string
	own     bool // dir is removed by Close
	members []*member
	client  *clientv3.Client
}

// NewCluster starts size members, with data and logs in dir, and returns when all are
// healthy. The directory is its own when dir is empty, and goes with it. Data that dir
// holds already is taken up.
func NewCluster(ctx context.Context, dir string, size int) (*Cluster, error) {
	c := &Cluster{dir: dir, own: dir == ""}
	if c.own {
		var err error
		// Short, because it is part of the names of sockets.
		if c.dir, err = os.MkdirTemp("", "etcd-"); err != nil {
			return nil, err
		}
	}
	err := c.prepare(size)
	for i := 0; err == nil && i < size; i++ {
		err = c.Start(i)
	}
	if err == nil {
		err = c.WaitHealthy(ctx)
	}
	if err != nil {
		err = fmt.Errorf("start a cluster: %w; logs say: %s", err, c.logTails())
		c.Close()
		return nil, err
	}
	return c, nil
}

// prepare names the members, and makes proxies and clients.
func (c *Cluster) prepare(size int) error {
	var names, addresses []string
	for i := range size {
		addr, err := FreeAddress()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("m%d", i)
		m := &member{Member: Member{
			Name: name, Dir: filepath.Join(c.dir, name), ClientAddr: addr,
			PeerListen: fmt.Sprintf("unix://%s-own:1", name), PeerURL: fmt.Sprintf("unix://%s:1", name),
			LogFile: filepath.Join(c.dir, name+".log"),
		}}
		c.members = append(c.members, m)
		names = append(names, name+"="+m.PeerURL)
		addresses = append(addresses, addr)
	}
	at := func(url string) string { return filepath.Join(c.dir, strings.TrimPrefix(url, "unix://")) }
	var err error
	for _, m := range c.members {
		m.Cluster = strings.Join(names, ",")
		if m.proxy, err = newProxy("unix", at(m.PeerURL), at(m.PeerListen), c.memberOf); err != nil {
			return err
		}
		if m.client, err = newClient(m.ClientAddr); err != nil {
			return err
		}
	}
	c.client, err = newClient(addresses...)
	return err
}

// FreeAddress finds a HOST:PORT that no outgoing connection takes while nothing listens
// there, nor another process that asks in this way, as long as this one lives. (The tests
// of the clients look for theirs above.)
func FreeAddress() (string, error) {
	for range 100 {
		port := 10_000 + rand.IntN(10_000)
		if !claim(port) {
			continue
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		// Not listened at: a child process that is just being started would hold that open.
		conn, err := net.Dial("tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return addr, nil
		}
		if err == nil {
			_ = conn.Close() // nothing was sent
		}
	}
	return "", errors.New("no free port of 10000 to 20000 was found")
}

// claim takes a port of UDP, which stands for the one of TCP with the same number. Nothing
// but the end of this process gives it back.
func claim(port int) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return false
	}
	syscall.CloseOnExec(socket)
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		_ = syscall.Close(socket)
		return false
	}
	return true
}

// newClient comes back quickly to a member that was away, and leaves one that is
// frozen.
func newClient(endpoints ...string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints: endpoints, Logger: zap.NewNop(), MaxUnaryRetries: 1,
		DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 5 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, MaxDelay: 500 * time.Millisecond},
			MinConnectTimeout: 5 * time.Second,
		})},
	})
}

// memberOf tells which member's process has opened a connection; -1 for none.
func (c *Cluster) memberOf(conn net.Conn) int {
	pid := peerProcess(conn)
	for i, m := range c.members {
		if pid != 0 && m.pid.Load() == int64(pid) {
			return i
		}
	}
	return -1
}

// Size is the number of members.
func (c *Cluster) Size() int { return len(c.members) }

// Dir is where data and logs are; a member's data is in a folder of its name.
func (c *Cluster) Dir() string { return c.dir }

// Member says how member i is run.
func (c *Cluster) Member(i int) Member { return c.members[i].Member }

// Client is a client of all members. The cluster owns it.
func (c *Cluster) Client() *clientv3.Client { return c.client }

// ClientOf is a client of member i alone. The cluster owns it.
func (c *Cluster) ClientOf(i int) *clientv3.Client { return c.members[i].client }

// Endpoints are the client addresses of the members, HOST:PORT.
func (c *Cluster) Endpoints() []string {
	var all []string
	for _, m := range c.members {
		all = append(all, m.ClientAddr)
	}
	return all
}

// Isolate parts member i from all others; clients still reach it.
func (c *Cluster) Isolate(i int) {
	for j, m := range c.members {
		if j == i {
			m.proxy.Part()
		} else {
			m.proxy.partFrom(i)
		}
	}
}

// Rejoin ends Isolate.
func (c *Cluster) Rejoin(i int) {
	for j, m := range c.members {
		if j == i {
			m.proxy.Join()
		} else {
			m.proxy.joinFrom(i)
		}
	}
}

// statusTimeout bounds one question to one member, which may be starved.
const statusTimeout = 5 * time.Second

// Leader returns the leader and its term, as the member of the highest term sees it. It
// fails when there is none.
func (c *Cluster) Leader(ctx context.Context) (leader int, term uint64, err error) {
	answers := make([]*clientv3.StatusResponse, len(c.members))
	var asked sync.WaitGroup
	for i, m := range c.members {
		if !c.running(i) {
			continue
		}
		asked.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, statusTimeout)
			defer cancel()
			answers[i], _ = m.client.Status(ctx, m.ClientAddr) // no answer is none
		})
	}
	asked.Wait()
	var id uint64
	for _, a := range answers {
		if a != nil && a.Leader != 0 && a.RaftTerm > term {
			id, term = a.Leader, a.RaftTerm
		}
	}
	for i, a := range answers {
		if a != nil && id != 0 && a.Header.MemberId == id {
			return i, term, nil
		}
	}
	return 0, 0, errors.New("the cluster has no leader")
}

// WaitLeader returns when there is a leader of a term after the given one.
func (c *Cluster) WaitLeader(ctx context.Context, after uint64) (leader int, term uint64, err error) {
	err = Poll(ctx, func() (err error) {
		if leader, term, err = c.Leader(ctx); err == nil && term <= after {
			err = fmt.Errorf("the term is still %d", term)
		}
		return err
	})
	return leader, term, err
}

// WaitHealthy returns when every member answers a linearizable read.
func (c *Cluster) WaitHealthy(ctx context.Context) error {
	return Poll(ctx, func() error {
		group, ctx := errgroup.WithContext(ctx)
		for i, m := range c.members {
			group.Go(func() error {
				ctx, cancel := context.WithTimeout(ctx, statusTimeout)
				defer cancel()
				if _, err := m.client.Get(ctx, "health"); err != nil {
					return fmt.Errorf("member %d: %w", i, err)
				}
				return nil
			})
		}
		return group.Wait()
	})
}

// Close ends all members and what belongs to them.
func (c *Cluster) Close() {
	for i, m := range c.members {
		if m.client != nil {
			_ = m.client.Close()
		}
		_ = c.Kill(i) // it may not run
		if m.proxy != nil {
			m.proxy.Close()
		}
	}
	if c.client != nil {
		_ = c.client.Close()
	}
	if c.own {
		_ = os.RemoveAll(c.dir)
	}
}

// logTails are the last words of every member.
func (c *Cluster) logTails() string {
	var all []string
	for _, m := range c.members {
		text, _ := os.ReadFile(m.LogFile)
		all = append(all, m.Name+": "+string(text[max(0, len(text)-500):]))
	}
	return strings.Join(all, "\n")
}

// pollEvery is how often Poll looks.
const pollEvery = 20 * time.Millisecond

// Poll returns when try succeeds. When ctx ends first it fails with both reasons.
func Poll(ctx context.Context, try func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", ctx.Err(), err)
		}
	}
}
