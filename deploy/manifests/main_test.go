// Package manifests holds what teams get for Kubernetes against Kubernetes, Kustomize and
// Helm. It is a module of its own: none of these is anything that the product needs.
package manifests

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

const deployed = ".."

// configctl is the path of the command line, built once.
var configctl string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "manifests")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	configctl = filepath.Join(dir, "configctl")
	build := exec.Command("go", "build", "-o", configctl, "./clients/cli")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// ctl is what configctl prints.
func ctl(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(configctl, args...)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("configctl %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decoder() runtime.Decoder {
	return serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
}

// objects decodes a stream as an API server does that is asked to be strict: what it does not
// know, or knows twice, is an error.
func objects(t *testing.T, text []byte) []runtime.Object {
	t.Helper()
	var all []runtime.Object
	for documents := utilyaml.NewYAMLReader(newReader(text)); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(withoutComments(document))) == 0 {
			continue
		}
		object, _, err := decoder().Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if list, ok := object.(*corev1.List); ok {
			for _, item := range list.Items {
				all = append(all, objects(t, item.Raw)...)
			}
			continue
		}
		all = append(all, object)
	}
}

func withoutComments(document []byte) []byte {
	var out []byte
	for line := range bytes.Lines(document) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) && !bytes.HasPrefix(line, []byte("---")) {
			out = append(out, line...)
		}
	}
	return out
}

// podSpec decodes a fragment of a pod's spec.
func podSpec(t *testing.T, text []byte) *corev1.PodSpec {
	t.Helper()
	var spec corev1.PodSpec
	if err := yaml.UnmarshalStrict(text, &spec); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return &spec
}
