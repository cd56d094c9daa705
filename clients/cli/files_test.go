package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/servertest"
)

// A folder that is a link is refused: left out, its scopes would be pruned.
func TestFolderThatIsALink(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir, other := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "namespaces"), 0o755); err != nil {
		t.Fatal(err)
	}
	if exit, _, errs := at(t, nil, environment, "set", "a=1", "-m", "x", "--yes"); exit != 0 {
		t.Fatal(errs)
	}
	if exit, _, errs := at(t, nil, environment, "set", "b=1", "-m", "x", "--yes", "-n", "b-service"); exit != 0 {
		t.Fatal(errs)
	}
	if exit, _, errs := at(t, nil, environment, "export", "--dir", dir, "-n", "b-service"); exit != 0 {
		t.Fatal(errs)
	}
	if err := os.Symlink(other, filepath.Join(dir, "namespaces", "a-service")); err != nil {
		t.Skip(err)
	}
	servertest.WriteFile(t, filepath.Join(other, "production.yaml"), "a: 1\n")
	exit, _, errs := at(t, nil, environment, "apply", "-f", dir, "--prune", "-m", "x", "--yes")
	if exit != 2 || !strings.Contains(errs, "namespaces/a-service: is a link to a folder; accepted: a folder") {
		t.Errorf("exit %d %s", exit, errs)
	}
	if _, out, _ := at(t, nil, environment, "export"); out != "a: 1\n" {
		t.Errorf("the scope holds %q", out)
	}
}

// A scope that became empty does not live on in its file.
func TestExportOfWhatBecameEmpty(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	for _, args := range [][]string{
		{"set", "a=1", "-m", "x", "--yes"}, {"export", "--dir", dir}, {"unset", "a", "-m", "x", "--yes"}, {"export", "--dir", dir}, {"diff", "-f", dir, "--prune"},
	} {
		if exit, _, errs := at(t, nil, environment, args...); exit != 0 {
			t.Errorf("%v: exit %d %s", args, exit, errs)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "namespaces", "a-service", "production.yaml")); err != nil || string(text) != "{}\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// hostile is a server that names scopes as it likes.
type hostile struct {
	adminv1.UnimplementedConfigAdminServiceServer
	head *adminv1.ScopeHead
}

func (h *hostile) ListNamespaces(context.Context, *adminv1.ListNamespacesRequest) (*adminv1.ListNamespacesResponse, error) {
	return &adminv1.ListNamespacesResponse{Scopes: []*adminv1.ScopeHead{h.head}}, nil
}

func (h *hostile) GetScope(context.Context, *adminv1.GetScopeRequest) (*adminv1.GetScopeResponse, error) {
	return &adminv1.GetScopeResponse{Head: h.head, Entries: []*adminv1.ScopeEntry{
		{Key: "a", Content: &adminv1.Content{Value: structpb.NewNumberValue(1)}},
	}}, nil
}

// No name that a server gives leads out of the folder that is exported to.
func TestExportOfNamesThatArePaths(t *testing.T) {
	t.Parallel()
	for _, head := range []*adminv1.ScopeHead{
		{Namespace: "../../evil", Environment: "production"}, {Namespace: "..", Environment: "production"},
		{Namespace: "a", Environment: "../../../evil"}, {Namespace: "", Environment: "production"}, {Namespace: "a/b", Environment: "c"},
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		adminv1.RegisterConfigAdminServiceServer(server, &hostile{head: head})
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		root := t.TempDir()
		dir := filepath.Join(root, "in", "here")
		exit, _, errs := at(t, nil, nil, "export", "--dir", dir, "--addr", listener.Addr().String())
		if exit != 1 || !strings.Contains(errs, "the server has a scope that cannot be a file: ") {
			t.Errorf("%v: exit %d %s", head, exit, errs)
		}
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				t.Errorf("%v: %s was written", head, path)
			}
			return nil
		})
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

// A folder below the one that is exported to and that is a link is not written into.
func TestExportFollowsNoLink(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir, other := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "namespaces"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "namespaces", "a-service")); err != nil {
		t.Skip(err)
	}
	expect(t, environment, expectation{[]string{"set", "a=1", "-m", "x", "--yes"}, 0, nil})
	exit, _, errs := at(t, nil, environment, "export", "--dir", dir)
	if exit != 2 || !strings.Contains(errs, "namespaces/a-service is a link to a folder; accepted: a folder") {
		t.Errorf("exit %d %s", exit, errs)
	}
	if entries, err := os.ReadDir(other); err != nil || len(entries) > 0 {
		t.Errorf("%v was written, %v", entries, err)
	}
}

// Nor is the file of a schema that is gone removed there.
func TestExportRemovesNothingBehindALink(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir, other := t.TempDir(), t.TempDir()
	schema := filepath.Join(other, "schema.json")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "namespaces"), 0o755), os.WriteFile(schema, []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "namespaces", "a-service")); err != nil {
		t.Skip(err)
	}
	// A scope that is empty, and has no file, is not written.
	expect(t, environment, expectation{[]string{"set", "a=1", "-m", "x", "--yes"}, 0, nil})
	expect(t, environment, expectation{[]string{"unset", "a", "-m", "x", "--yes"}, 0, nil})
	exit, _, errs := at(t, nil, environment, "export", "--dir", dir)
	if exit != 2 || !strings.Contains(errs, "namespaces/a-service is a link to a folder; accepted: a folder") {
		t.Errorf("exit %d %s", exit, errs)
	}
	if _, err := os.Stat(schema); err != nil {
		t.Error(err)
	}
}
