package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/config-service/config-service/"
	internal = module + "server/internal/"
)

// mayImport is the direction of the flow: what each package may import of this
// module. A package without a row fails the test. Tests are not held to it.
var mayImport = map[string][]string{
	"clients":                               {},
	"clients/conformance":                   {},
	"deploy/dockertest":                     {},
	"server":                                {"daemon", "etcdstore", "settings", "telemetry"},
	"server/bench":                          {"clients/go/configclient", "embeddedetcd", "etcdstore", "snapshot", "gen"},
	"server/bench/capacity":                 {"embeddedetcd", "etcdstore", "replica", "snapshot", "telemetry"},
	"server/dev":                            {"daemon", "embeddedetcd", "etcdstore", "settings", "snapshot", "telemetry"},
	"server/internal/daemon":                {"*"},
	"server/internal/diskcache":             {"snapshot"},
	"server/internal/embeddedetcd":          {},
	"server/internal/endpoint":              {"fault", "identity", "policy", "requestid", "snapshot", "telemetry", "gen"},
	"server/internal/etcdstore":             {"identity", "schema", "policy", "snapshot", "telemetry"},
	"server/internal/fault":                 {"gen"},
	"server/internal/gateway":               {"deploy", "fault", "identity", "requestid", "telemetry", "gen"},
	"server/internal/identity":              {"snapshot"},
	"server/internal/isolation":             {},
	"server/internal/policy":                {"identity", "snapshot"},
	"server/internal/replica":               {"policy", "snapshot", "telemetry"},
	"server/internal/requestid":             {},
	"server/internal/robust":                {"gen"},
	"server/internal/robust/recheck":        {"robust"},
	"server/internal/schema":                {"snapshot"},
	"server/internal/service":               {"schema", "etcdstore", "fault", "identity", "policy", "replica", "snapshot", "telemetry", "gen"},
	"server/internal/settings":              {"deploy", "snapshot"},
	"server/internal/snapshot":              {},
	"server/internal/telemetry":             {},
	"server/internal/watched":               {},
	"server/leaktest":                       {},
	"server/servertest":                     {"daemon", "embeddedetcd", "endpoint", "etcdstore", "identity", "settings", "snapshot", "gen"},
	"clients/cli":                           {"clients/cli/internal/connect", "clients/cli/internal/contextfile", "clients/cli/internal/editor", "clients/cli/internal/foreign", "clients/cli/internal/inject", "clients/cli/internal/inspect", "clients/cli/internal/problem", "clients/cli/internal/schema", "clients/cli/internal/secretfile", "clients/cli/internal/sequence", "clients/cli/internal/show", "clients/cli/internal/tokensfile", "clients/cli/internal/tree", "clients/cli/internal/variables", "clients/cli/internal/workload", "deploy", "gen"},
	"clients/cli/internal/connect":          {},
	"clients/cli/internal/contextfile":      {"clients/cli/internal/secretfile"},
	"clients/cli/internal/editor":           {},
	"clients/cli/internal/foreign":          {},
	"clients/cli/internal/inject":           {"clients/cli/internal/workload", "deploy"},
	"clients/cli/internal/inspect":          {"clients/cli/internal/workload", "deploy"},
	"clients/cli/internal/problem":          {},
	"clients/cli/internal/schema":           {"clients/cli/internal/tree"},
	"clients/cli/internal/secretfile":       {},
	"clients/cli/internal/sequence":         {"clients/cli/internal/tree", "gen"},
	"clients/cli/internal/show":             {"clients/cli/internal/tree", "gen"},
	"clients/cli/internal/tokensfile":       {"clients/cli/internal/secretfile"},
	"clients/cli/internal/tree":             {},
	"clients/cli/internal/variables":        {"clients/cli/internal/tree"},
	"clients/cli/internal/workload":         {"deploy"},
	"clients/conformance/godriver":          {"clients/go/configclient"},
	"clients/go/configclient":               {"gen"},
	"clients/go/configtest":                 {"clients/go/configclient", "server/servertest", "gen"},
	"deploy":                                {},
	"deploy/generate":                       {"deploy"},
	"deploy/kubernetestest":                 {},
	"deploy/kubernetestest/app":             {"clients/go/configclient"},
	"gen":                                   {},
	"gen/go/configservice/v1":               {},
	"gen/go/configservice/admin/v1":         {},
	"gen/go/gateway/configservice/admin/v1": {"gen"},
	"gen/go/gateway/configservice/v1":       {"gen"},
}

// only is who may use a library outside this module.
var only = map[string][]string{
	"github.com/grpc-ecosystem/grpc-gateway/v2": {"gen/go/gateway/configservice/admin/v1", "gen/go/gateway/configservice/v1", "server/internal/gateway"},
	"github.com/go-jose/go-jose/v4":             {"server/internal/identity"},
	"go.etcd.io/etcd/client/v3":                 {"server/bench", "server/internal/etcdstore", "server/internal/robust"},
	"go.etcd.io/etcd/server/v3":                 {"server/internal/embeddedetcd"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestImportsFollowTheFlow(t *testing.T) {
	for _, p := range list(t, "../server/...", "../clients/...", "../gen/...", "../deploy", "../deploy/generate", "../deploy/kubernetestest/...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("%s has no row in the table of imports", name)
			continue
		}
		for _, path := range p.Imports {
			for library, users := range only {
				if strings.HasPrefix(path, library) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s", name, path)
				}
			}
			own, ok := strings.CutPrefix(path, module)
			if !ok || slices.Contains(allowed, "*") {
				continue
			}
			short := strings.TrimPrefix(own, "server/internal/")
			if strings.HasPrefix(own, "gen") {
				short = "gen"
			}
			if !slices.Contains(allowed, short) {
				t.Errorf("%s imports %s", name, own)
			}
		}
	}
}

func TestSomeNeedOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range list(t, internal+"snapshot", module+"deploy") {
		for _, path := range p.Imports {
			if strings.Contains(strings.Split(path, "/")[0], ".") {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
}

func TestTheProductionBinaryHasNoEtcdServer(t *testing.T) {
	for _, path := range list(t, ".")[0].Deps {
		if strings.HasPrefix(path, "go.etcd.io/etcd/server/") {
			t.Errorf("the production binary links %s", path)
		}
	}
}
