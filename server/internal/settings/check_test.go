package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/settings"
)

// someFile is a file that a setting can name.
func someFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestBadSettings: each stops the start with one line that names the setting by its
// flag and its variable, the value, and what is accepted; the same line wherever the
// setting was given.
func TestBadSettings(t *testing.T) {
	file := someFile(t)
	for _, test := range []struct {
		name  string
		in    given
		flag  string // the setting at fault
		value string // what must be in the line of the value
		also  string // and what else
	}{
		{"service name", given{"service-name": "Payment"}, "service-name", `"Payment"`, "a-z"},
		{"reserved service name", given{"service-name": "_shared"}, "service-name", `"_shared"`, "a-z"},
		{"service name too long", given{"service-name": strings.Repeat("a", 64)}, "service-name", "64 bytes", "63"},
		{"control bytes are escaped", given{"service-name": "a\x1b[31m\nb"}, "service-name", `"a\x1b[31m\nb"`, ""},
		{"environment", given{"environment": "prod/eu"}, "environment", `"prod/eu"`, "a-z"},
		{"reserved environment", given{"environment": "_all"}, "environment", `"_all"`, "a-z"},

		{"role", given{"role": "leader"}, "role", `"leader"`, "sidecar, shared, control"},
		{"a shared server without authentication", given{"role": "shared"}, "http-addr", `"127.0.0.1:8080"`, "--tokens-file (CONFIG_TOKENS_FILE)"},
		{"a control server without authentication", given{"role": "control", "allow-unauthenticated": "true"}, "allow-unauthenticated", "true", "sidecar"},
		{"a socket of a shared server, and nobody named", given{"role": "shared", "http-addr": "unix:/a", "grpc-addr": "unix:/b"}, "http-addr", `"unix:/a"`, "--policy-file (CONFIG_POLICY_FILE)"},
		{"a policy of a sidecar whose callers show nothing", given{"policy-file": file}, "http-addr", `"127.0.0.1:8080"`, "--policy-file (CONFIG_POLICY_FILE)"},
		{"the same of one of its addresses", given{"policy-file": file, "http-addr": "unix:/a"}, "grpc-addr", `"127.0.0.1:9080"`, "unix:/path"},
		{"the same beyond loopback", given{"policy-file": file, "http-addr": ":8080", "allow-unauthenticated": "true", "environment": "e"}, "http-addr", `":8080"`, "--policy-file (CONFIG_POLICY_FILE)"},
		{"certificates alone on a socket", given{"role": "shared", "http-addr": "unix:/a", "tls-cert-file": file, "tls-key-file": file, "tls-client-ca-file": file}, "http-addr", `"unix:/a"`, "--policy-file"},
		{"a cache of a shared server", given{"role": "shared", "tokens-file": file, "cache-dir": "/c"}, "cache-dir", `"/c"`, "sidecar"},
		{"tokens over plaintext", given{"role": "shared", "tokens-file": file, "http-addr": ":8080"}, "http-addr", `":8080"`, "--allow-plaintext (CONFIG_ALLOW_PLAINTEXT=true)"},
		{"tokens of a sidecar over plaintext", given{"tokens-file": file, "grpc-addr": ":9080", "environment": "e"}, "grpc-addr", `":9080"`, "--tls-cert-file (CONFIG_TLS_CERT_FILE)"},
		{"an issuer without keys", given{"jwt-issuer": "https://i"}, "jwt-issuer", `"https://i"`, "--jwks (CONFIG_JWKS)"},
		{"keys without issuer", given{"jwks": file}, "jwt-issuer", "empty", "iss"},
		{"keys over plaintext", given{"jwks": "http://keys.example.org/jwks", "jwt-issuer": "i"}, "jwks", `"http://keys.example.org/jwks"`, "https://"},
		{"keys of nowhere", given{"jwks": "https:///jwks", "jwt-issuer": "i"}, "jwks", "URL", "https://"},
		{"a password in the URL of the keys", given{"jwks": "https://a:secret@keys/jwks", "jwt-issuer": "i"}, "jwks", "URL", "https://"},
		{"authorities for a file of keys", given{"jwks": file, "jwt-issuer": "i", "jwks-ca-file": file}, "jwks", file, "https://"},

		{"profiles for other machines", given{"pprof": "true", "ops-addr": ":9081", "environment": "e"}, "pprof", `":9081"`, "loopback"},

		{"endpoint without port", given{"etcd-endpoints": "http://127.0.0.1"}, "etcd-endpoints", `"http://127.0.0.1"`, "HOST:PORT"},
		{"endpoint without host", given{"etcd-endpoints": ":2379"}, "etcd-endpoints", `":2379"`, "HOST:PORT"},
		{"endpoint with another scheme", given{"etcd-endpoints": "etcd://127.0.0.1:2379"}, "etcd-endpoints", `"etcd://127.0.0.1:2379"`, "https://"},
		{"endpoint with a path", given{"etcd-endpoints": "http://127.0.0.1:2379/v3"}, "etcd-endpoints", `"http://127.0.0.1:2379/v3"`, "HOST:PORT"},
		{"endpoint with a query", given{"etcd-endpoints": "http://127.0.0.1:2379?a=b"}, "etcd-endpoints", `?a=b"`, "HOST:PORT"},
		{"endpoint with a port beyond", given{"etcd-endpoints": "127.0.0.1:65536"}, "etcd-endpoints", `"127.0.0.1:65536"`, "HOST:PORT"},
		{"endpoint with port zero", given{"etcd-endpoints": "127.0.0.1:0"}, "etcd-endpoints", `"127.0.0.1:0"`, "HOST:PORT"},
		{"the second endpoint", given{"etcd-endpoints": "127.0.0.1:2379,nowhere"}, "etcd-endpoints", `"nowhere"`, "HOST:PORT"},
		{"an empty endpoint", given{"etcd-endpoints": "127.0.0.1:2379,"}, "etcd-endpoints", `""`, "HOST:PORT"},
		{"a list that cannot be read", given{"etcd-endpoints": `a"b`}, "etcd-endpoints", `"a\"b"`, "commas"},
		{"plaintext to another machine", given{"etcd-endpoints": "http://etcd:2379"}, "etcd-endpoints", `"http://etcd:2379"`, "--etcd-allow-plaintext (ETCD_ALLOW_PLAINTEXT=true)"},
		{"plaintext to another machine, without scheme", given{"etcd-endpoints": "10.0.0.5:2379"}, "etcd-endpoints", "10.0.0.5:2379", "--etcd-allow-plaintext"},
		{"plaintext to a name like loopback", given{"etcd-endpoints": "localhost.example.com:2379"}, "etcd-endpoints", "localhost.example.com", "--etcd-allow-plaintext"},
		{"one of several to another machine", given{"etcd-endpoints": "127.0.0.1:1,etcd:2379"}, "etcd-endpoints", "etcd:2379", "--etcd-allow-plaintext"},
		{"mixed schemes", given{"etcd-endpoints": "https://etcd:2379,http://127.0.0.1:2379"}, "etcd-endpoints", "http:// and https://", ""},
		{"mixed schemes, one left out", given{"etcd-endpoints": "127.0.0.1:2379,https://etcd:2379"}, "etcd-endpoints", "http:// and https://", ""},

		{"certificate without key", given{"etcd-endpoints": "https://etcd:2379", "environment": "e", "etcd-cert-file": file}, "etcd-cert-file", file, "--etcd-key-file (ETCD_KEY_FILE)"},
		{"key without certificate", given{"etcd-endpoints": "https://etcd:2379", "environment": "e", "etcd-key-file": file}, "etcd-cert-file", file, "--etcd-key-file (ETCD_KEY_FILE)"},
		{"CA with plaintext", given{"etcd-ca-file": file}, "etcd-endpoints", `"http://127.0.0.1:2379"`, "https://"},
		{"certificate with plaintext", given{"etcd-cert-file": file, "etcd-key-file": file, "environment": "e"}, "etcd-endpoints", `"http://127.0.0.1:2379"`, "https://"},

		{"TLS certificate without key", given{"tls-cert-file": file}, "tls-cert-file", file, "--tls-key-file (CONFIG_TLS_KEY_FILE)"},
		{"TLS key without certificate", given{"tls-key-file": file}, "tls-cert-file", file, "--tls-key-file (CONFIG_TLS_KEY_FILE)"},
		{"client authorities without TLS", given{"tls-client-ca-file": file}, "tls-client-ca-file", file, "--tls-cert-file (CONFIG_TLS_CERT_FILE)"},

		{"address without port", given{"http-addr": "127.0.0.1"}, "http-addr", `"127.0.0.1"`, "unix:/path"},
		{"address that is a URL", given{"grpc-addr": "http://127.0.0.1:9080"}, "grpc-addr", `"http://127.0.0.1:9080"`, "HOST:PORT"},
		{"socket with a relative path", given{"ops-addr": "unix:ops.sock"}, "ops-addr", `"unix:ops.sock"`, "unix:/path"},
		{"socket without a path", given{"http-addr": "unix:"}, "http-addr", `"unix:"`, "unix:/path"},
		{"REST beyond loopback", given{"environment": "e", "http-addr": "0.0.0.0:8080"}, "http-addr", `"0.0.0.0:8080"`, "--allow-unauthenticated (CONFIG_ALLOW_UNAUTHENTICATED=true)"},
		{"REST on all addresses", given{"environment": "e", "http-addr": ":8080"}, "http-addr", `":8080"`, "--allow-unauthenticated"},
		{"gRPC beyond loopback", given{"environment": "e", "grpc-addr": "[::]:9080"}, "grpc-addr", `"[::]:9080"`, "--allow-unauthenticated"},
		{"gRPC on a name", given{"environment": "e", "grpc-addr": "myhost:9080"}, "grpc-addr", `"myhost:9080"`, "--allow-unauthenticated"},

		{"allowed host with a port", given{"allowed-hosts": "config:8080"}, "allowed-hosts", `"config:8080"`, "without port"},
		{"allowed host that is a URL", given{"allowed-hosts": "ok,http://config"}, "allowed-hosts", `"http://config"`, "host names"},
		{"allowed host with a wildcard", given{"allowed-hosts": "*.example.com"}, "allowed-hosts", `"*.example.com"`, "host names"},
		{"an empty allowed host", given{"allowed-hosts": "ok,"}, "allowed-hosts", `""`, "host names"},

		{"no connections", given{"max-connections": "0"}, "max-connections", "is 0", "1 to 1000000"},
		{"connections below zero", given{"max-connections": "-1"}, "max-connections", "is -1", "1 to 1000000"},
		{"connections beyond", given{"max-connections": "1000001"}, "max-connections", "is 1000001", "1 to 1000000"},
		{"connections that are no number", given{"max-connections": "many"}, "max-connections", `"many"`, "a whole number"},
		{"no streams", given{"max-streams": "0"}, "max-streams", "is 0", "1 to 1000000"},
		{"streams beyond", given{"max-streams": "1000001"}, "max-streams", "is 1000001", "1 to 1000000"},
		{"half a stream", given{"max-streams": "0.5"}, "max-streams", `"0.5"`, "a whole number"},
		{"no streams on a connection", given{"max-streams-per-connection": "0"}, "max-streams-per-connection", "is 0", "1 to 1000000"},
		{"streams on a connection beyond", given{"max-streams-per-connection": "1000001"}, "max-streams-per-connection", "is 1000001", "1 to 1000000"},

		{"wait without unit", given{"start-wait": "30"}, "start-wait", `"30"`, "30s"},
		{"no version kept", given{"history-keep": "0"}, "history-keep", "0", "1 to 1000000"},
		{"plaintext to the store of the template", given{"template-etcd-endpoints": "https://a:1,http://b:1"}, "template-etcd-endpoints", "http://b:1", "https://HOST:PORT"},
		{"no image", given{"template-image": "a b"}, "template-image", "a b", "a reference to an image"},
		{"versions kept below zero", given{"history-keep-for": "-1h"}, "history-keep-for", "-1h", "2160h"},
		{"wait below zero", given{"start-wait": "-1s"}, "start-wait", "-1s", "30s"},
		{"a switch that is neither", given{"allow-unauthenticated": "yes"}, "allow-unauthenticated", `"yes"`, "true or false"},
		{"log level", given{"log-level": "loud"}, "log-level", `"loud"`, "debug, info, warn, error"},
		{"log format", given{"log-format": "xml"}, "log-format", `"xml"`, "json, text"},

		{"environment not given, with a token", given{"auth-token-file": file}, "environment", "not set", "credential"},
		{"environment not given, with a certificate", given{"etcd-endpoints": "https://etcd:2379", "etcd-cert-file": file, "etcd-key-file": file}, "environment", "not set", "credential"},
		{"environment not given, REST beyond loopback", given{"http-addr": ":8080", "allow-unauthenticated": "true"}, "environment", "not set", "beyond loopback"},
		{"environment not given, gRPC beyond loopback", given{"grpc-addr": ":9080", "allow-unauthenticated": "true"}, "environment", "not set", "beyond loopback"},
		{"environment not given, metrics beyond loopback", given{"ops-addr": ":9081"}, "environment", "not set", "beyond loopback"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, byFlag := load(test.in.args(), nil)
			_, byEnv := load(nil, test.in.env())
			if byFlag == nil || byEnv == nil || byFlag.Error() != byEnv.Error() {
				t.Fatalf("by flag: %v\nby environment: %v", byFlag, byEnv)
			}
			line := byFlag.Error()
			setting := "--" + test.flag + " (" + fields()[test.flag].Tag.Get("env") + ") "
			if !strings.HasPrefix(line, setting) || strings.ContainsAny(line, "\n\r\x1b") {
				t.Errorf("%q is not one line about %s", line, setting)
			}
			for _, word := range []string{test.value, "accepted: ", test.also} {
				if !strings.Contains(line, word) {
					t.Errorf("%q does not hold %q", line, word)
				}
			}
		})
	}
}

func TestGoodSettings(t *testing.T) {
	file := someFile(t)
	for _, test := range []struct {
		name string
		in   given
	}{
		{"loopback in all its forms", given{"etcd-endpoints": "127.0.0.1:1,localhost:2,http://[::1]:3,http://127.9.9.9:4/"}},
		{"plaintext that is wanted", given{"etcd-endpoints": "http://etcd:2379,10.0.0.5:2379", "etcd-allow-plaintext": "true"}},
		{"TLS elsewhere", given{"etcd-endpoints": "https://etcd:2379", "etcd-ca-file": file}},
		{"a token, with the environment", given{"auth-token-file": file, "environment": "development"}},
		{"a certificate, with the environment", given{"etcd-endpoints": "https://etcd:2379", "etcd-cert-file": file, "etcd-key-file": file, "environment": "development"}},
		{"beyond loopback, with all that takes", given{"http-addr": ":8080", "grpc-addr": "0.0.0.0:9080", "allow-unauthenticated": "true", "environment": "development"}},
		{"metrics beyond loopback need no permission", given{"ops-addr": ":9081", "environment": "production"}},
		{"sockets", given{"http-addr": "unix:/run/a", "grpc-addr": "unix:/run/b", "ops-addr": "unix:/run/c"}},
		{"loopback by other names", given{"http-addr": "[::1]:8080", "grpc-addr": "localhost:0"}},
		{"hosts", given{"allowed-hosts": "config,Config.internal,10.0.0.1,fd00::1"}},
		{"the least of everything", given{"max-connections": "1", "max-streams": "1", "max-streams-per-connection": "1"}},
		{"the most of everything", given{"max-connections": "1000000", "max-streams": "1000000", "max-streams-per-connection": "1000000"}},
		{"no wait", given{"start-wait": "0s"}},
		{"a shared server with tokens", given{"role": "shared", "tokens-file": file}},
		{"a control server with tokens beyond loopback", given{"role": "control", "tokens-file": file, "http-addr": ":8080", "grpc-addr": ":9080", "tls-cert-file": file, "tls-key-file": file}},
		{"tokens behind a proxy that speaks TLS", given{"role": "shared", "tokens-file": file, "http-addr": ":8080", "allow-plaintext": "true"}},
		{"a shared server needs no environment", given{"role": "shared", "tokens-file": file, "auth-token-file": file}},
		{"a shared server by certificates", given{"role": "shared", "tls-cert-file": file, "tls-key-file": file, "tls-client-ca-file": file, "http-addr": ":8080"}},
		{"a shared server on sockets", given{"role": "shared", "http-addr": "unix:/a", "grpc-addr": "unix:/b", "policy-file": file}},
		{"a policy of a sidecar on sockets", given{"http-addr": "unix:/a", "grpc-addr": "unix:/b", "policy-file": file}},
		{"a policy of a sidecar with tokens", given{"tokens-file": file, "policy-file": file}},
		{"keys in a file", given{"role": "shared", "jwks": file, "jwt-issuer": "i"}},
		{"keys of this machine", given{"role": "shared", "jwks": "http://127.0.0.1/jwks", "jwt-issuer": "i"}},
		{"a sidecar beyond loopback with tokens over TLS", given{"tokens-file": file, "http-addr": ":8080", "environment": "e", "tls-cert-file": file, "tls-key-file": file}},
	} {
		if _, err := load(test.in.args(), nil); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, err := load(nil, test.in.env()); err != nil {
			t.Errorf("%s, in the environment: %v", test.name, err)
		}
	}
}

// TestAPasswordInAURLIsNotRepeated: the line goes to the log of the container.
func TestAPasswordInAURLIsNotRepeated(t *testing.T) {
	for _, endpoint := range []string{"http://root:hunter2@127.0.0.1:2379", "root:hunter2@127.0.0.1:2379", "http://root:hunter2@127.0.0.1", "http://root:hunter2@%zz"} {
		_, err := load(nil, map[string]string{"ETCD_ENDPOINTS": endpoint})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "AUTH_TOKEN_FILE") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func TestIsLocal(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.1.2.3:1": true, "[::1]:8080": true, "localhost:8080": true, "unix:/run/a": true,
		"[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:8080":         false, ":8080": false, "[::]:8080": false, "10.0.0.1:1": false, "example.com:1": false,
		"localhost.example.com:1": false, "127.0.0.1.example.com:1": false, "127.0.0.1": false, "": false,
	} {
		if got := settings.IsLocal(addr); got != want {
			t.Errorf("IsLocal(%q) = %t", addr, got)
		}
	}
}

func TestOtherFlagErrorsStay(t *testing.T) {
	for _, args := range [][]string{{"--nope"}, {"--log-level"}, {"-x"}} {
		if _, err := load(args, nil); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
