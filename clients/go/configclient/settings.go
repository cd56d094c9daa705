package configclient

import (
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
)

const (
	defaultAddress     = "localhost:9080"
	defaultTimeout     = 2 * time.Second
	defaultNamespace   = "default"
	defaultEnvironment = "development"
)

// Option is a setting of Open. One that says nothing, as WithNamespace(""), counts as not
// given.
type Option func(*settings)

// WithAddress says where the sidecar's gRPC is: HOST:PORT, or unix:/PATH for a socket.
// Else CONFIG_SERVICE_ADDR says it; default localhost:9080.
func WithAddress(address string) Option { return func(s *settings) { s.address = address } }

// WithNamespace names the service to read. Else SERVICE_NAME says it; default: the one
// that the sidecar was started for.
func WithNamespace(name string) Option { return func(s *settings) { s.namespace = name } }

// WithEnvironment names the environment to read. Else ENVIRONMENT says it; default: the
// one that the sidecar was started for.
func WithEnvironment(name string) Option { return func(s *settings) { s.environment = name } }

// WithTimeout says how long Open may wait for the first values; default 2 s.
func WithTimeout(d time.Duration) Option { return func(s *settings) { s.timeout = d } }

// WithTokenFile names a file with the token that the sidecar asks for, on one line. It is
// read again at every connection. Else CONFIG_SERVICE_TOKEN_FILE names it; default: none.
func WithTokenFile(path string) Option { return func(s *settings) { s.tokenFile = path } }

// WithCacheFile names a file, in a directory that exists, in which the values are kept for
// a start without a sidecar. Else CONFIG_SERVICE_CACHE_FILE names it; default: none.
func WithCacheFile(path string) Option { return func(s *settings) { s.cacheFile = path } }

// WithLogger says where the few log lines go; default slog.Default().
func WithLogger(log *slog.Logger) Option { return func(s *settings) { s.log = log } }

// WithDialOptions adds to how the connection is made, as for TLS:
// grpc.WithTransportCredentials(credentials.NewTLS(config)). Default: plain text.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}

// settings are what Open was told. After resolve they do not change.
type settings struct {
	address     string
	namespace   string // "": none is sent
	environment string
	timeout     time.Duration
	tokenFile   string
	cacheFile   string
	log         *slog.Logger
	dial        []grpc.DialOption
	limits      limits
}

// resolve completes the options from the environment and the defaults.
func resolve(options []Option) (settings, error) {
	s := settings{timeout: defaultTimeout, limits: usualLimits()}
	for _, option := range options {
		option(&s)
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	for _, one := range []struct {
		value            *string
		option, variable string
		fallback         string
		check            func(string) (problem, accepted string)
	}{
		{&s.address, "WithAddress", "CONFIG_SERVICE_ADDR", defaultAddress, checkAddress},
		{&s.namespace, "WithNamespace", "SERVICE_NAME", "", checkLabel},
		{&s.environment, "WithEnvironment", "ENVIRONMENT", "", checkLabel},
		{&s.tokenFile, "WithTokenFile", "CONFIG_SERVICE_TOKEN_FILE", "", checkTokenFile},
		{&s.cacheFile, "WithCacheFile", "CONFIG_SERVICE_CACHE_FILE", "", nil},
	} {
		name := one.option
		if *one.value == "" {
			*one.value, name = os.Getenv(one.variable), one.variable
		}
		if *one.value == "" {
			*one.value = one.fallback
		}
		if one.check == nil || *one.value == "" {
			continue
		}
		if problem, accepted := one.check(*one.value); problem != "" {
			return s, &SettingError{name, quote(*one.value), problem, accepted}
		}
	}
	if s.timeout < 0 {
		return s, &SettingError{"WithTimeout", s.timeout.String(), "is negative", "0 or more"}
	}
	return s, nil
}

func checkLabel(s string) (problem, accepted string) {
	if isLabel(s) {
		return "", ""
	}
	return "is malformed", labelGrammar
}

func checkAddress(s string) (problem, accepted string) {
	accepted = "HOST:PORT, or unix:/PATH"
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if !strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0) {
			return "is not an absolute path", accepted
		}
		return "", ""
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || !isHost(host) {
		return "is malformed", accepted
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "has no port", accepted + " with a port from 1 to 65535"
	}
	return "", ""
}

func isHost(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isLetter(r) && r != '.' })
}

func checkTokenFile(path string) (problem, accepted string) {
	if _, err := readToken(path); err != nil {
		return err.Error(), "a regular file of one line, the token, of at most 16 KiB"
	}
	return "", ""
}
