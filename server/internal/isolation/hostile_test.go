package isolation

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/server/servertest"
)

// administered is a world whose administrator is known, with a legal client that calls
// until the test ends and fails it when one call fails.
func administered(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, 3, 0)
	line := fmt.Sprintf("- {id: testadmn, digest: \"sha256:%x\", user: nobody}\n", sha256.Sum256([]byte(servertest.AdminToken)))
	servertest.WriteFile(t, w.tokensFile(), line+w.previous)
	w.untilTaken(t, servertest.AdminToken)
	ctx, cancel := context.WithCancel(t.Context())
	legal := &neighbour{}
	var running sync.WaitGroup
	running.Go(func() { legal.run(ctx, t, w) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		fmt.Printf("FIGURE %s: a legal client beside: %s\n", t.Name(), legal.report(t))
	})
	return w
}

// spoken is what a server answers to bytes on its REST port.
func (w *world) spoken(t *testing.T, addr, text string) (code int, header http.Header, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(addr, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	go io.WriteString(conn, text) // it may be answered before all of it is read
	verb, _, _ := strings.Cut(text, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: verb})
	if err != nil {
		return 0, nil, ""
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK && resp.ContentLength < 0 { // a stream has no end
		some := make([]byte, 64<<10)
		n, _ := resp.Body.Read(some)
		_ = conn.Close() // or the end of the body would be waited for
		return resp.StatusCode, resp.Header, string(some[:n])
	}
	all, _ := io.ReadAll(resp.Body) // of a connection that is reset there may be less
	return resp.StatusCode, resp.Header, string(all)
}

// TestHostileRequestsWithGoodTokens: a token does not make a request good, neither that of
// a service nor that of an administrator.
func TestHostileRequestsWithGoodTokens(t *testing.T) {
	w := administered(t)
	for range 20 { // so that the legal client meets many of them
		w.requestsWithGoodTokens(t)
	}
}

func (w *world) requestsWithGoodTokens(t *testing.T) {
	own := w.tenants[0]
	const admin = "Bearer " + servertest.AdminToken
	dots := "Bearer " + strings.Repeat(".", 1<<20)
	for _, token := range []string{own.bearer(), admin} {
		for _, tt := range []struct {
			name, headers string
			codes         []int
		}{
			{"another host", "Host: evil.com\r\nAuthorization: " + token, []int{403}},
			{"no host", "Authorization: " + token, []int{400}},
			{"two hosts", "Host: localhost\r\nHost: evil.com\r\nAuthorization: " + token, []int{400}},
			{"a tricky host", "Host: localhost@evil.com\r\nAuthorization: " + token, []int{400, 403}},
			{"another origin", "Host: localhost\r\nOrigin: https://evil.com\r\nAuthorization: " + token, []int{403}},
			{"another site", "Host: localhost\r\nSec-Fetch-Site: cross-site\r\nAuthorization: " + token, []int{403}},
			{"a token of 1 MiB", "Host: localhost\r\nAuthorization: " + dots, []int{401, 431}},
			{"a token twice", "Host: localhost\r\nAuthorization: " + token + "\r\nAuthorization: " + token, []int{401}},
			{"a token as metadata", "Host: localhost\r\nGrpc-Metadata-Authorization: " + token, []int{401}},
			{"a token of the gateway", "Host: localhost\r\nGrpcgateway-Authorization: " + token, []int{401}},
			{"a token of a proxy", "Host: localhost\r\nProxy-Authorization: " + token, []int{401}},
			{"a token that is named a hop", "Host: localhost\r\nConnection: Authorization\r\nAuthorization: " + token, []int{400, 401, 200, 403}},
		} {
			for _, begin := range []string{"GET /v1/config", "GET /v1/watch", "GET /v1/whoami", "POST /v1/admin/list-services"} {
				text := begin + " HTTP/1.1\r\n" + tt.headers + "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
				code, header, body := w.spoken(t, w.control.URL, text)
				if !slices.Contains(tt.codes, code) && !(code == 0 && len(text) > 1<<20) {
					t.Errorf("%s with %s: %d %s, want one of %v", begin, tt.name, code, body, tt.codes)
				}
				if code == 200 && tt.name != "a token that is named a hop" || header.Get("Access-Control-Allow-Origin") != "" || len(foreign([]byte(body), own)) > 0 {
					t.Errorf("%s with %s: %v %s", begin, tt.name, header, body)
				}
			}
		}
	}
	preflight := "OPTIONS /v1/admin/list-services HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.com\r\nAccess-Control-Request-Method: POST\r\n\r\n"
	if code, header, body := w.spoken(t, w.control.URL, preflight); code != 403 && code != 405 || header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a preflight is answered %d %v %s", code, header, body)
	}
	// An administrator's own mistakes, and what no token excuses.
	for _, tt := range []struct {
		name, headers, body string
		code                int
	}{
		{"a form", "Content-Type: text/plain", "{}", 415},
		{"gzip", "Content-Type: application/json\r\nContent-Encoding: gzip", "\x1f\x8b", 415},
		{"depth", "Content-Type: application/json", strings.Repeat("[", 10_000), 400},
		{"a field twice", "Content-Type: application/json", `{"namespace":"a","namespace":"b"}`, 400},
		{"an unknown field", "Content-Type: application/json", `{"nope":1}`, 400},
		{"NaN", "Content-Type: application/json", `{"page_size":NaN}`, 400},
		{"2^53+1", "Content-Type: application/json", `{"page_size":9007199254740993}`, 400},
		{"1 MiB and more", "Content-Type: application/json", "{}" + strings.Repeat(" ", 1<<20), 413},
	} {
		for _, bearer := range []string{admin, own.bearer(), "Bearer x", ""} {
			text := "POST /v1/admin/list-services HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + bearer + "\r\n" + tt.headers
			code, _, body := w.spoken(t, w.control.URL, fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", text, len(tt.body), tt.body))
			if code != tt.code {
				t.Errorf("%s by %.20q: %d %s, want %d", tt.name, bearer, code, body, tt.code)
			}
		}
	}
}

// TestHostileCallsWithGoodTokens: the same over gRPC.
func TestHostileCallsWithGoodTokens(t *testing.T) {
	w := administered(t)
	for range 5 {
		w.callsWithGoodTokens(t)
	}
}

func (w *world) callsWithGoodTokens(t *testing.T) {
	own := w.tenants[0]
	conn := w.control.Conn(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const admin = "Bearer " + servertest.AdminToken
	for _, m := range methods(t) {
		fields := rows[string(m.FullName())].fields(own)
		big := map[string]string{"namespace": strings.Repeat("a", 2<<20)}
		for _, tt := range []struct {
			name    string
			fields  map[string]string
			headers [][2]string
			bearers []string
			want    []codes.Code
		}{
			{"no token", fields, nil, nil, []codes.Code{codes.Unauthenticated}},
			{"a wrong token", fields, nil, []string{"Bearer cs_testadmn_" + strings.Repeat("a", 32)}, []codes.Code{codes.Unauthenticated}},
			{"an administrator's id with a service's secret", fields, nil, []string{"Bearer cs_testadmn_" + w.secrets[0]}, []codes.Code{codes.Unauthenticated}},
			{"a long token", fields, nil, []string{"Bearer " + strings.Repeat(".", 8<<10)}, []codes.Code{codes.Unauthenticated}},
			{"a token twice", fields, nil, []string{admin, admin}, []codes.Code{codes.Unauthenticated}},
			{"a token of the gateway", fields, [][2]string{{"grpcgateway-authorization", admin}, {"grpc-metadata-authorization", admin}}, nil, []codes.Code{codes.Unauthenticated}},
			{"2 MiB by an administrator", big, nil, []string{admin}, []codes.Code{codes.ResourceExhausted}},
			{"2 MiB by nobody", big, nil, nil, []codes.Code{codes.ResourceExhausted, codes.Unauthenticated}},
		} {
			got := request{method: m, fields: tt.fields, headers: tt.headers, bearers: tt.bearers}.overGRPC(ctx, conn)
			if m.Input().Fields().ByName("namespace") == nil && strings.HasPrefix(tt.name, "2 MiB") {
				continue
			}
			if name := m.Name(); name == "Commit" || name == "PutSchema" { // they take values, and find the name at fault
				tt.want = append(tt.want, codes.InvalidArgument)
			}
			if !slices.Contains(tt.want, got.code) || len(foreign(got.bytes, own)) > 0 {
				t.Errorf("%s with %s: %s %.300s, want one of %v", m.Name(), tt.name, got.code, got.bytes, tt.want)
			}
		}
	}
	for _, bearer := range []string{admin, own.bearer(), ""} {
		ctx := metadata.AppendToOutgoingContext(ctx, "authorization", bearer)
		for _, path := range []string{"/no.such.Service/Method", "/configservice.admin.v1.ConfigAdminService/DropEverything", "/configservice.admin.v1.ConfigAdminService/listServices", "/v1/admin/list-services"} {
			if err := conn.Invoke(ctx, path, &healthpb.HealthCheckRequest{}, &healthpb.HealthCheckResponse{}); status.Code(err) != codes.Unimplemented {
				t.Errorf("%s by %.20q: %v", path, bearer, err)
			}
		}
		if _, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: w.tenants[1].namespace}); status.Code(err) != codes.NotFound {
			t.Errorf("the health of another service, by %.20q: %v", bearer, err)
		}
		for addr, paths := range map[string][]string{
			w.control.URL: {"/debug/pprof/", "/metrics", "/metrics/../v1/config", "/v1/../metrics", "/v1/admin", "/v1/admin/", "/v1/admin/drop-everything", "/v1/admin/list-services/"},
			w.control.Ops: {"/debug/pprof/", "/v1/config", "/v1/admin/list-services", "/metrics/../v1/config"},
		} {
			for _, path := range paths {
				code, _, body := w.spoken(t, addr, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nAuthorization: "+bearer+"\r\nConnection: close\r\n\r\n")
				if code == http.StatusOK || code >= 500 || code == 0 || len(foreign([]byte(body), nil)) > 0 {
					t.Errorf("GET %s by %.20q: %d %.300s", path, bearer, code, body)
				}
			}
		}
	}
}

// hostileTexts would end a line, a record, or a terminal's mood.
var hostileTexts = []string{
	"a\r\nb", "\x1b[31mred", `"}` + "\n" + `{"level":"error","msg":"audit"`, "%s%d%n", strings.Repeat("x", 10<<10), "\x00", "a\u202eb", "\u2028", "\xff\xfe", `\u000a`, "{}",
}

// TestHostileTextsStayInTheirLines: whatever callers send, each line of the log and each
// audit record is one JSON object, holds no token, and leaves no series behind.
func TestHostileTextsStayInTheirLines(t *testing.T) {
	w := administered(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	round := func(suffix string) (lines int) {
		for _, m := range methods(t) {
			for _, text := range hostileTexts {
				for _, bearer := range []string{"Bearer " + servertest.AdminToken, w.tenants[0].bearer(), "Bearer " + text, text} {
					field := text + suffix
					plain := strings.Map(printable, text)[:min(len(strings.Map(printable, text)), 2000)] // all that clients let through
					req := request{method: m, fields: map[string]string{"namespace": field, "environment": field, "key": field}, bearers: []string{strings.Map(printable, bearer)[:min(len(strings.Map(printable, bearer)), 2000)]}}
					req.headers = [][2]string{{"X-Request-Id", plain}, {"User-Agent", plain}, {"Traceparent", plain}}
					got := req.overGRPC(ctx, w.control.Conn(t))
					if got.code == codes.OK && m.Name() != "WhoAmI" || got.code == codes.Internal || got.code == codes.Unknown {
						t.Errorf("%s of %.40q: %s %.200s", m.Name(), text, got.code, got.bytes)
					}
					if _, err := req.overREST(ctx, client, w.control.URL); err != nil && ctx.Err() != nil {
						t.Fatal(err)
					}
				}
			}
		}
		return bytes.Count(scrape(t, w), []byte("\n"))
	}
	first := round("1")
	if second := round("2"); second > first {
		t.Errorf("%d lines of metrics became %d", first, second)
	}
	fmt.Printf("FIGURE hostile texts: %d denials recorded, %d lines of metrics\n", w.lookAtLines(t), first)
}

// lookAtLines looks at each line that was written down, and counts the denials.
func (w *world) lookAtLines(t *testing.T) (denials int) {
	t.Helper()
	audit, err := os.ReadFile(w.auditFile())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"the log": w.log.text(), "the audit file": string(audit)} {
		for line := range strings.Lines(text) {
			var record map[string]any
			decoder := json.NewDecoder(strings.NewReader(line))
			if err := decoder.Decode(&record); err != nil || decoder.More() {
				t.Fatalf("%s: %.300q is no single JSON object: %v", name, line, err)
			}
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e || r == 0x2028 || r == 0xfffd }) {
				t.Errorf("%s holds %.300q", name, line)
			}
			if record["level"] == "error" || record["level"] == "ERROR" {
				t.Errorf("%s: a caller makes an error line: %.300s", name, line)
			}
			if len(line) > 4<<10 {
				t.Errorf("%s: a line of %d bytes: %.300s", name, len(line), line)
			}
			if name == "the audit file" && record["decision"] == "denied" {
				denials++
			}
		}
		for _, secret := range append(w.secrets, strings.Split(servertest.AdminToken, "_")[2]) {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a token", name)
			}
		}
	}
	return denials
}

// printable drops what no header may hold.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}
