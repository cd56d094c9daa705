// Package settings is every setting of the service: one struct, from which flags,
// environment variables and the help text are made.
package settings

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/config-service/config-service/deploy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Settings are the settings of `config-service serve`. Each field is a flag and an
// environment variable; the tags are what the help shows.
type Settings struct {
	Role        string `flag:"role" env:"CONFIG_ROLE" default:"sidecar" help:"sidecar: serves one service, read only. shared: serves many services, each its own configuration. control: the same, and looks after services."`
	ServiceName string `flag:"service-name" env:"SERVICE_NAME" default:"default" help:"Namespace that a sidecar serves: the name of the service it stands beside."`
	Environment string `flag:"environment" env:"ENVIRONMENT" default:"development" help:"Environment that a sidecar serves. Must be set when there is an etcd credential or a listener beyond loopback."`

	EtcdEndpoints      []string `flag:"etcd-endpoints" env:"ETCD_ENDPOINTS" default:"http://127.0.0.1:2379" help:"etcd client URLs, separated by commas. Without a scheme: plaintext."`
	EtcdCAFile         string   `flag:"etcd-ca-file" env:"ETCD_CA_FILE" help:"CA certificates (PEM) that etcd's certificate is checked with. Default: those of the system."`
	EtcdCertFile       string   `flag:"etcd-cert-file" env:"ETCD_CERT_FILE" help:"Client certificate (PEM) for etcd."`
	EtcdKeyFile        string   `flag:"etcd-key-file" env:"ETCD_KEY_FILE" help:"Key (PEM) of the client certificate."`
	EtcdAllowPlaintext bool     `flag:"etcd-allow-plaintext" env:"ETCD_ALLOW_PLAINTEXT" help:"Allow plaintext to an etcd that is not on loopback."`
	AuthTokenFile      string   `flag:"auth-token-file" env:"AUTH_TOKEN_FILE" help:"File with the etcd credential of this process: a token of this service, or a password. A change is taken up within seconds; a file that went bad leaves the credential before it in use."`

	HTTPAddr             string   `flag:"http-addr" env:"CONFIG_HTTP_ADDR" default:"127.0.0.1:8080" help:"Address of REST: HOST:PORT or unix:/path."`
	GRPCAddr             string   `flag:"grpc-addr" env:"CONFIG_GRPC_ADDR" default:"127.0.0.1:9080" help:"Address of gRPC: HOST:PORT or unix:/path."`
	OpsAddr              string   `flag:"ops-addr" env:"CONFIG_OPS_ADDR" default:"127.0.0.1:9081" help:"Address of /metrics, /healthz and /readyz: HOST:PORT or unix:/path."`
	TLSCertFile          string   `flag:"tls-cert-file" env:"CONFIG_TLS_CERT_FILE" help:"Certificate (PEM) that REST and gRPC show; a change is taken up within seconds. Default: plaintext. A Unix socket is always plaintext."`
	TLSKeyFile           string   `flag:"tls-key-file" env:"CONFIG_TLS_KEY_FILE" help:"Key (PEM) of that certificate."`
	TLSClientCAFile      string   `flag:"tls-client-ca-file" env:"CONFIG_TLS_CLIENT_CA_FILE" help:"CA certificates (PEM): clients of REST and gRPC show a certificate of one of them, or a token where tokens are taken. Default: none is asked for."`
	TokensFile           string   `flag:"tokens-file" env:"CONFIG_TOKENS_FILE" help:"Tokens that callers may bring, as digests; see 'configctl token new'. A change is taken up within seconds."`
	JWTIssuer            string   `flag:"jwt-issuer" env:"CONFIG_JWT_ISSUER" help:"Issuer of the JSON Web Tokens that callers may bring, as in their claim iss. Needs --jwks."`
	JWTAudience          string   `flag:"jwt-audience" env:"CONFIG_JWT_AUDIENCE" default:"config-service" help:"Audience that such a token has to be for."`
	JWKS                 string   `flag:"jwks" env:"CONFIG_JWKS" help:"Keys that such tokens are signed with: the path of a JWKS file, or an https:// URL, which is asked every 5 minutes: a key that its issuer took back is good until then, and while the URL does not answer."`
	JWKSCAFile           string   `flag:"jwks-ca-file" env:"CONFIG_JWKS_CA_FILE" help:"CA certificates (PEM) that the URL of --jwks is checked with. Default: those of the system."`
	JWKSTokenFile        string   `flag:"jwks-token-file" env:"CONFIG_JWKS_TOKEN_FILE" help:"File with a bearer token for the URL of --jwks: Kubernetes asks for one. Default: none."`
	PolicyFile           string   `flag:"policy-file" env:"CONFIG_POLICY_FILE" help:"Who may do what, as YAML. A change is taken up within seconds. Default: every service reads its own configuration, and nobody does more."`
	AuditFile            string   `flag:"audit-file" env:"CONFIG_AUDIT_FILE" help:"File that audit records are appended to, as JSON lines; one that was renamed is begun anew within seconds. Default: they are in the log."`
	AllowedHosts         []string `flag:"allowed-hosts" env:"CONFIG_ALLOWED_HOSTS" help:"Host names REST is served under, beside localhost, separated by commas."`
	AllowUnauthenticated bool     `flag:"allow-unauthenticated" env:"CONFIG_ALLOW_UNAUTHENTICATED" help:"Allow a sidecar's REST or gRPC beyond loopback though every caller can read the configuration."`
	AllowPlaintext       bool     `flag:"allow-plaintext" env:"CONFIG_ALLOW_PLAINTEXT" help:"Allow tokens over plaintext beyond loopback: behind a proxy that speaks TLS."`
	GRPCReflection       bool     `flag:"grpc-reflection" env:"CONFIG_GRPC_REFLECTION" help:"Serve gRPC reflection beyond loopback. On loopback it is always on."`
	Pprof                bool     `flag:"pprof" env:"CONFIG_PPROF" help:"Serve /debug/pprof on the ops address, which has to be on loopback."`

	MaxConnections          int `flag:"max-connections" env:"CONFIG_MAX_CONNECTIONS" default:"1000" help:"Open connections that each listener takes, 1 to 1000000. Further ones are refused."`
	MaxStreams              int `flag:"max-streams" env:"CONFIG_MAX_STREAMS" default:"1000" help:"Open Watch streams, over gRPC and REST together, 1 to 1000000. Further ones are answered with TOO_MANY_STREAMS."`
	MaxStreamsPerConnection int `flag:"max-streams-per-connection" env:"CONFIG_MAX_STREAMS_PER_CONNECTION" default:"250" help:"Open Watch streams on one gRPC connection, 1 to 1000000. Further ones are answered with TOO_MANY_STREAMS."`

	CacheDir              string        `flag:"cache-dir" env:"CONFIG_CACHE_DIR" help:"Directory for the last known good configuration: what is served when the store is away at the start. It gets a directory per service in it. Default: none is kept."`
	StartWait             time.Duration `flag:"start-wait" env:"CONFIG_START_WAIT" default:"30s" help:"After this long readiness passes without a configuration, so that an outage of etcd stops no rollout; calls answer NOT_READY. 0: never."`
	HistoryKeep           int           `flag:"history-keep" env:"CONFIG_HISTORY_KEEP" default:"200" help:"Role control: versions of a scope that are kept however old they are, 1 to 1000000. A version goes when it is beyond this and older than --history-keep-for."`
	HistoryKeepFor        time.Duration `flag:"history-keep-for" env:"CONFIG_HISTORY_KEEP_FOR" default:"2160h" help:"Role control: how long every version is kept, however many there are."`
	TemplateEtcdEndpoints string        `flag:"template-etcd-endpoints" env:"CONFIG_TEMPLATE_ETCD_ENDPOINTS" help:"Role control: the etcd client URLs in /sidecar-template.yml, for everybody to see, as sidecars reach them: https, separated by commas. Default: teams fill them in."`
	TemplateImage         string        `flag:"template-image" env:"CONFIG_TEMPLATE_IMAGE" help:"Role control: the image in /sidecar-template.yml. Default: the one that this release came with."`
	LogLevel              string        `flag:"log-level" env:"LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat             string        `flag:"log-format" env:"LOG_FORMAT" default:"json" help:"json or text."`

	explicit map[string]bool // flags that were given, on the command line or in the environment
}

// Explicit says whether a setting was given, by its flag.
func (s *Settings) Explicit(flag string) bool { return s.explicit[flag] }

// Scope is what the sidecar serves.
func (s *Settings) Scope() snapshot.ScopeID {
	return snapshot.ScopeID{Namespace: s.ServiceName, Environment: s.Environment}
}

// Check says what is wrong with the settings, or nil: the setting, its value, what is
// accepted.
func (s *Settings) Check() error {
	checks := []func() error{
		s.checkRole, s.checkNames, s.checkEndpoints, s.checkTLS, s.checkJWT, s.checkAddresses, s.checkHosts, s.checkLimits, s.checkRest, s.checkEnvironmentIsMeant,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// wrong names a setting by both its names.
func wrong(flag, env, problem string, args ...any) error {
	return fmt.Errorf("--%s (%s) %s", flag, env, fmt.Sprintf(problem, args...))
}

func (s *Settings) checkNames() error {
	if err := snapshot.CheckNamespace(s.ServiceName); err != nil {
		return wrong("service-name", "SERVICE_NAME", "%v", err)
	}
	if err := snapshot.CheckEnvironment(s.Environment); err != nil {
		return wrong("environment", "ENVIRONMENT", "%v", err)
	}
	return nil
}

func (s *Settings) checkEndpoints() error {
	const accepted = "accepted: HOST:PORT, http://HOST:PORT or https://HOST:PORT, separated by commas"
	if len(s.EtcdEndpoints) == 0 {
		return wrong("etcd-endpoints", "ETCD_ENDPOINTS", "is empty; %s", accepted)
	}
	secure := 0
	for i, e := range s.EtcdEndpoints {
		if strings.Contains(e, "@") { // it can hold a password and is not repeated
			return wrong("etcd-endpoints", "ETCD_ENDPOINTS", "has a URL with a user name; %s; the credential goes into --auth-token-file (AUTH_TOKEN_FILE)", accepted)
		}
		if !strings.Contains(e, "://") {
			e = "http://" + e
		}
		u, err := url.Parse(e)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !isPort(u.Port()) || u.Hostname() == "" ||
			(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
			return wrong("etcd-endpoints", "ETCD_ENDPOINTS", "has %s; %s", snapshot.Quote(s.EtcdEndpoints[i]), accepted)
		}
		s.EtcdEndpoints[i] = u.Scheme + "://" + u.Host
		if u.Scheme == "https" {
			secure++
		} else if !s.EtcdAllowPlaintext && !IsLocal(u.Host) {
			return wrong("etcd-endpoints", "ETCD_ENDPOINTS",
				"has %s, plaintext to another machine; accepted: https://, or --etcd-allow-plaintext (ETCD_ALLOW_PLAINTEXT=true)", snapshot.Quote(e))
		}
	}
	if secure != 0 && secure != len(s.EtcdEndpoints) {
		return wrong("etcd-endpoints", "ETCD_ENDPOINTS", "mixes http:// and https://; accepted: one of them")
	}
	return nil
}

// EtcdTLS says whether etcd is reached by TLS.
func (s *Settings) EtcdTLS() bool { return strings.HasPrefix(s.EtcdEndpoints[0], "https://") }

func (s *Settings) checkTLS() error {
	if (s.EtcdCertFile == "") != (s.EtcdKeyFile == "") {
		return wrong("etcd-cert-file", "ETCD_CERT_FILE", "is %s while --etcd-key-file (ETCD_KEY_FILE) is %s; accepted: both or neither",
			snapshot.Quote(s.EtcdCertFile), snapshot.Quote(s.EtcdKeyFile))
	}
	if (s.TLSCertFile == "") != (s.TLSKeyFile == "") {
		return wrong("tls-cert-file", "CONFIG_TLS_CERT_FILE", "is %s while --tls-key-file (CONFIG_TLS_KEY_FILE) is %s; accepted: both or neither",
			snapshot.Quote(s.TLSCertFile), snapshot.Quote(s.TLSKeyFile))
	}
	if s.TLSClientCAFile != "" && s.TLSCertFile == "" {
		return wrong("tls-client-ca-file", "CONFIG_TLS_CLIENT_CA_FILE", "is %s, but REST and gRPC are plaintext; accepted: with --tls-cert-file (CONFIG_TLS_CERT_FILE) and its key",
			snapshot.Quote(s.TLSClientCAFile))
	}
	if !s.EtcdTLS() && (s.EtcdCAFile != "" || s.EtcdCertFile != "") {
		return wrong("etcd-endpoints", "ETCD_ENDPOINTS", "has %s, plaintext, although certificates are set; accepted: https://HOST:PORT", snapshot.Quote(s.EtcdEndpoints[0]))
	}
	return nil
}

func (s *Settings) checkAddresses() error {
	for _, a := range []struct {
		flag, env, addr string
		carriesData     bool
	}{
		{"http-addr", "CONFIG_HTTP_ADDR", s.HTTPAddr, true},
		{"grpc-addr", "CONFIG_GRPC_ADDR", s.GRPCAddr, true},
		{"ops-addr", "CONFIG_OPS_ADDR", s.OpsAddr, false},
	} {
		if err := checkAddress(a.addr); err != nil {
			return wrong(a.flag, a.env, "is %s; %v", snapshot.Quote(a.addr), err)
		}
		if a.carriesData {
			if err := s.checkDoor(a.flag, a.env, a.addr); err != nil {
				return err
			}
		}
	}
	if s.Pprof && !IsLocal(s.OpsAddr) {
		return wrong("pprof", "CONFIG_PPROF", "is true while --ops-addr (CONFIG_OPS_ADDR) is %s, where other machines could profile this process; accepted: true with an ops address on loopback or unix:/path",
			snapshot.Quote(s.OpsAddr))
	}
	return nil
}

func (s *Settings) checkHosts() error {
	for _, h := range s.AllowedHosts {
		if net.ParseIP(h) == nil && (h == "" || strings.ContainsAny(h, "/:@ *")) {
			return wrong("allowed-hosts", "CONFIG_ALLOWED_HOSTS", "has %s; accepted: host names and addresses without port, separated by commas", snapshot.Quote(h))
		}
	}
	return nil
}

// maxLimit is the highest limit that a setting can ask for: above what one process
// can hold.
const maxLimit = 1_000_000

func (s *Settings) checkLimits() error {
	for _, l := range []struct {
		flag, env string
		value     int
	}{
		{"max-connections", "CONFIG_MAX_CONNECTIONS", s.MaxConnections},
		{"max-streams", "CONFIG_MAX_STREAMS", s.MaxStreams},
		{"max-streams-per-connection", "CONFIG_MAX_STREAMS_PER_CONNECTION", s.MaxStreamsPerConnection},
	} {
		if l.value < 1 || l.value > maxLimit {
			return wrong(l.flag, l.env, "is %d; accepted: 1 to %d", l.value, maxLimit)
		}
	}
	return nil
}

func (s *Settings) checkRest() error {
	switch {
	case s.StartWait < 0:
		return wrong("start-wait", "CONFIG_START_WAIT", "is %s; accepted: a duration, as in 30s, or 0", s.StartWait)
	case s.HistoryKeep < 1 || s.HistoryKeep > maxLimit:
		return wrong("history-keep", "CONFIG_HISTORY_KEEP", "is %d; accepted: 1 to %d", s.HistoryKeep, maxLimit)
	case s.HistoryKeepFor < 0:
		return wrong("history-keep-for", "CONFIG_HISTORY_KEEP_FOR", "is %s; accepted: a duration, as in 2160h", s.HistoryKeepFor)
	case s.TemplateEtcdEndpoints != "" && deploy.CheckEndpoints(s.TemplateEtcdEndpoints) != nil:
		return wrong("template-etcd-endpoints", "CONFIG_TEMPLATE_ETCD_ENDPOINTS", "%v", deploy.CheckEndpoints(s.TemplateEtcdEndpoints))
	case s.TemplateImage != "" && deploy.CheckImage(s.TemplateImage) != nil:
		return wrong("template-image", "CONFIG_TEMPLATE_IMAGE", "%v", deploy.CheckImage(s.TemplateImage))
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, s.LogLevel):
		return wrong("log-level", "LOG_LEVEL", "is %s; accepted: debug, info, warn, error", snapshot.Quote(s.LogLevel))
	case !slices.Contains([]string{"json", "text"}, s.LogFormat):
		return wrong("log-format", "LOG_FORMAT", "is %s; accepted: json, text", snapshot.Quote(s.LogFormat))
	}
	return nil
}

// checkEnvironmentIsMeant keeps a production service from running on development
// values by accident.
func (s *Settings) checkEnvironmentIsMeant() error {
	reason := ""
	switch {
	case s.Explicit("environment") || s.Role != RoleSidecar:
		return nil
	case s.AuthTokenFile != "" || s.EtcdCertFile != "":
		reason = "there is an etcd credential"
	case !IsLocal(s.HTTPAddr) || !IsLocal(s.GRPCAddr) || !IsLocal(s.OpsAddr):
		reason = "a listener is beyond loopback"
	default:
		return nil
	}
	return wrong("environment", "ENVIRONMENT", "is not set, and %s; accepted: the environment this process is meant for", reason)
}
