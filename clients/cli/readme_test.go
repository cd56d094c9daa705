package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/config-service/config-service/server/servertest"
)

var shell = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// The examples of the README run as they stand, one after the other.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, block := range shell.FindAllSubmatch(text, -1) {
		all.Write(block[1])
	}
	if strings.Count(all.String(), "configctl") < 30 {
		t.Error("the README has hardly an example")
	}
	s, environment := admin(t)
	settled := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.Settle(t) }))
	t.Cleanup(settled.Close)
	dir := t.TempDir()
	// A person is slower than what a commit changed takes to come to readers.
	person := "configctl() { curl -fs " + settled.URL + " && command configctl \"$@\"; }\n"
	servertest.WriteFile(t, filepath.Join(dir, "readme.txtar"), "exec sh -eux examples\n-- examples --\n"+person+all.String())
	testscript.Run(t, testscript.Params{Dir: dir, Setup: func(env *testscript.Env) error {
		for name, value := range environment {
			env.Setenv(name, value)
		}
		env.Setenv("HOME", env.WorkDir) // where contexts are kept
		return nil
	}})
}
