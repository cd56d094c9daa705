package inject_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/clients/cli/internal/inject"
	"github.com/config-service/config-service/clients/cli/internal/inspect"
	"github.com/config-service/config-service/deploy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// asked is what the manifests in testdata get.
var asked = deploy.Kubernetes{Environment: "production"}

func manifests(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) < 11 {
		t.Fatalf("%v, %d manifests", err, len(paths))
	}
	return paths
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What comes out, and what is said of it, is as it was looked at.
func TestManifestsGetTheSidecar(t *testing.T) {
	for _, path := range manifests(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			result, err := inject.Into(read(t, path), asked)
			if err != nil {
				t.Fatal(err)
			}
			got := append([]byte("# "+strings.Join(result.Words, "\n# ")+"\n"), result.Text...)
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, golden); !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// No line of the manifest is changed, but where a variable says where the sidecar is.
func TestLinesAreOnlyAdded(t *testing.T) {
	for _, path := range manifests(t) {
		before := read(t, path)
		result, err := inject.Into(before, asked)
		if err != nil {
			t.Fatal(err)
		}
		rest := strings.Split(string(result.Text), "\n")
		for line := range strings.SplitSeq(string(before), "\n") {
			switch {
			case strings.Contains(line, `"http://localhost:8080"`):
				line = strings.Replace(line, ":8080", ":18081", 1)
			case strings.Contains(line, "volumes: []"):
				line = strings.Replace(line, " []", "", 1)
			case strings.Contains(line, "containerPort: 8080}]") && strings.HasSuffix(path, "windows.yaml"):
				line += "\r" // it is not the last one any more
			}
			for len(rest) > 0 && rest[0] != line {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				t.Fatalf("%s: the line %q is not there any more", path, line)
			}
			rest = rest[1:]
		}
	}
}

func TestASecondRunChangesNothing(t *testing.T) {
	for _, path := range manifests(t) {
		first, err := inject.Into(read(t, path), asked)
		if err != nil {
			t.Fatal(err)
		}
		second, err := inject.Into(first.Text, deploy.Kubernetes{Image: "registry.example.com/other:1"})
		if err != nil || second.Added != 0 || !bytes.Equal(second.Text, first.Text) {
			t.Errorf("%s: %v, %d added", path, err, second.Added)
		}
		if first.Added == 0 {
			t.Errorf("%s: nothing was added", path)
		}
	}
}

func TestNothingIsWrongWithWhatWasAdded(t *testing.T) {
	for _, path := range manifests(t) {
		result, err := inject.Into(read(t, path), asked)
		if err != nil {
			t.Fatal(err)
		}
		report, err := inspect.File(result.Text)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Good) != result.Added || len(report.Findings) > 0 {
			t.Errorf("%s: %d sidecars are good, %d were added: %+v", path, len(report.Good), result.Added, report.Findings)
		}
	}
}

func TestPlainStandsFirst(t *testing.T) {
	result, err := inject.Into(read(t, "testdata/statefulset.yaml"), deploy.Kubernetes{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	text := string(result.Text)
	if at := strings.Index(text, "      containers:\n        - name: config-service\n"); at < 0 || strings.Contains(text, "restartPolicy") {
		t.Errorf("got\n%s", text)
	}
	report, err := inspect.File(result.Text)
	if err != nil || len(report.Findings) != 0 {
		t.Errorf("%v, %v", err, report)
	}
}

const podHead = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app.kubernetes.io/name: p}}\n"

// What cannot have it says so, with its line, and nothing comes out.
func TestWhatStandsInTheWayIsSaid(t *testing.T) {
	container := "  containers:\n  - name: a\n    image: a:1\n"
	for name, test := range map[string]struct {
		text  string
		asked deploy.Kubernetes
		words string
	}{
		"flow":           {podHead + "spec: {containers: [{name: a}]}\n", asked, "p (Pod, line 1): its spec (line 4) is written in flow style"},
		"json":           {`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"app.kubernetes.io/name":"p"}},"spec":{"containers":[{"name":"a"}]}}`, asked, "flow style"},
		"flow list":      {podHead + "spec:\n  initContainers: [{name: i}]\n" + container, asked, "its initContainers (line 5) is written in flow style"},
		"flow volumes":   {podHead + "spec:\n" + container + "  volumes: [{name: a, emptyDir: {}}]\n", asked, "its volumes (line 8)"},
		"flow container": {podHead + "spec:\n  containers:\n  - {name: a, image: a, ports: [{containerPort: 8080}]}\n", asked, "its container a (line 6) is written in flow style"},
		"alias":          {podHead + "spec:\n  initContainers: *x\n" + container + "x: &x []\n", asked, "unknown anchor"},
		"shared spec":    {podHead + "spec: &spec\n" + container + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: q}\nspec: 1\n", asked, ""},
		"shared list": {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p, labels: {app.kubernetes.io/name: p}}\n  spec: &s\n    containers:\n    - {name: a}\n" +
			"- apiVersion: v1\n  kind: Pod\n  metadata: {name: q, labels: {app.kubernetes.io/name: q}, annotations: {config-service/sidecar: none}}\n  spec: *s\n", asked, "without changing something else"},
		"merged":        {podHead + "x: &x\n  containers: [{name: a}]\nspec:\n  <<: *x\n  a: 1\n", asked, "merge key"},
		"host":          {podHead + "spec:\n  hostNetwork: true\n" + container, asked, "hostNetwork"},
		"windows":       {podHead + "spec:\n  os: {name: windows}\n" + container, asked, "Windows"},
		"no label":      {"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n" + container, asked, "no label app.kubernetes.io/name"},
		"bad label":     {strings.ReplaceAll(podHead, ": p}}", ": P_1}}") + "spec:\n" + container, asked, `"P_1"`},
		"no containers": {podHead + "spec: {a: 1}\n", asked, "no containers"},
		"other volume":  {podHead + "spec:\n" + container + "  volumes:\n  - name: config-service-ca\n    emptyDir: {}\n", asked, "another volume config-service-ca (line 9)"},
		"plain job":     {"apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    metadata: {labels: {app.kubernetes.io/name: p}}\n    spec:\n      containers:\n      - name: a\n", deploy.Kubernetes{Plain: true}, "keeps a Job from ever ending"},
		"number as key": {podHead + "spec:\n  1: 2\n" + container, asked, "a key that is no text"},
		"template":      {podHead + "spec:\n  {{- toYaml .Values }}\n", asked, "line 5 has {{"},
		"twice":         {podHead + "spec:\n" + container + container, asked, "already defined"},
		"no yaml":       {"a: [\n", asked, "no YAML"},
		"bad asked":     {podHead + "spec:\n" + container, deploy.Kubernetes{Image: "a b"}, "--image"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := inject.Into([]byte(test.text), test.asked)
			switch {
			case test.words == "" && err != nil:
				t.Error(err)
			case test.words != "" && (err == nil || !strings.Contains(err.Error(), test.words)):
				t.Errorf("%v, without %q", err, test.words)
				if err == nil {
					t.Logf("%s", result.Text)
				}
			}
		})
	}
}

// A service that is named goes before the label, and one that is the same leaves it.
func TestTheServiceThatIsAskedFor(t *testing.T) {
	text := []byte(podHead + "spec:\n  containers:\n  - name: a\n    image: a:1\n")
	for service, want := range map[string]string{"p": "fieldPath: metadata.labels", "other": "value: \"other\""} {
		result, err := inject.Into(text, deploy.Kubernetes{Service: service})
		if err != nil || !strings.Contains(string(result.Text), want) {
			t.Errorf("%s: %v\n%s", service, err, result.Text)
		}
	}
}

// Files without workloads go through as they are.
func TestOthersPassUntouched(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "a: 1", "- 1\n- 2\n", "---\n---\n", "kind: Deployment\n", "kind: List\nitems: 3\n", "\ufeffa: 1\r\n"} {
		result, err := inject.Into([]byte(text), asked)
		if err != nil || string(result.Text) != text || result.Added != 0 {
			t.Errorf("%q: %v, %+v", text, err, result)
		}
	}
}

// Whatever a file holds, nothing but lines that are meant comes out of it.
func FuzzInto(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		result, err := inject.Into(text, asked)
		if err != nil {
			return
		}
		if result.Added == 0 && !bytes.Equal(result.Text, text) {
			t.Fatal("nothing was added, and it is another text")
		}
		if again, err := inject.Into(result.Text, asked); err != nil || again.Added != 0 {
			t.Fatalf("a second run: %v", err)
		}
	})
}
