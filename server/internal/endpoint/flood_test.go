package endpoint_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/config-service/config-service/server/servertest"
)

// Streams that are opened and reset at once, as fast as they can be: their handlers
// are no more than streams are allowed, they end, and nobody else notices.
func TestRapidReset(t *testing.T) {
	t.Parallel()
	const resets, perConnection = 10_000, 20
	s := guarded(t, servertest.Options{Settings: map[string]string{"CONFIG_MAX_STREAMS_PER_CONNECTION": strconv.Itoa(perConnection)}})
	finish := bystander(t, s)
	p := connect(t, s)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, p) // until the end
	}()
	// All the while somebody looks at the number of handlers.
	most, sent, looked := 0, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			if n, err := strconv.Atoi(openWatches(t, s)); err == nil {
				most = max(most, n)
			}
			select {
			case <-sent:
				return
			default:
			}
		}
	}()
	for i := range resets {
		path := watchPath
		if i%2 == 1 {
			path = listPath
		}
		id := p.open(t, path, everything)
		if err := p.framer.WriteRSTStream(id, http2.ErrCodeCancel); err != nil {
			t.Errorf("the connection ended after %d resets: %v", i, err)
			break
		}
	}
	close(sent)
	<-looked
	t.Logf("at most %d handlers were seen", most)
	if most > perConnection+1 { // the legal client has one
		t.Errorf("%d handlers were live", most)
	}
	until(t, "all handlers ended", func() bool { return openWatches(t, s) == "1" })
	finish()
	p.Close()
	<-gone
}

// Frames that cost the sender little and the receiver an answer, sent without reading.
func TestFloods(t *testing.T) {
	// Alone: it measures the heap.
	s := guarded(t, servertest.Options{Hurry: hurry})
	finish := bystander(t, s)
	before := heap()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for i := range 200 {
		_ = enc.WriteField(hpack.HeaderField{Name: "x-flood", Value: fmt.Sprint(i)}) // into memory
	}
	for name, flood := range map[string]func(p *peer, i int) error{
		"SETTINGS": func(p *peer, _ int) error {
			return p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
		},
		"PING": func(p *peer, _ int) error { return p.framer.WritePing(false, [8]byte{}) },
		"CONTINUATION": func(p *peer, i int) error {
			if i == 0 {
				return p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes()})
			}
			return p.framer.WriteContinuation(1, false, block.Bytes())
		},
		"WINDOW_UPDATE": func(p *peer, _ int) error { return p.framer.WriteWindowUpdate(0, 1<<30) },
		"empty DATA": func(p *peer, i int) error {
			if i == 0 {
				p.open(t, listPath, everything)
			}
			return p.framer.WriteData(1, false, nil)
		},
		"PRIORITY": func(p *peer, i int) error {
			return p.framer.WritePriority(uint32(i)*2+1, http2.PriorityParam{StreamDep: 0})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &peer{Conn: narrow(t, s.GRPC)}
			if err := p.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			p.framer = http2.NewFramer(p, p)
			p.framer.AllowIllegalWrites = true
			if _, err := io.WriteString(p, http2.ClientPreface); err != nil {
				t.Fatal(err)
			}
			if err := p.framer.WriteSettings(); err != nil {
				t.Fatal(err)
			}
			var err error
			sent := 0
			// Some cost no answer, and are read as fast as they come. The answers to
			// SETTINGS fill the kernel first.
			isAnswered := name == "SETTINGS" || name == "PING" || name == "CONTINUATION"
			for err == nil && sent < 100_000 || (isAnswered && err == nil && sent < 5_000_000) {
				err = flood(p, sent)
				sent++
			}
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Errorf("after %d frames the connection hangs: it is neither read nor closed", sent)
			}
			if isAnswered && err == nil {
				t.Errorf("%d frames are taken", sent)
			}
			t.Logf("%d frames: %v", sent, err)
		})
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	finish()
}

// What is not clear in HTTP/1.1 is refused, or understood in one way; nobody else
// notices. (More of it stands in package gateway.)
func TestUnclearRequests(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	finish := bystander(t, s)
	const get, other = "GET /v1/config/legal HTTP/1.1\r\nHost: localhost\r\n", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for _, tt := range []struct {
		name, request string
		codes         []int // of the answers; none after one that is an error
	}{
		{"an upgrade to HTTP/2", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" + other, []int{200, 200}},
		{"an upgrade to WebSocket", get + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n" + other, []int{200, 200}},
		{"the length and chunks", get + "Transfer-Encoding: chunked\r\nContent-Length: " + strconv.Itoa(5+len(other)) + "\r\n\r\n0\r\n\r\n" + other, []int{200, 200}},
		{"chunks and the length", get + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + other, []int{200, 200}},
		{"chunks twice", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + other, []int{501}},
		{"chunks and identity", get + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + other, []int{501}},
		{"a space before the colon", get + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + other, []int{400}},
		{"a folded header", get + "X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n" + other, []int{200, 200}},
		{"two lengths", get + "Content-Length: 0\r\nContent-Length: " + strconv.Itoa(len(other)) + "\r\n\r\n" + other, []int{400}},
		{"a length with a sign", get + "Content-Length: +5\r\n\r\nxxxxx" + other, []int{400}},
		{"a chunk beyond 64 bits", get + "Transfer-Encoding: chunked\r\n\r\n1" + strings.Repeat("0", 16) + "\r\nx\r\n0\r\n\r\n" + other, []int{400}},
		{"a negative chunk", get + "Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n" + other, []int{400}},
		{"a chunk of 63 bits", get + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n" + strings.Repeat("x", 70<<10), []int{413}},
		{"a chunk that ends with a bare LF", get + "Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n" + other, []int{400}},
		{"a chunk extension of 64 KiB", get + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", 64<<10) + "\r\nx\r\n0\r\n\r\n" + other, []int{400}},
		{"lines that end with a bare LF", "GET /v1/config/legal HTTP/1.1\nHost: localhost\n\n" + other, []int{200, 200}},
		{"lines that end with a bare CR", "GET /v1/config/legal HTTP/1.1\rHost: localhost\r\r" + other, []int{400}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := dialLine(t, s.URL)
			go io.WriteString(l, tt.request)
			for i, want := range append(tt.codes, 0) {
				if i == len(tt.codes) && tt.codes[i-1] == http.StatusOK {
					break // it stays open, and is silent
				}
				resp, err := http.ReadResponse(l.in, nil)
				if err != nil {
					if ne, ok := err.(net.Error); want != 0 || (ok && ne.Timeout()) {
						t.Fatalf("answer %d: %v, want %d", i, err, want)
					}
					break
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != want || strings.Contains(string(body), canary) || (err == nil && len(body) > 1024) {
					t.Errorf("answer %d: %d %.300s, want %d", i, resp.StatusCode, body, want)
				}
			}
		})
	}
	finish()
}
