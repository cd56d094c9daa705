package opstest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const unitFile = "deploy/systemd/config-service.service"

// maxExposure is the score of `systemd-analyze security` times ten that the unit may have: 1.2
// by systemd 252. A unit without any restriction has 9.6.
const maxExposure = 15

// TestTheUnitIsOneForSystemd has systemd itself read the unit, and judge how much it may.
func TestTheUnitIsOneForSystemd(t *testing.T) {
	t.Parallel()
	needs(t, "systemd-analyze")
	// What it runs has to be there for `verify`.
	text := strings.ReplaceAll(read(t, unitFile), "/usr/local/bin/config-service serve", "/bin/true")
	unit := filepath.Join(t.TempDir(), "config-service.service")
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", "--man=no", unit},
		{"security", "--offline=true", "--no-pager", fmt.Sprintf("--threshold=%d", maxExposure), unit},
	} {
		out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
		if err != nil || (args[0] == "verify" && strings.Contains(string(out), "config-service.service")) {
			t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

var assignment = regexp.MustCompile(`(?m)^(?:Environment=|#)?([A-Z][A-Z0-9_]+)=(.*)$`)

// unitEnvironment is what the unit and its environment file set, with systemd's words for
// folders replaced; also what is commented out, when all is true.
func unitEnvironment(t *testing.T, dir string, all bool) (env []string) {
	t.Helper()
	text := strings.NewReplacer("%d/", dir+"/", "%C/", dir+"/").Replace(read(t, unitFile) + read(t, "deploy/systemd/config-service.env"))
	for _, m := range assignment.FindAllStringSubmatch(text, -1) {
		if all || !strings.HasPrefix(m[0], "#") {
			env = append(env, m[1]+"="+m[2])
		}
	}
	return env
}

// TestTheUnitsSettingsAreSettings starts the server as the unit does, but for the folders, and
// sees that it serves; and looks for every variable, commented out or not, in its help.
func TestTheUnitsSettingsAreSettings(t *testing.T) {
	t.Parallel()
	program, dir := build(t, "./server"), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("cs_k3f9x2ab_abcdefghijklmnopqrstuvwxyz"), 0o400); err != nil {
		t.Fatal(err)
	}
	help, err := exec.Command(program, "serve", "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	for _, one := range unitEnvironment(t, dir, true) {
		name, _, _ := strings.Cut(one, "=")
		if !strings.Contains(string(help), name) && !strings.HasPrefix(name, "OTEL_") && name != "GOMEMLIMIT" {
			t.Errorf("%s is no setting", name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	serve := exec.CommandContext(ctx, program, "serve")
	serve.Env = append(unitEnvironment(t, dir, false), "CONFIG_HTTP_ADDR=127.0.0.1:0", "CONFIG_GRPC_ADDR=127.0.0.1:0", "CONFIG_OPS_ADDR=127.0.0.1:0")
	said, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	var log []string
	for lines := bufio.NewScanner(said); lines.Scan(); {
		log = append(log, lines.Text())
		if strings.Contains(lines.Text(), `"msg":"serving"`) {
			if !strings.Contains(lines.Text(), `"namespace":"payment-service","environment":"production"`) || !strings.Contains(lines.Text(), `"cache":true`) {
				t.Errorf("it serves %s", lines.Text())
			}
			_ = serve.Process.Signal(syscall.SIGTERM) // it ends with 0
		}
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, strings.Join(log, "\n"))
	}
}
