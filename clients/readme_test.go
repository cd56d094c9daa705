package clients_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// block returns the one block of code in a language that README.md has.
func block(t *testing.T, language string) string {
	t.Helper()
	return blockOf(t, "README.md", "", language)
}

// blockOf returns the one block of code in a language that a text has below a heading.
func blockOf(t *testing.T, file, heading, language string) string {
	t.Helper()
	readme, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if heading != "" {
		_, after, _ := bytes.Cut(readme, []byte("\n"+heading+"\n"))
		readme, _, _ = bytes.Cut(after, []byte("\n## "))
	}
	found := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks in %s, want 1", file, len(found), language)
	}
	return found[0][1]
}

// TestQuickstart runs the blocks of README.md as they are printed.
func TestQuickstart(t *testing.T) {
	binary := build(t)
	for _, q := range []struct {
		language string
		prepare  func(t *testing.T, code string) (argv []string)
	}{
		{"python", pythonQuickstart},
		{"go", goQuickstart},
		{"ts", typescriptQuickstart},
		{"java", javaQuickstart},
	} {
		t.Run(q.language, func(t *testing.T) {
			code := block(t, q.language)
			if lines := strings.Count(code, "\n"); lines > 8 {
				t.Errorf("it has %d lines", lines)
			}
			argv := q.prepare(t, code)
			t.Run("with a sidecar", func(t *testing.T) { printsAndFollows(t, binary, argv) })
			t.Run("without", func(t *testing.T) {
				run(t, addresses(servertest.FreeAddress(t), servertest.FreeAddress(t)), argv...).prints(t, "10")
			})
		})
	}
}

func addresses(http, grpc string) []string {
	return []string{"CONFIG_SERVICE_URL=http://" + http, "CONFIG_SERVICE_ADDR=" + grpc, "PYTHONUNBUFFERED=1"}
}

func printsAndFollows(t *testing.T, binary string, argv []string) {
	s := newSidecar(t, binary, "")
	s.start(t)
	p, first := runUntilAnswered(t, "10", addresses(s.http, s.grpc), argv...)
	if first != "20" {
		t.Fatalf("it prints %s, want 20", first)
	}
	s.set(t, poolSize, "25")
	for line := ""; line != poolSize+" 25"; {
		// The watch of a stub begins with what is.
		if line = p.line(t); line != poolSize+" 20" && line != poolSize+" 25" {
			t.Fatalf("it prints %s", line)
		}
	}
}

func pythonQuickstart(t *testing.T, code string) []string {
	source, err := filepath.Abs("python/src")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", source)
	return []string{"python3", write(t, t.TempDir(), "quickstart.py", code)}
}

func goQuickstart(t *testing.T, code string) []string {
	dir := t.TempDir()
	imports := `import ("context"; "fmt"; "log"; "github.com/config-service/config-service/clients/go/configclient")`
	main := write(t, dir, "main.go", "package main\n"+imports+"\nfunc main() {\n"+code+"}\n")
	command(t, ".", "go", "build", "-o", filepath.Join(dir, "quickstart"), main)
	return []string{filepath.Join(dir, "quickstart")}
}

func typescriptQuickstart(t *testing.T, code string) []string {
	project := "../.build/typescript/follow"
	needs(t, filepath.Join(project, "dist"))
	dir, err := os.MkdirTemp(project, "quickstart-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	write(t, dir, "main.ts", code)
	main := filepath.Join(filepath.Base(dir), "main.ts")
	command(t, project, "node_modules/.bin/tsc", "--ignoreConfig", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node", main)
	return []string{"node", filepath.Join(dir, "main.js")}
}

func javaQuickstart(t *testing.T, code string) []string {
	target := "../.build/java/follow/target"
	needs(t, target)
	imports := "import io.github.configservice.client.*; import io.github.configservice.v1.*; import io.grpc.*; import java.io.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*; import java.util.stream.*;"
	dir := t.TempDir()
	main := write(t, dir, "Quickstart.java", imports+"\nclass Quickstart { public static void main(String[] args) throws Exception {\n"+code+"} }\n")
	classes := filepath.Join(target, "dependency", "*") + string(os.PathListSeparator) + dir
	command(t, ".", "javac", "-J-XX:TieredStopAtLevel=1", "-cp", classes, main)
	return []string{"java", "-XX:TieredStopAtLevel=1", "-cp", classes, "Quickstart"}
}

// TestOtherLanguages generates with the lines for other languages: what protoc brings is
// generated, and the programs that are not here are stood in for by one that does nothing.
func TestOtherLanguages(t *testing.T) {
	buf, protoc := "../.tools/node_modules/.bin/buf", "../.tools/bin/protoc"
	needs(t, buf)
	needs(t, protoc)
	config := block(t, "yaml")
	bin, out := t.TempDir(), t.TempDir()
	for _, plugin := range regexp.MustCompile(`local: ([\w-]+)`).FindAllStringSubmatch(config, -1) {
		if err := os.Chmod(write(t, bin, plugin[1], "#!/bin/sh\ncat >/dev/null\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := filepath.Abs(filepath.Dir(protoc))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", strings.Join([]string{bin, tools, os.Getenv("PATH")}, string(os.PathListSeparator)))
	command(t, ".", buf, "generate", "--template", write(t, t.TempDir(), "buf.gen.yaml", config), "--output", out, "../proto")
	languages := regexp.MustCompile(`protoc_builtin: \w+, out: (gen/\w+)`).FindAllStringSubmatch(config, -1)
	if len(languages) < 4 {
		t.Errorf("only %d languages were found", len(languages))
	}
	for _, language := range languages {
		if files := count(t, filepath.Join(out, language[1])); files < 2 {
			t.Errorf("%d files are in %s", files, language[1])
		}
	}
}

func count(t *testing.T, dir string) (files int) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	return files
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
