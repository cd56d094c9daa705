package daemon_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// caller speaks TLS with a server, trusting one authority and showing a certificate or
// none.
func caller(t *testing.T, authority pair, shows ...pair) (*http.Client, grpc.DialOption) {
	t.Helper()
	cfg := &tls.Config{RootCAs: x509.NewCertPool()}
	pem, err := os.ReadFile(authority.cert)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RootCAs.AppendCertsFromPEM(pem)
	for _, p := range shows {
		cfg.Certificates = append(cfg.Certificates, p.tls)
	}
	transport := &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}
	return &http.Client{Transport: transport, Timeout: patience}, grpc.WithTransportCredentials(credentials.NewTLS(cfg.Clone()))
}

// dial asks for a key over gRPC.
func dial(t *testing.T, addr string, how grpc.DialOption) (configv1.ConfigServiceClient, error) {
	t.Helper()
	conn, err := grpc.NewClient(addr, how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := configv1.NewConfigServiceClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = client.Get(ctx, &configv1.GetRequest{Key: "a"})
	return client, err
}

// A daemon that cannot listen leaves nothing behind: TestMain looks for goroutines.
func TestAnAddressIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = startWith(t, map[string]string{
		"SERVICE_NAME": "payment-service", "ENVIRONMENT": "production", "ETCD_ENDPOINTS": "http://127.0.0.1:1",
		"CONFIG_HTTP_ADDR": "127.0.0.1:0", "CONFIG_OPS_ADDR": "127.0.0.1:0", "CONFIG_GRPC_ADDR": taken.Addr().String(),
	})
	if err == nil || !strings.Contains(err.Error(), "--grpc-addr") {
		t.Errorf("it starts with %v", err)
	}
}

// TestListenersSpeakTLS: REST and gRPC, and nothing else on those ports; a renewed
// certificate is shown to who comes next, and disturbs nobody who is there.
func TestListenersSpeakTLS(t *testing.T) {
	t.Parallel()
	first, second := selfSigned(t, "first"), selfSigned(t, "second")
	server := servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_TLS_CERT_FILE": first.cert, "CONFIG_TLS_KEY_FILE": first.key,
	}})
	server.Set(t, configv1.Layer_SERVICE, "a", "1")
	rest, how := caller(t, first)
	url := strings.Replace(server.URL, "http://", "https://", 1) + "/v1/config/a"
	until(within(t), t, "the key is there", func() bool {
		resp, err := rest.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	client, err := dial(t, server.GRPC, how)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client.Watch(t.Context(), &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get(server.URL + "/v1/config/a"); err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Error("REST answers plaintext")
		}
	}

	for from, to := range map[string]string{second.cert: first.cert, second.key: first.key} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		swap(t, to, string(content))
	}
	renewed, renewedHow := caller(t, second)
	until(within(t), t, "the new certificate is shown", func() bool {
		resp, err := renewed.Get(url)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil
	})
	if _, err := dial(t, server.GRPC, renewedHow); err != nil {
		t.Errorf("gRPC after the renewal: %v", err)
	}
	server.Set(t, configv1.Layer_SERVICE, "a", "2")
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatalf("the stream from before the renewal: %v", err)
		}
		if len(m.GetDelta().GetEntries()) > 0 {
			return
		}
	}
}

// TestListenersAskForACertificate: who shows none, or a stranger's, is not let in.
func TestListenersAskForACertificate(t *testing.T) {
	t.Parallel()
	own, client, stranger := selfSigned(t, "own"), selfSigned(t, "client"), selfSigned(t, "stranger")
	server := servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_TLS_CERT_FILE": own.cert, "CONFIG_TLS_KEY_FILE": own.key, "CONFIG_TLS_CLIENT_CA_FILE": client.cert,
	}})
	server.Set(t, configv1.Layer_SERVICE, "a", "1")
	url := strings.Replace(server.URL, "http://", "https://", 1) + "/v1/config"
	for name, test := range map[string]struct {
		shows []pair
		let   bool
	}{"its certificate": {[]pair{client}, true}, "none": {nil, false}, "a stranger's": {[]pair{stranger}, false}} {
		t.Run(name, func(t *testing.T) {
			rest, how := caller(t, own, test.shows...)
			resp, err := rest.Get(url)
			if err == nil {
				_ = resp.Body.Close()
			}
			if (err == nil) != test.let {
				t.Errorf("REST: %v", err)
			}
			if test.let {
				return
			}
			if _, err := dial(t, server.GRPC, how); err == nil {
				t.Error("gRPC lets it in")
			}
		})
	}
}

// A client that says nothing after it is connected does not keep its place for long,
// TLS or not.
func TestAHandshakeThatNeverEnds(t *testing.T) {
	t.Parallel()
	own := selfSigned(t, "own")
	server := servertest.Start(t, servertest.Options{Hurry: 10, Settings: map[string]string{
		"CONFIG_TLS_CERT_FILE": own.cert, "CONFIG_TLS_KEY_FILE": own.key,
	}})
	for _, addr := range []string{server.GRPC, strings.TrimPrefix(server.URL, "http://")} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("%s: %v; want the connection closed", addr, err)
		}
		_ = conn.Close()
	}
}
