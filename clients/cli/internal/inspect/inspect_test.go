package inspect_test

import (
	"os"
	"strings"
	"testing"

	"github.com/config-service/config-service/clients/cli/internal/inspect"
)

const deployed = "../../../../deploy/"

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// change replaces what is there once.
func change(t *testing.T, text, old, with string) string {
	t.Helper()
	if n := strings.Count(text, old); n != 1 {
		t.Fatalf("%q is there %d times", old, n)
	}
	return strings.Replace(text, old, with, 1)
}

// lineOf is the line of a text that begins with words.
func lineOf(t *testing.T, text, words string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(text) {
		if n++; strings.Contains("^"+line, words) {
			return n
		}
	}
	t.Fatalf("there is no line with %q in\n%s", words, text)
	return 0
}

func TestNothingIsWrongWithWhatTeamsGet(t *testing.T) {
	for _, path := range []string{"kubernetes/payment-service.yaml", "sidecar-template.yml", "sidecar-template-shared-network.yml"} {
		report, err := inspect.File([]byte(read(t, deployed+path)))
		if err != nil || len(report.Findings) != 0 || len(report.Good) != 1 {
			t.Errorf("%s: %v, %+v", path, err, report)
		}
	}
}

// mistake is one that people make: it is found, at a line that has the words at.
type mistake struct {
	old, with string
	at        string
	words     string
}

func found(t *testing.T, text, at, words string) {
	t.Helper()
	report, err := inspect.File([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if strings.Contains(f.What, words) {
			if want := lineOf(t, text, at); f.Line != want {
				t.Errorf("line %d, want %d: %s", f.Line, want, f.What)
			}
			if f.Do == "" {
				t.Errorf("%s: and what to do?", f.What)
			}
			if len(report.Findings) > 1 {
				t.Errorf("there is more than that: %+v", report.Findings)
			}
			return
		}
	}
	t.Errorf("no finding has %q: %+v", words, report.Findings)
}

const (
	envOfApp = "        - name: app\n          image: registry.example.com/payment-service:1.4.2\n"
	opsAddr  = "            - name: CONFIG_OPS_ADDR\n              value: \":9081\"\n"
	sidecar  = "- name: config-service\n          image:"
)

func TestMistakesInPods(t *testing.T) {
	for name, m := range map[string]mistake{
		"no restartPolicy":    {"          restartPolicy: Always\n", "", sidecar[:20], "never ends"},
		"no startup probe":    {"startupProbe:", "x:", sidecar[:20], "no startup probe"},
		"short startup":       {"failureThreshold: 60", "failureThreshold: 30", "startupProbe:", "gives up after 30s"},
		"startup on healthz":  {"/readyz", "/healthz", "path: /healthz", "not what it has to know"},
		"liveness on readyz":  {"/healthz", "/readyz", "@", "its livenessProbe asks for \"/readyz\""},
		"no ops address":      {opsAddr, "", "@", "kubelet comes to the address"},
		"tcp probe":           {"          livenessProbe:\n            httpGet:\n              path: /healthz\n", "          livenessProbe:\n            tcpSocket:\n", "livenessProbe", "only connects"},
		"readiness":           {"          resources:\n", "          readinessProbe: {httpGet: {path: /readyz, port: config-ops}}\n          resources:\n", "readinessProbe:", "taken out of service"},
		"latest":              {"config-service/config-service:0.1.0", "config-service/config-service:latest", ":latest", "another one every day"},
		"no tag":              {"config-service/config-service:0.1.0", "config-service/config-service", sidecar[:0] + "image: ghcr", "another one every day"},
		"old":                 {"config-service/config-service:0.1.0", "config-service/config-service:v0.0.9", "v0.0.9", "older than"},
		"no name":             {"- name: SERVICE_NAME", "- name: SERVICE", sidecar[:20], "SERVICE_NAME is not set"},
		"no label":            {"      labels:\n        app.kubernetes.io/name: payment-service\n    spec", "      labels: {}\n    spec", "name: SERVICE_NAME", "has no label"},
		"bad label":           {"      labels:\n        app.kubernetes.io/name: payment-service\n    spec", "      labels:\n        app.kubernetes.io/name: Payment_1\n    spec", "name: SERVICE_NAME", `"Payment_1"`},
		"no environment":      {"- name: ENVIRONMENT", "- name: ENV", sidecar[:20], "ENVIRONMENT is not set"},
		"no endpoints":        {"- name: ETCD_ENDPOINTS", "- name: ENDPOINTS", sidecar[:20], "ETCD_ENDPOINTS is not set"},
		"no credential":       {"- name: AUTH_TOKEN_FILE", "- name: TOKEN_FILE", sidecar[:20], "no credential"},
		"no mount":            {"mountPath: /etc/config-service/token", "mountPath: /etc/token", "name: AUTH_TOKEN_FILE", "nothing is mounted"},
		"no volume":           {"        - name: config-service-token\n          secret", "        - name: token\n          secret", "- name: config-service-token", "is not there"},
		"not among the items": {"                path: token\n", "                path: t\n", "name: AUTH_TOKEN_FILE", "none of the items"},
		"unreadable":          {"defaultMode: 0444", "defaultMode: 0440", "0440", "cannot read it"},
		"writable":            {"defaultMode: 0444", "defaultMode: 0o666", "0o666", "it is refused"},
		"cache read only":     {"              mountPath: /var/cache/config-service\n", "              mountPath: /var/cache/config-service\n              readOnly: true\n", "@", "nothing can be written"},
		"token for the app":   {envOfApp, envOfApp + "          volumeMounts: [{name: config-service-token, mountPath: /t}]\n", "mountPath: /t}", "sidecar's alone"},
		"port clash":          {"containerPort: 3000", "containerPort: 8080", sidecar[:20], "uses port 8080"},
		"open":                {opsAddr, opsAddr + "            - name: CONFIG_HTTP_ADDR\n              value: \":8080\"\n", "name: CONFIG_HTTP_ADDR", "does not start"},
		"one port for two":    {opsAddr, opsAddr + "            - name: CONFIG_GRPC_ADDR\n              value: 127.0.0.1:8080\n", "name: CONFIG_GRPC_ADDR", "both on port 8080"},
		"host network":        {"      initContainers:", "      hostNetwork: true\n      initContainers:", "hostNetwork", "loopback is the node's"},
		"GOMEMLIMIT":          {"115MiB", "128MiB", "name: GOMEMLIMIT", "not below the memory limit"},
		"missing port name":   {"- name: config-ops", "- name: ops", "@", "does not name"},
		"wrong exec":          {"          livenessProbe:\n            httpGet:\n              path: /healthz\n              port: config-ops\n", "          livenessProbe:\n            exec: {command: [curl, localhost]}\n", "command: [curl", "does not have"},
	} {
		t.Run(name, func(t *testing.T) {
			text := change(t, read(t, deployed+"kubernetes/payment-service.yaml"), m.old, m.with)
			if name == "one port for two" {
				text = strings.Replace(text, envOfApp, envOfApp+"          env: [{name: CONFIG_SERVICE_ADDR, value: localhost:8080}]\n", 1)
			}
			if m.at == "@" { // more than one, or not a word of its own
				report, err := inspect.File([]byte(text))
				if err != nil || len(report.Findings) == 0 || !strings.Contains(report.Findings[0].What, m.words) {
					t.Errorf("%v, %+v", err, report)
				}
				return
			}
			found(t, text, m.at, m.words)
		})
	}
}

// A port that moved has to be told to the application.
func TestAPortThatMovedIsTold(t *testing.T) {
	moved := change(t, read(t, deployed+"kubernetes/payment-service.yaml"), opsAddr, opsAddr+"            - name: CONFIG_HTTP_ADDR\n              value: 127.0.0.1:18080\n")
	found(t, moved, "- name: app", "is not told that CONFIG_HTTP_ADDR is on port 18080")
	found(t, change(t, moved, envOfApp, envOfApp+"          env: [{name: CONFIG_SERVICE_URL, value: \"http://localhost:8080\"}]\n"), "- name: app", "is not told")
	for _, told := range []string{"http://localhost:18080", "https://config.example.com"} {
		report, err := inspect.File([]byte(change(t, moved, envOfApp, envOfApp+"          env: [{name: CONFIG_SERVICE_URL, value: \""+told+"\"}]\n")))
		if err != nil || len(report.Findings) != 0 {
			t.Errorf("%s: %v, %+v", told, err, report)
		}
	}
}

func TestAnOrdinaryContainer(t *testing.T) {
	pod := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    metadata: {labels: {app.kubernetes.io/name: j}}\n    spec:\n      containers:\n      - name: a\n      - name: config-service\n        image: ghcr.io/config-service/config-service:0.1.0\n        env:\n        - {name: SERVICE_NAME, value: j}\n        - {name: ENVIRONMENT, value: e}\n        - {name: ETCD_ENDPOINTS, value: \"http://etcd:2379\"}\n"
	report, err := inspect.File([]byte(pod))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range report.Findings {
		all.WriteString(f.What + "\n")
	}
	for _, words := range []string{"keeps a Job from ever ending", "containers that stand before it", "nothing holds the application back", `ETCD_ENDPOINTS has "http://etcd:2379"`, "no credential"} {
		if !strings.Contains(all.String(), words) {
			t.Errorf("no finding has %q:\n%s", words, all.String())
		}
	}
}

// What comes from elsewhere is not guessed at.
func TestWhatIsNotToldIsNotWrong(t *testing.T) {
	text := change(t, read(t, deployed+"kubernetes/payment-service.yaml"), "          restartPolicy: Always\n", "          restartPolicy: Always\n          envFrom: [{configMapRef: {name: all}}]\n")
	for _, name := range []string{"SERVICE_NAME", "ENVIRONMENT", "ETCD_ENDPOINTS", "AUTH_TOKEN_FILE"} {
		text = change(t, text, "- name: "+name+"\n", "- name: X_"+name+"\n")
	}
	report, err := inspect.File([]byte(text))
	if err != nil || len(report.Findings) != 0 {
		t.Errorf("%v, %+v", err, report)
	}
}

// Flags go before variables.
func TestFlagsAreSettings(t *testing.T) {
	base := read(t, deployed+"kubernetes/payment-service.yaml")
	args := func(list string) string {
		return change(t, base, "          restartPolicy: Always\n", "          restartPolicy: Always\n          args: ["+list+"]\n")
	}
	found(t, args("serve, --http-addr=0.0.0.0:8080"), "args:", "beyond loopback")
	found(t, args(`serve, --environment, "Prod"`), "args:", `"Prod"`)
	report, err := inspect.File([]byte(change(t, args(`serve, --ops-addr, ":9081"`), opsAddr, "")))
	if err != nil || len(report.Findings) != 0 {
		t.Errorf("%v, %+v", err, report)
	}
}

const app = `
  app:
    image: registry.example.com/app:1
    environment:
      CONFIG_SERVICE_URL: http://config-service:8080
    depends_on:
      config-service:
        condition: service_healthy
    networks: [default, config-service]
`

func TestMistakesInCompose(t *testing.T) {
	for name, m := range map[string]mistake{
		"latest":              {"${CONFIG_SERVICE_IMAGE:-ghcr.io/config-service/config-service:0.1.0}", "ghcr.io/config-service/config-service", "image: ghcr", "another one every day"},
		"old":                 {"config-service:0.1.0}", "config-service:0.0.1}", "0.0.1", "older than"},
		"no environment":      {"- ENVIRONMENT=", "- X=", "^  config-service:", "ENVIRONMENT is not set"},
		"bad name":            {"SERVICE_NAME=${YOUR_SERVICE_NAME:?the name that your service is registered by, such as payment-service}", "SERVICE_NAME=Payments", "SERVICE_NAME=Payments", `"Payments"`},
		"plaintext":           {"ETCD_ENDPOINTS=${PLATFORM_ETCD_ENDPOINTS:?the client URLs of the etcd of the platform, such as https://etcd-1.example.com:2379}", "ETCD_ENDPOINTS=http://etcd:2379", "ETCD_ENDPOINTS=http", "ETCD_ENDPOINTS has"},
		"not allowed":         {"      - CONFIG_ALLOW_UNAUTHENTICATED=true\n", "      - CONFIG_GRPC_ADDR=127.0.0.1:9080\n", "CONFIG_HTTP_ADDR=:8080", "does not start"},
		"own loopback":        {"- CONFIG_HTTP_ADDR=:8080", "- X=1", "^  config-service:", "its own loopback"},
		"hosts":               {"CONFIG_ALLOWED_HOSTS=config-service", "CONFIG_ALLOWED_HOSTS=config", "CONFIG_ALLOWED_HOSTS=config", "it is refused"},
		"ports":               {"    restart: unless-stopped\n", "    restart: unless-stopped\n    ports: [\"8080:8080\"]\n", "ports:", "published"},
		"open to the project": {"    networks: [config-service]\n", "", "CONFIG_ALLOW_UNAUTHENTICATED", "network of the whole project"},
		"token":               {"- /etc/secrets:/secrets:ro", "- /etc/secrets:/elsewhere:ro", "AUTH_TOKEN_FILE=", "nothing is mounted"},
		"no health":           {"    restart: unless-stopped\n", "    restart: unless-stopped\n    healthcheck: {disable: true}\n", "healthcheck: {", "health check is off"},
		"host":                {"    networks: [config-service]\n", "    network_mode: host\n", "network_mode", "network of the host"},
		"does not wait":       {"        condition: service_healthy\n    networks", "        condition: service_started\n    networks", "depends_on:", "does not wait"},
		"is not told":         {"      CONFIG_SERVICE_URL: http://config-service:8080\n", "      X: 1\n", "app:", "is not told where it is"},
		"other network":       {"    networks: [default, config-service]\n", "", "app:", "not on its network"},
	} {
		t.Run(name, func(t *testing.T) {
			text := change(t, read(t, deployed+"sidecar-template.yml"), "\nservices:\n", "\nservices:"+app)
			text = text[strings.Index(text, "\nservices:"):] // the head shows an application too
			found(t, change(t, text, m.old, m.with), m.at, m.words)
		})
	}
}

func TestOneLoopbackInCompose(t *testing.T) {
	text := read(t, deployed+"sidecar-template-shared-network.yml")
	text = text[strings.Index(text, "\nservices:"):]
	good := change(t, text, "\nservices:\n", "\nservices:\n  app:\n    image: a:1\n    network_mode: service:config-network\n    depends_on: {config-service: {condition: service_healthy}}\n")
	report, err := inspect.File([]byte(good))
	if err != nil || len(report.Findings) != 0 {
		t.Errorf("%v, %+v", err, report)
	}
	found(t, change(t, good, "    depends_on: {config-service: {condition: service_healthy}}\n", ""), "app:", "does not wait")
	found(t, change(t, good, "    command: [pause]\n", "    command: [pause]\n    ports: [\"80:8080\"]\n"), "80:8080", "publishes port 8080")
}

// What `docker compose config` prints has the long form of everything.
func TestTheLongFormOfCompose(t *testing.T) {
	text := read(t, "testdata/compose-config.yml")
	report, err := inspect.File([]byte(text))
	if err != nil || len(report.Findings) != 0 || len(report.Good) != 1 {
		t.Errorf("%v, %+v", err, report)
	}
	found(t, change(t, text, "        target: /secrets\n", "        target: /elsewhere\n"), "AUTH_TOKEN_FILE", "nothing is mounted")
	found(t, change(t, text, "        condition: service_healthy\n", "        condition: service_started\n"), "depends_on", "does not wait")
}

func TestWhatIsNoFileOfWorkloads(t *testing.T) {
	for text, words := range map[string]string{
		"": "no workload", "a: 1\n": "no workload", "a: [": "no YAML", "a: 1\na: 2\n": "already defined", "spec: {{ .Values.x }}\n": "template of Helm",
	} {
		if report, err := inspect.File([]byte(text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, %+v", text, err, report)
		}
	}
	found(t, "services: {app: {image: a}}\n", "services:", "no service is the sidecar")
	found(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a}]}\n", "apiVersion", "has no sidecar")
}

func FuzzFile(f *testing.F) {
	for _, path := range []string{"kubernetes/payment-service.yaml", "sidecar-template.yml", "sidecar-template-shared-network.yml"} {
		text, err := os.ReadFile(deployed + path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		report, err := inspect.File(text)
		if err != nil {
			return
		}
		for _, finding := range report.Findings {
			if finding.Line < 1 || finding.Line > strings.Count(string(text), "\n")+1 {
				t.Fatalf("line %d: %s", finding.Line, finding.What)
			}
		}
	})
}
