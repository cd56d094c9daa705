package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// stopWithManyStreams stops a sidecar with 500 open streams, half of them over REST,
// calls under way, and connections on which nothing was ever sent. The calls get their
// answers, and every stream is told why it ends.
func stopWithManyStreams(t *testing.T, p *product) {
	env := p.large(t, "many")
	for range 3 {
		s := p.serve(t, env, freeAddresses...)
		p.ready(t, s.grpc)
		var streams, calls sync.WaitGroup
		for range 250 {
			streams.Go(rpcStream(t, dial(t, s.grpc)))
		}
		for range 250 {
			streams.Go(webStream(t, s.http))
		}
		for _, addr := range []string{s.http, s.grpc, s.ops} {
			rawDial(t, addr) // and nothing more
		}
		used := rawDial(t, s.http)
		if _, err := io.WriteString(used, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := http.ReadResponse(bufio.NewReader(used), nil); err != nil {
			t.Fatal(err)
		}
		p.until(t, s, "configservice_open_watches 500")

		// An answer that is on its way, and a call that waits.
		slow := rawDial(t, s.http)
		if _, err := io.WriteString(slow, "GET /v1/config HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := bufio.NewReaderSize(slow, 16)
		if _, err := answer.Peek(1); err != nil {
			t.Fatal(err)
		}
		calls.Go(func() {
			_, err := dial(t, s.grpc).Get(t.Context(), &configv1.GetRequest{Key: "k0", MinRevision: 1 << 60})
			if status.Code(err) != codes.Unavailable {
				t.Errorf("a call that waited ends with %v", err)
			}
		})
		p.until(t, s, `grpc_server_started_total{grpc_method="Get",grpc_service="configservice.v1.ConfigService",grpc_type="unary"} 1`)
		calls.Go(func() {
			s.logged("stopping")
			resp, err := http.ReadResponse(answer, nil)
			if err != nil {
				t.Errorf("a call under way: %v", err)
				return
			}
			if n, err := io.Copy(io.Discard, resp.Body); err != nil || n < 3_000_000 {
				t.Errorf("a call under way is answered with %d bytes, %v", n, err)
			}
		})
		began := time.Now()
		s.stops(syscall.SIGTERM)
		t.Logf("it took %s to end; the goal is 5 s", time.Since(began))
		calls.Wait()
		streams.Wait()
	}
}

// large gives a service 3 MiB of configuration, and returns the environment of its
// sidecar.
func (p *product) large(t *testing.T, service string) (env []string) {
	t.Helper()
	for i := range 12 {
		p.etcd.Commit(t, servertest.Write{
			Namespace: service, Environment: "test", Layer: configv1.Layer_SERVICE,
			Key: fmt.Sprintf("k%d", i), JSON: `"` + strings.Repeat("x", 250<<10) + `"`,
		})
	}
	return []string{"SERVICE_NAME=" + service, "ENVIRONMENT=test", "ETCD_ENDPOINTS=" + p.etcd.Endpoint}
}

// until waits for a line of the metrics.
func (p *product) until(t *testing.T, s *process, line string) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-again.C {
		if _, body, _ := get(t, s.ops, "/metrics"); strings.Contains(body, "\n"+line+"\n") {
			return
		}
	}
	t.Fatalf("the metrics never say %s", line)
}

func rawDial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// rpcStream watches to the end, which has to be the stop.
func rpcStream(t *testing.T, client configv1.ConfigServiceClient) func() {
	return func() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		w, err := client.Watch(ctx, &configv1.WatchRequest{Prefix: "none"})
		for err == nil {
			_, err = w.Recv()
		}
		if st := status.Convert(err); st.Code() != codes.Unavailable || len(st.Details()) != 2 || !strings.Contains(st.Message(), "stopping") {
			t.Errorf("a stream over gRPC ends with %v", err)
		}
	}
}

func webStream(t *testing.T, addr string) func() {
	conn := rawDial(t, addr)
	return func() {
		_, err := io.WriteString(conn, "GET /v1/watch?prefix=none HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		lines := strings.Split(strings.TrimSpace(string(body)), "\n")
		if last := lines[len(lines)-1]; err != nil || !strings.HasPrefix(last, `{"error":`) || !strings.Contains(last, "NOT_READY") || !strings.Contains(last, "RetryInfo") {
			t.Errorf("a stream over REST ends with %v, %.300s", err, last)
		}
	}
}

// stopWithDeafClients stops a sidecar whose clients do not react: what is left after
// 4 s is cut.
func stopWithDeafClients(t *testing.T, p *product) {
	env := p.large(t, "deaf")
	s := p.serve(t, env, freeAddresses...)
	p.ready(t, s.grpc)
	for range 3 {
		part := rawDial(t, s.grpc)
		_, _ = io.WriteString(part, "PRI * HT") // and no more
		half := rawDial(t, s.http)
		_, _ = io.WriteString(half, "GET /v1/config HTTP/1.1\r\nHost: local") // and no more
		deaf := rawDial(t, s.grpc)
		_, _ = io.WriteString(deaf, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00") // and answers nothing
		stuck := rawDial(t, s.http)
		_, _ = io.WriteString(stuck, strings.Repeat("GET /v1/config HTTP/1.1\r\nHost: localhost\r\n\r\n", 20)) // and never reads
		for _, conn := range []net.Conn{deaf, stuck} {
			if _, err := conn.Read(make([]byte, 1)); err != nil { // but this
				t.Fatal(err)
			}
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	kill := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	err := s.ended()
	d := time.Since(began)
	t.Logf("it took %s to end; the goal is 5 s", d)
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	if d < 3*time.Second {
		t.Error("the clients reacted: this shows nothing")
	}
}
