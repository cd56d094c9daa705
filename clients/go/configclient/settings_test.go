package configclient_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/config-service/config-service/clients/go/configclient"
)

func TestASettingThatCanNeverWorkIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	good := file("good", "secret-token\n")
	address, label := configclient.WithAddress, configclient.WithNamespace
	for _, one := range []struct {
		option configclient.Option
		names  string // the option
		given  string
	}{
		{address("localhost"), "WithAddress", `"localhost"`},
		{address("http://localhost:9080"), "WithAddress", `"http://localhost:9080"`},
		{address("localhost:0"), "WithAddress", `"localhost:0"`},
		{address("localhost:65536"), "WithAddress", `"localhost:65536"`},
		{address("localhost:grpc"), "WithAddress", `"localhost:grpc"`},
		{address(":9080"), "WithAddress", `":9080"`},
		{address("a b:1"), "WithAddress", `"a b:1"`},
		{address("a/b:1"), "WithAddress", `"a/b:1"`},
		{address("::1:9080"), "WithAddress", `"::1:9080"`},
		{address("unix:config.sock"), "WithAddress", `"unix:config.sock"`},
		{address("unix:"), "WithAddress", `"unix:"`},
		{label("Payment"), "WithNamespace", `"Payment"`},
		{label("_shared"), "WithNamespace", `"_shared"`},
		{label("-a"), "WithNamespace", `"-a"`},
		{label(strings.Repeat("a", 64)), "WithNamespace", "aaaa"},
		{configclient.WithEnvironment("a.b"), "WithEnvironment", `"a.b"`},
		{configclient.WithTimeout(-time.Second), "WithTimeout", "-1s"},
		{configclient.WithTokenFile(filepath.Join(dir, "none")), "WithTokenFile", "no such file"},
		{configclient.WithTokenFile(dir), "WithTokenFile", "no regular file"},
		{configclient.WithTokenFile(pipe), "WithTokenFile", "no regular file"},
		{configclient.WithTokenFile(file("empty", "\n")), "WithTokenFile", "is empty"},
		{configclient.WithTokenFile(file("long", strings.Repeat("a", 16<<10+1))), "WithTokenFile", "longer than 16 KiB"},
		{configclient.WithTokenFile(file("lines", "secret-token\nsecret-token\n")), "WithTokenFile", "more than one line"},
		{configclient.WithTokenFile(file("binary", "secret-token\x00")), "WithTokenFile", "printable ASCII"},
		{both(address("config.example:9080"), configclient.WithTokenFile(good)), "WithDialOptions", `"config.example:9080"`},
		{both(address("localhost:9080"), configclient.WithDialOptions(grpc.WithCredentialsBundle(bundle{}))), "WithDialOptions", `"localhost:9080"`},
	} {
		_, err := configclient.Open(t.Context(), one.option)
		var setting *configclient.SettingError
		if !errors.As(err, &setting) {
			t.Errorf("%s %s: Open = %v", one.names, one.given, err)
			continue
		}
		text := err.Error()
		if setting.Name != one.names || !strings.Contains(text, one.given) || !strings.Contains(text, "accepted: ") {
			t.Errorf("the error should name %s, %s and what is accepted: %s", one.names, one.given, text)
		}
		if strings.Contains(text, "\n") || strings.Contains(text, "secret-token") {
			t.Errorf("the error is more than a line, or shows the token: %s", text)
		}
	}
}

// bundle is a credential beside the one that there is already.
type bundle struct{ credentials.Bundle }

func both(a, b configclient.Option) configclient.Option {
	return configclient.Options(a, b)
}

func TestTheVariableIsNamed(t *testing.T) {
	for _, name := range []string{"CONFIG_SERVICE_ADDR", "SERVICE_NAME", "ENVIRONMENT", "CONFIG_SERVICE_TOKEN_FILE"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "/a b/")
			_, err := configclient.Open(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), name+`: "/a b/" `) {
				t.Errorf("Open = %v", err)
			}
		})
	}
}

func TestSettingsComeFromTheArgumentThenTheVariable(t *testing.T) {
	t.Setenv("CONFIG_SERVICE_ADDR", pretend(t, saying(snapshot(5, entry("a", 1, 5)))))
	t.Setenv("SERVICE_NAME", "other-service")
	t.Setenv("ENVIRONMENT", "production")
	c := open(t, configclient.WithAddress(""), configclient.WithNamespace("payment-service"))
	if got := configclient.Get(c, "a", 0); got != 1 || c.Namespace() != "payment-service" || c.Environment() != "production" {
		t.Errorf("a is %d in %s/%s", got, c.Namespace(), c.Environment())
	}
}
