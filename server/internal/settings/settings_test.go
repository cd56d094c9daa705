package settings_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// load reads settings as `serve` does.
func load(args []string, env map[string]string) (*settings.Settings, error) {
	var s settings.Settings
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	s.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		return &s, s.FlagError(err)
	}
	return &s, s.Load(flags, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

// given are settings by flag. They can be given on the command line or in the
// environment, which is to make no difference.
type given map[string]string

func (g given) args() (args []string) {
	for flag, value := range g {
		args = append(args, "--"+flag+"="+value)
	}
	return args
}

func (g given) env() map[string]string {
	env := map[string]string{}
	for flag, value := range g {
		env[fields()[flag].Tag.Get("env")] = value
	}
	return env
}

// fields are the fields of Settings by flag.
func fields() map[string]reflect.StructField {
	byFlag := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings.Settings]()) {
		if f.IsExported() {
			byFlag[f.Tag.Get("flag")] = f
		}
	}
	return byFlag
}

var ignoreUnexported = cmpopts.IgnoreUnexported(settings.Settings{})

func TestEveryFieldIsASetting(t *testing.T) {
	envs := map[string]bool{}
	n := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings.Settings]()) {
		if !f.IsExported() {
			continue
		}
		n++
		flag, env, help := f.Tag.Get("flag"), f.Tag.Get("env"), f.Tag.Get("help")
		if flag == "" || flag != strings.ToLower(flag) || strings.ContainsAny(flag, "_ .") {
			t.Errorf("%s has the flag %q", f.Name, flag)
		}
		if env == "" || env != strings.ToUpper(env) || strings.ContainsAny(env, "- .") || envs[env] {
			t.Errorf("%s has the environment variable %q", f.Name, env)
		}
		envs[env] = true
		if !strings.HasSuffix(help, ".") || strings.Contains(help, "\n") || strings.ContainsAny(help, "`[]") {
			t.Errorf("%s has the help %q", f.Name, help)
		}
		// The variable is the flag's name, plain or with CONFIG_ before it.
		if plain := strings.ToUpper(strings.ReplaceAll(flag, "-", "_")); env != plain && env != "CONFIG_"+plain {
			t.Errorf("--%s is %s in the environment", flag, env)
		}
	}
	if len(fields()) != n {
		t.Errorf("%d fields have %d flags", n, len(fields()))
	}
}

func TestDefaults(t *testing.T) {
	s, err := load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &settings.Settings{
		Role: "sidecar", ServiceName: "default", Environment: "development", JWTAudience: "config-service",
		EtcdEndpoints: []string{"http://127.0.0.1:2379"},
		HTTPAddr:      "127.0.0.1:8080", GRPCAddr: "127.0.0.1:9080", OpsAddr: "127.0.0.1:9081",
		MaxConnections: 1000, MaxStreams: 1000, MaxStreamsPerConnection: 250,
		StartWait: 30 * time.Second, HistoryKeep: 200, HistoryKeepFor: 2160 * time.Hour, LogLevel: "info", LogFormat: "json",
	}
	if diff := cmp.Diff(want, s, ignoreUnexported, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if got := s.Scope(); got != (snapshot.ScopeID{Namespace: "default", Environment: "development"}) {
		t.Errorf("Scope = %s", got)
	}
	if s.EtcdTLS() {
		t.Error("the default is TLS")
	}
	for flag, f := range fields() {
		if s.Explicit(flag) {
			t.Errorf("--%s counts as given", flag)
		}
		// The default in the tag is one that the setting takes.
		if def := f.Tag.Get("default"); def != "" {
			again, err := load(given{flag: def}.args(), nil)
			if err != nil || !cmp.Equal(s, again, ignoreUnexported, cmpopts.EquateEmpty()) {
				t.Errorf("--%s=%s: %v", flag, def, err)
			}
		}
	}
}

// others are values that differ from the defaults, for every setting; but for the role,
// for the others do not go with all of them (see TestGoodSettings).
func others(t *testing.T) (given, *settings.Settings) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return given{
			"service-name": "payment-service", "environment": "production",
			"etcd-endpoints": "https://etcd-0:2379,https://etcd-1:2379/", "etcd-ca-file": file, "etcd-cert-file": file, "etcd-key-file": file,
			"etcd-allow-plaintext": "true", "auth-token-file": file,
			"http-addr": ":80", "grpc-addr": "unix:/run/grpc.sock", "ops-addr": "[::1]:81",
			"tls-cert-file": file, "tls-key-file": file, "tls-client-ca-file": file,
			"allowed-hosts": "config,config.internal", "allow-unauthenticated": "true", "grpc-reflection": "true", "pprof": "true",
			"cache-dir": "/var/cache/config", "max-connections": "1", "max-streams": "2", "max-streams-per-connection": "1000000",
			"start-wait": "0", "history-keep": "3", "history-keep-for": "1m", "log-level": "debug", "log-format": "text",
			"template-etcd-endpoints": "https://etcd:2379,https://etcd-1:2379", "template-image": "registry.example.com/config-service:1",
			"role": "sidecar", "tokens-file": file, "policy-file": file, "audit-file": file, "allow-plaintext": "true",
			"jwt-issuer": "https://issuer", "jwt-audience": "config", "jwks": "https://issuer/jwks", "jwks-ca-file": file, "jwks-token-file": file,
		}, &settings.Settings{
			Role: "sidecar", ServiceName: "payment-service", Environment: "production",
			TokensFile: file, PolicyFile: file, AuditFile: file, AllowPlaintext: true,
			JWTIssuer: "https://issuer", JWTAudience: "config", JWKS: "https://issuer/jwks", JWKSCAFile: file, JWKSTokenFile: file,
			EtcdEndpoints: []string{"https://etcd-0:2379", "https://etcd-1:2379"}, EtcdCAFile: file, EtcdCertFile: file, EtcdKeyFile: file,
			EtcdAllowPlaintext: true, AuthTokenFile: file,
			HTTPAddr: ":80", GRPCAddr: "unix:/run/grpc.sock", OpsAddr: "[::1]:81",
			TLSCertFile: file, TLSKeyFile: file, TLSClientCAFile: file,
			AllowedHosts: []string{"config", "config.internal"}, AllowUnauthenticated: true, GRPCReflection: true, Pprof: true,
			CacheDir: "/var/cache/config", MaxConnections: 1, MaxStreams: 2, MaxStreamsPerConnection: 1000000,
			StartWait: 0, HistoryKeep: 3, HistoryKeepFor: time.Minute, LogLevel: "debug", LogFormat: "text",
			TemplateEtcdEndpoints: "https://etcd:2379,https://etcd-1:2379", TemplateImage: "registry.example.com/config-service:1",
		}
}

func TestEverySettingIsTaken(t *testing.T) {
	in, want := others(t)
	for flag := range fields() {
		if _, ok := in[flag]; !ok {
			t.Errorf("this test does not set --%s", flag)
		}
	}
	for name, read := range map[string]func() (*settings.Settings, error){
		"flags":       func() (*settings.Settings, error) { return load(in.args(), nil) },
		"environment": func() (*settings.Settings, error) { return load(nil, in.env()) },
	} {
		got, err := read()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		for flag := range in {
			if !got.Explicit(flag) {
				t.Errorf("%s: --%s does not count as given", name, flag)
			}
		}
		if !got.EtcdTLS() {
			t.Errorf("%s: https is no TLS", name)
		}
	}
}

func TestPrecedence(t *testing.T) {
	for _, test := range []struct {
		name     string
		args     []string
		env      map[string]string
		want     string
		explicit bool
	}{
		{"default", nil, nil, "info", false},
		{"environment over default", nil, map[string]string{"LOG_LEVEL": "warn"}, "warn", true},
		{"flag over environment", []string{"--log-level=error"}, map[string]string{"LOG_LEVEL": "warn"}, "error", true},
		{"flag with the value of the default", []string{"--log-level=info"}, map[string]string{"LOG_LEVEL": "warn"}, "info", true},
		{"an empty variable is not set", nil, map[string]string{"LOG_LEVEL": ""}, "info", false},
		{"a flag hides a bad variable", []string{"--log-level=error"}, map[string]string{"LOG_LEVEL": "loud"}, "error", true},
	} {
		s, err := load(test.args, test.env)
		if err != nil || s.LogLevel != test.want || s.Explicit("log-level") != test.explicit {
			t.Errorf("%s: %q, given %t, %v, want %q", test.name, s.LogLevel, s.Explicit("log-level"), err, test.want)
		}
	}
}

func TestAllEmptyVariablesAreNotSet(t *testing.T) {
	env := map[string]string{}
	for _, f := range fields() {
		env[f.Tag.Get("env")] = ""
	}
	got, err := load(nil, env)
	if err != nil {
		t.Fatal(err)
	}
	want, err := load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, ignoreUnexported, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestListsReplaceTheDefault(t *testing.T) {
	for name, read := range map[string]func() (*settings.Settings, error){
		"environment": func() (*settings.Settings, error) {
			return load(nil, map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1,localhost:2"})
		},
		"flag": func() (*settings.Settings, error) {
			return load([]string{"--etcd-endpoints=127.0.0.1:1,localhost:2"}, nil)
		},
		"flag twice": func() (*settings.Settings, error) {
			return load([]string{"--etcd-endpoints=127.0.0.1:1", "--etcd-endpoints=localhost:2"}, nil)
		},
	} {
		s, err := read()
		if want := []string{"http://127.0.0.1:1", "http://localhost:2"}; err != nil || !cmp.Equal(s.EtcdEndpoints, want) {
			t.Errorf("%s: %q, %v, want %q", name, s.EtcdEndpoints, err, want)
		}
	}
}

// TestListOfLines: a list over several lines, as a manifest can hold it, would lose all
// but the first.
func TestListOfLines(t *testing.T) {
	_, err := load(nil, map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1\nlocalhost:2\n"})
	if err == nil || !strings.HasPrefix(err.Error(), "--etcd-endpoints (ETCD_ENDPOINTS) ") || !strings.Contains(err.Error(), "commas") {
		t.Errorf("two lines: %v", err)
	}
	s, err := load(nil, map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1,localhost:2\n"})
	if want := []string{"http://127.0.0.1:1", "http://localhost:2"}; err != nil || !cmp.Equal(s.EtcdEndpoints, want) {
		t.Errorf("a line end: %q, %v", s.EtcdEndpoints, err)
	}
}

// TestHelp: the usage of each flag is its help and its variable.
func TestHelp(t *testing.T) {
	var s settings.Settings
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	s.AddFlags(flags)
	n := 0
	flags.VisitAll(func(f *pflag.Flag) {
		n++
		field := fields()[f.Name]
		if want := field.Tag.Get("help") + " [" + field.Tag.Get("env") + "]"; f.Usage != want {
			t.Errorf("--%s: %q, want %q", f.Name, f.Usage, want)
		}
	})
	if n != len(fields()) {
		t.Errorf("%d flags for %d fields", n, len(fields()))
	}
}
