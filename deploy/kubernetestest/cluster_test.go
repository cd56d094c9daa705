package kubernetestest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// patience bounds every wait for a condition: a node may be slow and shared.
	patience = 5 * time.Minute
	// again is how often a condition is looked at.
	again = 500 * time.Millisecond
)

// kube is the cluster of KUBECONFIG, with kubectl as its client. It is safe for concurrent
// use.
type kube struct {
	manifests string // deploy/kubernetes, with the images of the test
	images    string // the beginning of their names
	platform  string // the Kubernetes namespace of etcd and the control server
	apps      string // that of applications, and the environment that they run in
	other     string // that of others
}

// run runs a command, and returns what it wrote to standard output; its error has what it
// wrote to standard error.
func run(ctx context.Context, stdin string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, problem.String())
	}
	return out.String(), nil
}

// ask runs kubectl in a namespace.
func (k *kube) ask(t *testing.T, namespace string, args ...string) (string, error) {
	return run(t.Context(), "", "kubectl", append([]string{"--namespace", namespace}, args...)...)
}

// must runs kubectl in a namespace, and fails the test when that fails.
func (k *kube) must(t *testing.T, namespace string, args ...string) string {
	t.Helper()
	out, err := k.ask(t, namespace, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// apply applies objects to a namespace.
func (k *kube) apply(t *testing.T, namespace string, objects ...any) {
	t.Helper()
	for _, object := range objects {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run(t.Context(), string(text), "kubectl", "--namespace", namespace, "apply", "-f", "-"); err != nil {
			t.Fatal(err)
		}
	}
}

// get reads an object.
func get[T any](t *testing.T, k *kube, namespace string, args ...string) (object T) {
	t.Helper()
	out := k.must(t, namespace, append([]string{"get", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &object); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return object
}

// until waits for a condition, which says what is missing, or nothing.
func until(t *testing.T, what string, missing func() string) {
	t.Helper()
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; {
		lacks := missing()
		if lacks == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s", what, lacks)
		}
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatalf("%s: %s", what, lacks)
		}
	}
}

type pod struct {
	Metadata struct{ Name string }
	Status   struct {
		Phase      string
		Conditions []struct {
			Type, Status       string
			LastTransitionTime time.Time
		}
		InitContainerStatuses []container
		ContainerStatuses     []container
	}
}

type container struct {
	Name             string
	RestartCount     int
	State, LastState struct {
		Waiting    *struct{ Reason string }
		Running    *struct{ StartedAt time.Time }
		Terminated *ended
	}
}

type ended struct {
	Reason                string
	ExitCode              int
	StartedAt, FinishedAt time.Time
}

// container finds a container of a pod; one that is not told of yet is empty.
func (p *pod) container(name string) container {
	for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		if c.Name == name {
			return c
		}
	}
	return container{}
}

// ready says since when a pod is ready; zero: it is not.
func (p *pod) ready() time.Time {
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" && c.Status == "True" {
			return c.LastTransitionTime
		}
	}
	return time.Time{}
}

func (k *kube) pod(t *testing.T, name string) *pod {
	t.Helper()
	p := get[pod](t, k, k.apps, "pod", name)
	return &p
}

// podsOf are the pods of the Deployment, those that are not on their way out.
func (k *kube) podsOf(t *testing.T, selector string) []pod {
	t.Helper()
	return get[struct{ Items []pod }](t, k, k.apps, "pods", "--selector", selector, "--field-selector", "status.phase!=Succeeded,status.phase!=Failed").Items
}

// untilReady waits for a pod.
func (k *kube) untilReady(t *testing.T, name string) *pod {
	t.Helper()
	var p *pod
	until(t, "pod "+name+" is ready", func() string {
		if p = k.pod(t, name); p.ready().IsZero() {
			return fmt.Sprintf("it is %+v", p.Status)
		}
		return ""
	})
	return p
}

// follower reads the log of a container as it is written.
type follower struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (f *follower) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(b)
}

// lines are the lines of JSON so far.
func (f *follower) lines() (lines []map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return parse(f.text.String())
}

// parse returns those lines of a log that are JSON.
func parse(log string) (lines []map[string]any) {
	for text := range strings.Lines(log) {
		var line map[string]any
		if json.Unmarshal([]byte(text), &line) == nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// find returns the first line after the first n that says a word; nil: none does.
func find(lines []map[string]any, n int, field, word string) map[string]any {
	for _, line := range lines[min(n, len(lines)):] {
		if line[field] == word {
			return line
		}
	}
	return nil
}

// when is the time of a line.
func when(t *testing.T, line map[string]any) time.Time {
	t.Helper()
	text, _ := line["time"].(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatalf("%v: %v", line, err)
	}
	return at
}

// follow reads the log of a container of a pod until the test ends.
func (k *kube) follow(t *testing.T, name, container string) *follower {
	t.Helper()
	f := &follower{}
	cmd := exec.CommandContext(t.Context(), "kubectl", "--namespace", k.apps, "logs", "--follow", "--container", container, name)
	cmd.Stdout = f
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	return f
}

// copyManifests copies the folder of manifests, with the test's images in them.
func copyManifests(t *testing.T, from, images, platform string) string {
	t.Helper()
	to := t.TempDir()
	const registry = "ghcr.io/config-service/"
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var lines []string
		for line := range strings.Lines(string(text)) {
			indent, image, isImage := strings.Cut(line, "image: ")
			switch image = strings.TrimSpace(image); {
			case !isImage:
			case strings.HasPrefix(image, registry+"config-service:"):
				line = indent + "image: " + images + "config-service:test\n"
			case strings.Contains(image, "/etcd:"):
				line = indent + "image: " + images + "etcd:test\n"
			default:
				line = indent + "image: " + images + "app:test\n"
			}
			lines = append(lines, line)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, filepath.Base(path)), []byte(strings.Join(lines, "")), info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
