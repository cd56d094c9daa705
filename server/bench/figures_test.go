package main

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	r := compare("calls", "1/s", []float64{50, 90, 80}, []float64{100, 100, 100}).ratioAtLeast(.8)
	if r.Ours.Median != 80 || r.Ratio.Median != .8 || r.Ratio.Min != .5 || r.Ratio.Max != .9 || !*r.Met {
		t.Errorf("%+v %+v", r, *r.Ratio)
	}
	if r := throughput("time", "ms", []float64{4, 4}, []float64{1, 2}).ratioAtLeast(.4); r.Ratio.Median != .375 || *r.Met {
		t.Errorf("%+v %+v", r, *r.Ratio)
	}
	if r := alone("size", "MB", 3, 1, 2, 4).atMost(2); r.Ours.Median != 2.5 || *r.Met || r.Goal != "<= 2 MB" {
		t.Errorf("%+v", r)
	}
	ms := time.Millisecond
	p := pooled("p50", [][]time.Duration{{3 * ms, 1 * ms, 2 * ms}, {9 * ms}}, [][]time.Duration{{ms}, {ms}}, .5)
	if p.Ours.Median != 3 || p.Ours.Min != 2 || p.Ours.Max != 9 {
		t.Errorf("%+v", *p.Ours)
	}
	for want, v := range map[string]float64{"12346": 12345.6, "123.5": 123.45, "0.91": .9149, "7": 7} {
		if got := short(v); got != want {
			t.Errorf("%v is written as %s, want %s", v, got, want)
		}
	}
}

// A watch may leave out a value that a later one replaced; the earlier write has then
// arrived too, and none arrives twice.
func TestArrivals(t *testing.T) {
	begin := time.Now()
	a := expect(sharedKeys + 2)
	a.arrived("1", begin)
	for i, line := range []string{
		"event: delta\n", "\n", "id: e.7\n", `{"result":{"state":{},"snapshot":{"entries":[{"key":"a","value":5}]}}}`,
		`{"result":{"delta":{"entries":[{"key":"a","value":1000},{"key":"b","value":"text"}]}}}`,
		`data: {"delta":{"entries":[{"key":"c","value":1001}]}}`,
		`data: {"delta":{"entries":[{"key":"c","value":99999}]}}`,
	} {
		if err := a.line(line, begin.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range map[int]time.Duration{0: 4 * time.Second, 1: 0, 1000: 4 * time.Second, 1001: 5 * time.Second} {
		if got := a.at[n].Sub(begin); got != want {
			t.Errorf("write %d arrived after %s, want %s", n, got, want)
		}
	}
	if !a.at[5].IsZero() || a.left != sharedKeys+2-4 {
		t.Errorf("%d are left, and write 5 arrived at %s", a.left, a.at[5])
	}
	if err := a.line("data: {", begin); err == nil {
		t.Error("a broken line is no error")
	}
}

// The ways in which etcd is away are what they say.
func TestAwayEtcd(t *testing.T) {
	for name, test := range map[string]struct {
		open     func() (awayEtcd, error)
		patience time.Duration
		want     func(net.Conn, error) bool
	}{
		"refusing": {refusing, time.Minute, func(_ net.Conn, err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		"silent": {silent, time.Minute, func(c net.Conn, err error) bool {
			if err != nil {
				return false
			}
			_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, err = c.Read(make([]byte, 1))
			return isTimeout(err)
		}},
		"dropping": {dropping, 500 * time.Millisecond, func(_ net.Conn, err error) bool { return isTimeout(err) }},
	} {
		etcd, err := test.open()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.DialTimeout("tcp", etcd.addr, test.patience)
		if !test.want(conn, err) {
			t.Errorf("%s: %v", name, err)
		}
		if conn != nil {
			_ = conn.Close()
		}
		if err := etcd.close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// The client of the REST load takes no answer for granted.
func TestRESTClientChecks(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":        "",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}": "404",
		"HTTP/1.1 200 OK\r\n\r\n{}":                             "length",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}":        "EOF",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() {
			conn, err := l.Accept()
			if err == nil {
				_, _ = conn.Read(make([]byte, 100))
				_, err = conn.Write([]byte(answer))
				_ = conn.Close()
			}
			served <- err
		}()
		c, err := dialREST(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		err = c.call([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v", answer, err)
		}
		if err := errors.Join(<-served, c.conn.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	}
}
