package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/servertest"
)

// No route takes a body. A small one does no harm; a large one is refused before it
// is read, and its connection is given up.
func TestBodies(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	const limit = 64 << 10
	chunked := func(size int) string {
		return "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, strings.Repeat("x", size))
	}
	sized := func(declared, size int) string {
		return fmt.Sprintf("Content-Length: %d\r\n\r\n", declared) + strings.Repeat("x", size)
	}
	tests := []struct {
		name, rest string
		status     int
	}{
		{"none", "\r\n", 200},
		{"empty", sized(0, 0), 200},
		{"small", sized(5, 5), 200},
		{"at the limit", sized(limit, limit), 200},
		{"over the limit, declared and not sent", sized(limit+1, 0), 413},
		{"over the limit, sent", sized(limit+1, limit+1), 413},
		{"a gigabyte, declared", sized(1<<30, 10), 413},
		{"chunked and small", chunked(10), 200},
		{"chunked at the limit", chunked(limit), 200},
		{"chunked over the limit", chunked(limit + 1), 413},
		{"chunked without an end", "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s", 1<<30, strings.Repeat("x", limit+1)), 413},
		{"broken chunks", "Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n", 400},
	}
	refused := map[string]*wire{}
	for _, path := range []string{"/v1/config", "/healthz", "/nowhere"} {
		for _, tt := range tests {
			w := s.dial(t)
			t.Run(path+" "+tt.name, func(t *testing.T) {
				// The server may answer and close before it has read everything.
				go io.WriteString(w, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n"+tt.rest)
				a := w.answer(t, http.MethodGet)
				switch {
				case tt.status == 413:
					wantRefused(t, a, 413, "TOO_LARGE", "at most 65536 bytes")
				case tt.status == 400:
					wantField(t, a, "body")
				case path == "/nowhere":
					wantRefused(t, a, 404, "NO_SUCH_METHOD")
				case a.status != tt.status:
					t.Errorf("answered %d %s", a.status, a.body)
				}
				if tt.status != 200 {
					refused[t.Name()] = w
					return
				}
				if _, err := io.WriteString(w, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				if a := w.answer(t, http.MethodGet); a.status != 200 || a.body != "ok\n" {
					t.Errorf("the next request on the connection is answered %d %q", a.status, a.body)
				}
			})
		}
	}
	for name, w := range refused {
		if !w.closed() {
			t.Errorf("%s: the connection stays open; what follows on it is no request", name)
		}
	}
}

// A caller that does not send what it announced is not waited for, whatever it asks.
func TestSlowRequests(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	waiting := map[string]*wire{}
	for name, request := range map[string]string{
		"a body that stops":                    "GET /v1/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
		"a chunked body that stops":            "GET /v1/config HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx",
		"a body that was promised":             "GET /v1/config HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
		"a body that stops, for another host":  "GET /v1/config HTTP/1.1\r\nHost: evil.com\r\nContent-Length: 100\r\n\r\nx",
		"a body that stops, by another method": "POST /v1/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
		"a body that stops, beside the routes": "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx",
		"headers that stop":                    "GET /v1/config HTTP/1.1\r\nHost: localhost\r\nX-A: b",
		"a request line that stops":            "GET /v1/con",
		"nothing but a line break":             "\r\n",
	} {
		w := s.dial(t)
		if err := w.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, request); err != nil {
			t.Fatal(err)
		}
		waiting[name] = w
	}
	for name, w := range waiting {
		t.Run(name, func(t *testing.T) {
			a := w.answer(t, http.MethodGet)
			if a.status == http.StatusContinue {
				a = w.answer(t, http.MethodGet)
			}
			if a.status != 0 && a.status < 400 {
				t.Errorf("answered %d %s", a.status, a.body)
			}
			if !w.closed() {
				t.Error("the connection stays open")
			}
		})
	}
}

// Requests that are none end in an error or a closed connection, never in data.
func TestGarbage(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.get(t, at("/v1/config", s.Set(t, own, "a", `"canary"`)))
	const host = "Host: localhost\r\n"
	for name, request := range map[string]string{
		"a header of 1 MiB":           "GET /v1/config HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"10,000 headers":              "GET /v1/config HTTP/1.1\r\n" + host + strings.Repeat("X-A: b\r\n", 10_000) + "\r\n",
		"a path of 1 MiB":             "GET /v1/config/" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\n" + host + "\r\n",
		"a token of 1 MiB":            "GET /v1/config HTTP/1.1\r\n" + host + "Authorization: Bearer " + strings.Repeat(".", 1<<20) + "\r\n\r\n",
		"HTTP/0.9":                    "GET /v1/config\r\n\r\n",
		"HTTP/9.9":                    "GET /v1/config HTTP/9.9\r\n" + host + "\r\n",
		"no method":                   " /v1/config HTTP/1.1\r\n" + host + "\r\n",
		"a NUL":                       "GET /v1/config HTTP/1.1\r\n" + host + "X-A: \x00\r\n\r\n",
		"an escape sequence":          "GET /v1/config HTTP/1.1\r\n" + host + "X-Request-Id: \x1b[31m\r\n\r\n",
		"a header without a name":     "GET /v1/config HTTP/1.1\r\n" + host + ": x\r\n\r\n",
		"two lengths":                 "GET /v1/config HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"a negative length":           "GET /v1/config HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
		"an unknown transfer coding":  "GET /v1/config HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n",
		"HTTP/2 without an agreement": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"TLS":                         "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 64) + "\r\n\r\n",
		"bytes":                       strings.Repeat("\x00\xff", 64) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := s.dial(t)
			go io.WriteString(w, request)
			a := w.answer(t, http.MethodGet)
			if (a.status != 0 && a.status < 400) || strings.Contains(a.body, "canary") {
				t.Errorf("answered %d %.200s", a.status, a.body)
			}
			if strings.Contains(name, "1 MiB") && a.status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("answered %d, want 431", a.status)
			}
		})
	}
	if a := s.get(t, "/v1/config/a", "Accept: text/plain"); a.body != "canary" {
		t.Errorf("afterwards the server answers %d %q", a.status, a.body)
	}
}
