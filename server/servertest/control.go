package servertest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// AdminToken is what the administrator of StartControl shows who it is with.
const AdminToken = "cs_testadmn_abcdefghijklmnopqrstuvwxyz"

// StartControl runs a server of the role control until the test ends. The user admin may
// do everything there, and shows AdminToken. It looks after services where the etcd is
// protected; see Etcd.Protect.
func StartControl(t testing.TB, o Options) *Server {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"AUTH_TOKEN_FILE":    "",
		"CONFIG_TOKENS_FILE": fmt.Sprintf("- {id: testadmn, digest: \"sha256:%x\", user: admin}\n", sha256.Sum256([]byte(AdminToken))),
		"CONFIG_POLICY_FILE": "rules:\n  - {who: [\"user:admin\"], may: [read, write, administer], namespaces: [\"*\"], environments: [\"*\"]}\n",
	}
	settings := map[string]string{"CONFIG_ROLE": "control"}
	if o.Etcd != nil {
		files["AUTH_TOKEN_FILE"] = o.Etcd.ControlPassword()
	}
	for setting, text := range files {
		if text == "" {
			continue
		}
		settings[setting] = filepath.Join(dir, setting+".yaml")
		if err := os.WriteFile(settings[setting], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(settings, o.Settings)
	o.Settings = settings
	return Start(t, o)
}
