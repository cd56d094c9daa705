package endpoint_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// hurry makes 40 s five, and 30 s and 10 s of keepalive 3.75 s and 1.25 s.
const hurry = 8

// narrow opens a connection whose kernel takes little on behalf of a program that does
// not read.
func narrow(t *testing.T, addr string) *line {
	t.Helper()
	d := net.Dialer{Timeout: patience, Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		if err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		}); err != nil {
			return err
		}
		return failed
	}}
	conn, err := d.Dial("tcp", strings.TrimPrefix(addr, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &line{Conn: conn}
}

func (l *line) begin(t *testing.T, path string) {
	t.Helper()
	if _, err := io.WriteString(l, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

// fill makes the configuration nearly 4 MiB, each time another: more than the kernel
// takes.
func fill(t *testing.T, s *servertest.Server, mark string) (revision int64) {
	t.Helper()
	for i := range 16 {
		revision = s.Set(t, own, fmt.Sprintf("big%d", i), `"`+mark+strings.Repeat("x", 250<<10)+`"`)
	}
	return revision
}

func openWatches(t *testing.T, s *servertest.Server) string {
	t.Helper()
	return metric(t, s, "configservice_open_watches")
}

// A watcher over REST that takes nothing is cut, and what it held is freed; one that
// is slow is not, however long one message takes it.
func TestWatchersThatDoNotReadOverREST(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{Hurry: hurry})
	last := fill(t, s, "first")
	if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{Keys: []string{"x"}, MinRevision: last}); err != nil {
		t.Fatal(err)
	}
	dead, slow := narrow(t, s.URL), narrow(t, s.URL)
	dead.begin(t, "/v1/watch")
	slow.begin(t, "/v1/watch")
	until(t, "two open watches", func() bool { return openWatches(t, s) == "2" })

	// The slow one is slow for three times the patience, and far from the end of its
	// first message. Then it takes the rest.
	began, taken := time.Now(), 0
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	buf := make([]byte, 4<<10)
	_ = slow.SetReadDeadline(began.Add(patience))
	for tail := []byte(nil); !bytes.Contains(tail, []byte("}\n")); {
		n, err := slow.Read(buf)
		if err != nil {
			t.Fatalf("the slow reader was cut after %s and %d bytes: %v", time.Since(began), taken, err)
		}
		taken += n
		tail = append(tail[max(0, len(tail)-1):], buf[:n]...) // the end may come in two pieces
		if time.Since(began) < 15*time.Second {
			<-pace.C
		}
	}
	if d := time.Since(began); d < 15*time.Second || taken < 4_000_000 {
		t.Fatalf("the slow reader took %d bytes in %s: this shows nothing", taken, d)
	}
	// By now the other has been cut, unless all of it lay in the kernel.
	for i, end := 0, time.Now().Add(patience); openWatches(t, s) != "1"; i++ {
		if time.Now().After(end) {
			t.Fatal("a watcher that does not read is not cut")
		}
		last = fill(t, s, fmt.Sprint(i))
		if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{Keys: []string{"x"}, MinRevision: last}); err != nil {
			t.Fatal(err)
		}
		until(t, "the slow one alone, or time for more", func() bool {
			_ = slow.SetReadDeadline(time.Now().Add(patience))
			_, err := slow.Read(buf)
			return err == nil
		})
	}
	_ = dead.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, dead); err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Error("the connection of a watcher that was cut is open")
		}
	}
	fill(t, s, "last")
	_ = slow.SetReadDeadline(time.Now().Add(patience))
	if _, err := slow.Read(buf); err != nil {
		t.Errorf("the slow reader was cut: %v", err)
	}
}

// A caller that asks for answers and takes none is cut as well.
func TestCallersThatDoNotReadOverREST(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{Hurry: hurry, Settings: map[string]string{"CONFIG_MAX_CONNECTIONS": "1"}})
	last := fill(t, s, "")
	if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{Keys: []string{"x"}, MinRevision: last}); err != nil {
		t.Fatal(err)
	}
	dead := narrow(t, s.URL)
	dead.begin(t, strings.Repeat("/v1/config HTTP/1.1\r\nHost: localhost\r\n\r\nGET ", 20)+"/v1/config")
	until(t, "its place is taken", func() bool { code, _, _ := dialLine(t, s.URL).ask(t, "/v1/config"); return code == 503 })
	until(t, "its place is free", func() bool { code, _, _ := dialLine(t, s.URL).ask(t, "/v1/config"); return code == 200 })
	n, _ := io.Copy(io.Discard, dead) // what lay in the kernel, then the end
	if n < 1<<20 || n > 40<<20 {
		t.Errorf("it was sent %d bytes", n)
	}
}

// open sends the headers and the request of a call, and does not wait for its answer.
func (p *peer) open(t *testing.T, path string, body []byte) uint32 {
	t.Helper()
	p.stream = max(p.stream+2, 1) | 1
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	headers := request(path)
	for i := 0; i < len(headers); i += 2 {
		if err := enc.WriteField(hpack.HeaderField{Name: headers[i], Value: headers[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: p.stream, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
	if err := p.framer.WriteData(p.stream, true, body); err != nil {
		t.Fatal(err)
	}
	return p.stream
}

const (
	watchPath = "/configservice.v1.ConfigService/Watch"
	listPath  = "/configservice.v1.ConfigService/List"
)

// everything is the empty request, framed.
var everything = []byte{0, 0, 0, 0, 0}

// A client that is frozen answers no ping, and is ended by that; one that is busy
// sending and never reads, by what it does not take.
func TestFrozenClientsOverGRPC(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{Hurry: hurry})
	finish := bystander(t, s) // has a watch of its own
	frozen := connect(t, s)
	for range 10 {
		frozen.open(t, watchPath, everything)
	}
	until(t, "ten watches", func() bool { return openWatches(t, s) == "11" })
	until(t, "the frozen client is ended", func() bool { return openWatches(t, s) == "1" })

	last := fill(t, s, "")
	if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{Keys: []string{"x"}, MinRevision: last}); err != nil {
		t.Fatal(err)
	}
	deaf := &peer{Conn: narrow(t, s.GRPC)}
	if _, err := io.WriteString(deaf, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	deaf.framer = http2.NewFramer(deaf, deaf)
	if err := deaf.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}); err != nil {
		t.Fatal(err)
	}
	if err := deaf.framer.WriteWindowUpdate(0, 1<<30); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		deaf.open(t, watchPath, everything)
	}
	until(t, "ten watches", func() bool { return openWatches(t, s) == "11" })
	until(t, "the deaf client is ended, though it sends", func() bool {
		_ = deaf.framer.WriteWindowUpdate(0, 1) // fails in the end
		return openWatches(t, s) == "1"
	})
	finish()
}

// Streams that nobody reads, on a connection that lives: they stay, and hold one
// message on its way and one that is next, whatever changes meanwhile.
func TestUnreadStreamsOverGRPC(t *testing.T) {
	s := guarded(t, servertest.Options{}) // alone: it measures the heap
	finish := bystander(t, s)
	const streams, size, changes = 50, 200 << 10, 40
	change := func() {
		for i := range changes {
			last := s.Set(t, own, "big", fmt.Sprintf(`"%d%s"`, i, strings.Repeat("x", size)))
			if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{Keys: []string{"x"}, MinRevision: last}); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := heap()
	change()
	without := heap() - before // what the etcd of this test keeps
	before = heap()
	p := connectWith(t, s.GRPC, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	_ = p.SetDeadline(time.Time{}) // the test may take long
	alive := make(chan struct{})
	for range streams {
		p.open(t, watchPath, everything)
	}
	until(t, "the watches are open", func() bool { return openWatches(t, s) == fmt.Sprint(streams+1) })
	go func() {
		defer close(alive)
		_ = p.answerPings() // until the test closes it
	}()
	defer func() {
		p.Close()
		<-alive
	}()
	change()
	with := heap() - before
	const most = streams * 2 * size * 3 / 2 // buffers come in powers of two
	t.Logf("%d changes of %d KiB: the heap grew by %d KiB, and by %d KiB with %d streams that nobody reads", changes, size>>10, without>>10, with>>10, streams)
	if with-without > most {
		t.Errorf("they hold more than %d KiB", most>>10)
	}
	if got := openWatches(t, s); got != fmt.Sprint(streams+1) {
		t.Errorf("%s watches are open: the streams were cut for being slow", got)
	}
	finish()
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// connectWith is connect with settings of the client's.
func connectWith(t *testing.T, addr string, settings ...http2.Setting) *peer {
	t.Helper()
	conn := dialLine(t, addr)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	p := &peer{Conn: conn, framer: http2.NewFramer(conn, conn)}
	if err := p.framer.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return p
}
