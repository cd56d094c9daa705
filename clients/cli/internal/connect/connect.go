// Package connect is the way to a server: the settings that name it, and the connection.
package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Settings say where the server is and who calls it. After Resolve they do not change.
type Settings struct {
	Addr      string
	TokenFile string
	CAFile    string
	CertFile  string
	KeyFile   string
	TLS       bool
	Timeout   time.Duration
}

// AddFlags adds the flags of the settings.
func (s *Settings) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&s.Addr, "addr", "localhost:9080", "Server: HOST:PORT of its gRPC, or unix:/PATH. [CONFIG_SERVICE_ADDR]")
	flags.StringVar(&s.TokenFile, "token-file", "", "File with your token, on one line. [CONFIG_SERVICE_TOKEN_FILE]")
	flags.StringVar(&s.CAFile, "ca-file", "", "Speak TLS, and check the server's certificate with these CA certificates (PEM). [CONFIG_SERVICE_CA_FILE]")
	flags.StringVar(&s.CertFile, "cert-file", "", "Client certificate (PEM) to show; speaks TLS. [CONFIG_SERVICE_CERT_FILE]")
	flags.StringVar(&s.KeyFile, "key-file", "", "Key (PEM) of the client certificate. [CONFIG_SERVICE_KEY_FILE]")
	flags.BoolVar(&s.TLS, "tls", false, "Speak TLS, and check the server's certificate with the CA certificates of the system.")
	flags.DurationVar(&s.Timeout, "timeout", 15*time.Second, "How long a call may take.")
}

// Resolve completes the settings from the environment, and says what is wrong with them:
// the setting, its value, what is accepted.
func (s *Settings) Resolve(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	for _, o := range []struct {
		value     *string
		flag, env string
	}{
		{&s.Addr, "addr", "CONFIG_SERVICE_ADDR"},
		{&s.TokenFile, "token-file", "CONFIG_SERVICE_TOKEN_FILE"},
		{&s.CAFile, "ca-file", "CONFIG_SERVICE_CA_FILE"},
		{&s.CertFile, "cert-file", "CONFIG_SERVICE_CERT_FILE"},
		{&s.KeyFile, "key-file", "CONFIG_SERVICE_KEY_FILE"},
	} {
		if value, ok := lookup(o.env); ok && value != "" && !flags.Changed(o.flag) {
			*o.value = value
		}
	}
	if err := CheckAddress(s.Addr); err != nil {
		return err
	}
	switch {
	case s.Timeout <= 0:
		return fmt.Errorf("--timeout is %s; accepted: a duration above 0, as in 15s", s.Timeout)
	case (s.CertFile == "") != (s.KeyFile == ""):
		return fmt.Errorf("--cert-file (CONFIG_SERVICE_CERT_FILE) is %q while --key-file (CONFIG_SERVICE_KEY_FILE) is %q; accepted: both or neither", s.CertFile, s.KeyFile)
	case s.isSocket() && s.SpeaksTLS():
		return fmt.Errorf("--addr (CONFIG_SERVICE_ADDR) is %q, a socket, which is always plaintext; accepted: without --tls, --ca-file and --cert-file", s.Addr)
	case s.TokenFile == "":
		return nil
	case !s.isLocal() && !s.SpeaksTLS():
		return fmt.Errorf("--addr (CONFIG_SERVICE_ADDR) is %q, where the token would go over plaintext; accepted: with a token, an address of loopback, a socket, or --ca-file or --tls", s.Addr)
	}
	if _, err := readToken(s.TokenFile); err != nil {
		return fmt.Errorf("--token-file (CONFIG_SERVICE_TOKEN_FILE) is %q, which %w; accepted: a regular file of one line, the token, of at most 16 KiB", s.TokenFile, err)
	}
	return nil
}

// CheckAddress says why an address cannot be that of a server, or nil.
func CheckAddress(addr string) error {
	if problem := addressProblem(addr); problem != "" {
		return fmt.Errorf("--addr (CONFIG_SERVICE_ADDR) is %q, which %s; accepted: HOST:PORT, or unix:/PATH", addr, problem)
	}
	return nil
}

func addressProblem(addr string) string {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		if !strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0) {
			return "is not an absolute path"
		}
		return ""
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || strings.ContainsAny(host, "/@ \t\r\n\x00") {
		return "is malformed"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "has no port"
	}
	return ""
}

// SpeaksTLS says whether the settings ask for TLS.
func (s *Settings) SpeaksTLS() bool { return s.TLS || s.CAFile != "" || s.CertFile != "" }

func (s *Settings) isSocket() bool { return strings.HasPrefix(s.Addr, "unix:") }

// isLocal says whether what is sent to the address stays on this machine.
func (s *Settings) isLocal() bool {
	host, _, _ := net.SplitHostPort(s.Addr) // it was checked
	if s.isSocket() || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Open returns a connection, which is made when it is first used, and an error when it
// never can be.
func (s *Settings) Open(agent string) (*grpc.ClientConn, error) {
	speak := insecure.NewCredentials()
	if s.SpeaksTLS() {
		cfg, err := s.tlsConfig()
		if err != nil {
			return nil, err
		}
		speak = credentials.NewTLS(cfg)
	}
	network, address, authority := "tcp", s.Addr, s.Addr
	if path, ok := strings.CutPrefix(s.Addr, "unix:"); ok {
		network, address, authority = "unix", path, "localhost"
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(speak),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}),
		grpc.WithNoProxy(),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithUserAgent(agent),
	}
	if s.TokenFile != "" {
		options = append(options, grpc.WithPerRPCCredentials(token{file: s.TokenFile, secure: !s.isLocal()}))
	}
	return grpc.NewClient("passthrough:///"+authority, options...)
}

func (s *Settings) tlsConfig() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file (CONFIG_SERVICE_CA_FILE) is %q, which cannot be read (%w); accepted: a PEM file", s.CAFile, reasonOf(err))
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file (CONFIG_SERVICE_CA_FILE) is %q, which holds no certificate; accepted: a PEM file", s.CAFile)
		}
	}
	if s.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("--cert-file (CONFIG_SERVICE_CERT_FILE) with --key-file (CONFIG_SERVICE_KEY_FILE) is not usable (%w); accepted: PEM of a certificate and of its key", reasonOf(err))
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// reasonOf is a failure of the system without the path, which stands beside it.
func reasonOf(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
