package endpoint_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// A request that is no message of the contract is the caller's mistake, and is said
// to be.
func TestUndecodableRequests(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	finish := bystander(t, s)
	garbage := map[string][]byte{
		"one byte":               {0xff},
		"a cut tag":              {0x80},
		"a cut length":           {0x0a, 0xff},
		"a length beyond memory": protowire.AppendVarint([]byte{0x0a}, 1<<62),
		"a negative length":      protowire.AppendVarint([]byte{0x0a}, 1<<63),
		"an endless varint":      bytes.Repeat([]byte{0xff}, 20),
		"field number 0":         {0x02, 0x01, 'a'},
		"a group without end":    {0x0b},
		"an end without a group": {0x0c},
		"wire type 6":            {0x0e},
		"wire type 7":            {0x0f},
		"groups, nested":         bytes.Repeat([]byte{0x0b}, 20_000),
		"JSON":                   []byte(`{"key": "legal"}`),
		"HTTP":                   []byte("GET / HTTP/1.1\r\n\r\n"),
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 50 {
		noise := make([]byte, 1+random.IntN(200))
		for j := range noise {
			noise[j] = byte(random.Uint32())
		}
		garbage[fmt.Sprint("noise ", i)] = noise
	}
	for _, g := range targets() {
		if g.parameter() != "namespace" { // one target a method
			continue
		}
		for name, request := range garbage {
			answer, err := callRaw(t, s, g, request)
			got := refusalOf(err)
			noise := strings.HasPrefix(name, "noise") // which can happen to be a message
			if got.reason != "INVALID_ARGUMENT" && !(noise && (got.reason == "KEY_NOT_FOUND" || got.reason == "PERMISSION_DENIED" || err == nil)) {
				t.Errorf("%s of %s: %s %s %s", g.method.Name(), name, got.code, got.reason, got.message)
			}
			if len(got.message) > 512 || strings.Contains(got.raw+string(answer), canary) {
				t.Errorf("%s of %s: %d bytes of message", g.method.Name(), name, len(got.message))
			}
		}
	}
	finish()
}

// Fields of another wire type are unknown fields; so a key that comes as a number is
// no key.
func TestWrongWireTypes(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	for _, g := range targets() {
		n := g.leaf().Number()
		if g.parameter() != "key" {
			continue
		}
		for name, request := range map[string][]byte{
			"a varint": protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), 1),
			"fixed32":  protowire.AppendFixed32(protowire.AppendTag(nil, n, protowire.Fixed32Type), 1),
			"fixed64":  protowire.AppendFixed64(protowire.AppendTag(nil, n, protowire.Fixed64Type), 1),
			"a group":  protowire.AppendGroup(protowire.AppendTag(nil, n, protowire.StartGroupType), n, nil),
			"unknown":  protowire.AppendString(protowire.AppendTag(nil, 9999, protowire.BytesType), "legal"),
		} {
			_, err := callRaw(t, s, g, request)
			if got := refusalOf(err); got.reason != "INVALID_ARGUMENT" || strings.Join(got.fields, "") != "key" {
				t.Errorf("%s as %s: %v", g, name, got)
			}
		}
	}
}

// peer is a connection that speaks HTTP/2 by the frame.
type peer struct {
	net.Conn
	framer *http2.Framer
	stream uint32
}

func connect(t *testing.T, s *servertest.Server) *peer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.GRPC, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	p := &peer{Conn: conn, framer: http2.NewFramer(conn, conn)}
	p.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := p.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return p
}

// outcome is how a stream ended: with the headers it got and the data, or cut.
type outcome struct {
	headers map[string]string
	data    string
	cut     bool
}

func (o outcome) code() codes.Code {
	n, err := strconv.Atoi(o.headers["grpc-status"])
	if err != nil {
		return codes.Unknown
	}
	return codes.Code(n)
}

// call opens a stream with the headers, sends the body, and returns how it ended.
func (p *peer) call(t *testing.T, body []byte, headers ...string) outcome {
	t.Helper()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for i := 0; i < len(headers); i += 2 {
		if err := enc.WriteField(hpack.HeaderField{Name: headers[i], Value: headers[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	p.stream = max(p.stream+2, 1) | 1
	fragment := block.Bytes()
	first := fragment[:min(len(fragment), 16<<10)]
	// Writes fail when the server has cut the connection; reading tells.
	_ = p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: p.stream, BlockFragment: first, EndHeaders: len(first) == len(fragment)})
	for rest := fragment[len(first):]; len(rest) > 0; {
		n := min(len(rest), 16<<10)
		_ = p.framer.WriteContinuation(p.stream, n == len(rest), rest[:n])
		rest = rest[n:]
	}
	_ = p.framer.WriteData(p.stream, true, body)
	out := outcome{headers: map[string]string{}}
	for {
		frame, err := p.framer.ReadFrame()
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Fatal("the stream gets no answer")
			}
			out.cut = true
			return out
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = p.framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			for _, h := range f.Fields {
				out.headers[h.Name] = h.Value
			}
			if f.StreamEnded() {
				return out
			}
		case *http2.DataFrame:
			out.data += string(f.Data())
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			out.cut = true
			return out
		}
	}
}

func request(path string, more ...string) []string {
	return append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "localhost", "content-type", "application/grpc", "te", "trailers"}, more...)
}

// legalGet is Get of the key `legal`, framed.
var legalGet = append([]byte{0, 0, 0, 0, 7}, "\x0a\x05legal"...)

// A method is found by its exact path or not at all: a path that the policy does not
// know must never reach a handler under another spelling.
func TestMethodPaths(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	finish := bystander(t, s)
	const get = "/configservice.v1.ConfigService/Get"
	if o := connect(t, s).call(t, legalGet, request(get)...); o.code() != codes.OK || !strings.Contains(o.data, "legal") {
		t.Fatalf("a legal call by frames ends with %v", o)
	}
	for _, path := range []string{
		"configservice.v1.ConfigService/Get", "", "/", "//", "*", "Get", "/Get", "/configservice.v1.ConfigService",
		"/configservice.v1.ConfigService/", "/configservice.v1.ConfigService/get", "/configservice.v1.configservice/Get",
		get + "/", "/" + get, get + "/Get", get + "\x00", get + " ", get + "?a=b", get + "#a", "/x/.." + get,
		"/configservice.v1.ConfigService/%47et", "/configservice.v1.ConfigService%2FGet", "/configservice.v1.ConfigService/../ConfigService/Get",
		"/configservice.v1.ConfigService/Put", "/configservice.v2.ConfigService/Get", "/configservice.admin.v1.ConfigAdminService/Commit",
		"/grpc.health.v1.Health/Nope", "/v1/config", "/metrics", "/" + strings.Repeat("a", 8<<10) + "/" + strings.Repeat("b", 4<<10),
		"/a\r\nb/c", "/\x1b[31m/x", "/\u202e/\u00e9", "/\xff\xfe/\xff", "/" + strings.Repeat("\x01", 200) + "/x", "/" + strings.Repeat("\U0010ffff", 200) + "/x",
	} {
		o := connect(t, s).call(t, legalGet, request(path)...)
		if o.data != "" || strings.Contains(fmt.Sprint(o.headers), canary) {
			t.Errorf("%.80q is answered with %q", path, o.data)
		}
		if o.cut {
			continue // no HTTP/2 path at all
		}
		if o.code() != codes.Unimplemented {
			t.Errorf("%.80q ends with %v", path, o)
		}
		if plain := regexp.MustCompile(`^[ -~]*$`); !plain.MatchString(o.headers["grpc-message"]) {
			t.Errorf("%.80q: the message is %q", path, o.headers["grpc-message"])
		}
		// What is a path at all is refused by this service, and by its rules.
		if strings.HasPrefix(path, "/") && strings.Count(path, "/") > 1 {
			if o.headers["grpc-status-details-bin"] == "" || len(o.headers["grpc-message"]) > 512 {
				t.Errorf("%.80q: %d bytes of message, details %q", path, len(o.headers["grpc-message"]), o.headers["grpc-status-details-bin"])
			}
		}
	}
	finish()
}

func TestUnknownMethod(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	for _, method := range []string{"/configservice.v1.ConfigService/Put", "/configservice.admin.v1.ConfigAdminService/Commit", "/no.such.Service/Method"} {
		err := s.Conn(t).Invoke(deadline(t), method, &configv1.GetRequest{Key: "legal"}, &configv1.GetResponse{})
		if got := refusalOf(err); got.code != codes.Unimplemented || got.reason != "NO_SUCH_METHOD" || !strings.Contains(got.message, method) {
			t.Errorf("%s: %v", method, got)
		}
	}
}

// Names that a caller makes up must not become names of metrics: they would stay for
// ever.
func TestUnknownMethodsLeaveNoMetric(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	for i := range 20 {
		for _, method := range []string{"/made.up.Service%d/Method", "/configservice.v1.ConfigService/Made%d"} {
			_ = s.Conn(t).Invoke(deadline(t), fmt.Sprintf(method, i), &configv1.GetRequest{}, &configv1.GetResponse{}) // refused: see above
		}
	}
	resp, err := http.Get(s.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if line := lines.Text(); strings.Contains(line, "ade.up") || strings.Contains(line, `"Made`) {
			t.Fatalf("there is a metric of a method that does not exist: %s", line)
		}
	}
}

// A message over the limit is refused by its announced length, before it is read.
func TestOversizedMessages(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	for _, g := range targets() {
		if g.parameter() != "namespace" { // one target a method
			continue
		}
		for size, want := range map[int]codes.Code{
			500 << 10: codes.InvalidArgument, 513 << 10: codes.ResourceExhausted, 8 << 20: codes.ResourceExhausted,
		} {
			_, err := callRaw(t, s, g, g.request(strings.Repeat("a", size)))
			if got := refusalOf(err); got.code != want || len(got.message) > 512 {
				t.Errorf("%s of %d bytes: %v", g.method.Name(), size, got)
			}
		}
	}
	// A thousand keys of the largest size are the largest request that makes sense.
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("%0253d", i)
	}
	if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{Keys: keys}); err != nil {
		t.Errorf("1,000 keys of 253 bytes: %v", err)
	}
	_, err := s.Client(t).List(deadline(t), &configv1.ListRequest{Keys: append(keys, "a")})
	if got := refusalOf(err); got.reason != "INVALID_ARGUMENT" || strings.Join(got.fields, "") != "keys" {
		t.Errorf("1,001 keys: %v", got)
	}
}

// Frames that promise more than they hold, or more than is taken.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	finish := bystander(t, s)
	const get, watch = "/configservice.v1.ConfigService/Get", "/configservice.v1.ConfigService/Watch"
	framed := func(flag byte, length uint32, body []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{flag}, length), body...)
	}
	for _, path := range []string{get, watch} {
		for name, tt := range map[string]struct {
			body    []byte
			headers []string
			want    codes.Code
		}{
			"4 GiB, announced":          {framed(0, 1<<32-1, nil), nil, codes.ResourceExhausted},
			"over the limit, announced": {framed(0, 512<<10+1, nil), nil, codes.ResourceExhausted},
			"cut":                       {framed(0, 100, []byte("abc")), nil, codes.Internal},
			"a cut prefix":              {[]byte{0, 0}, nil, codes.Internal},
			"nothing":                   {nil, nil, codes.Internal},
			"compressed, unsaid":        {framed(1, 3, []byte("abc")), nil, codes.Internal},
			"an unknown compression":    {framed(1, 3, []byte("abc")), []string{"grpc-encoding", "evil"}, codes.Unimplemented},
			"an unknown flag":           {framed(7, 3, []byte("abc")), nil, codes.Internal},
		} {
			o := connect(t, s).call(t, tt.body, request(path, tt.headers...)...)
			if o.cut || o.data != "" || (o.code() != tt.want && o.code() != codes.Unknown) {
				t.Errorf("%s: %s ends with %v, want %s", path, name, o, tt.want)
			}
		}
	}
	for name, headers := range map[string][]string{
		"a header of 1 MiB":          request(get, "x-a", strings.Repeat("x", 1<<20)),
		"a header over the limit":    request(get, "x-a", strings.Repeat("x", 17<<10)),
		"1,000 headers":              request(get, strings.Split(strings.Repeat("x-a,b,", 1000)+"x-b,c", ",")...),
		"GET":                        {":method", "GET", ":scheme", "http", ":path", get, ":authority", "localhost", "content-type", "application/grpc"},
		"another content type":       {":method", "POST", ":scheme", "http", ":path", get, ":authority", "localhost", "content-type", "text/plain"},
		"no content type":            {":method", "POST", ":scheme", "http", ":path", get, ":authority", "localhost"},
		"a header with a line break": request(get, "x-request-id", "a\r\nb"),
		"an upper case header":       request(get, "X-A", "b"),
		"a connection header":        request(get, "connection", "close"),
		"a malformed timeout":        request(get, "grpc-timeout", "1x"),
		"a malformed binary header":  request(get, "x-a-bin", "%%%"),
	} {
		if o := connect(t, s).call(t, legalGet, headers...); o.data != "" || (!o.cut && o.code() == codes.OK) {
			t.Errorf("%s ends with %v", name, o)
		}
	}
	for name, bytes := range map[string]string{
		"HTTP/1.1":      "GET /v1/config HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"TLS":           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 64),
		"noise":         strings.Repeat("\x00\xff", 512),
		"a cut preface": http2.ClientPreface[:10],
	} {
		conn, err := net.DialTimeout("tcp", s.GRPC, patience)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, bytes)
		answer, err := io.ReadAll(conn)
		if ne, ok := err.(net.Error); (ok && ne.Timeout()) || strings.Contains(string(answer), canary) {
			t.Errorf("%s: %q %v", name, answer, err)
		}
		conn.Close()
	}
	finish()
}
