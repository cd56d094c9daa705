package main

import (
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/servertest"
)

// What a caller may not see is never taken for null: not shown so, and not written back.
func TestMaskedIsNotNull(t *testing.T) {
	t.Parallel()
	s, environment := admin(t) // who reads and writes, but has no read-sensitive
	schema, err := structpb.NewValue(map[string]any{"properties": map[string]any{"password": map[string]any{"x-sensitive": true}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+servertest.AdminToken)
	if _, err := adminv1.NewConfigAdminServiceClient(s.Conn(t)).PutSchema(ctx, &adminv1.PutSchemaRequest{Namespace: "a-service", Schema: schema}); err != nil {
		t.Fatal(err)
	}
	if exit, _, errs := at(t, nil, environment, "set", "password=\"first\"", "open=1", "-m", "x", "--yes"); exit != 0 {
		t.Fatal(errs)
	}
	exit, _, errs := at(t, nil, environment, "set", "password=\"second\"", "-m", "x", "--yes")
	if exit != 0 || !strings.Contains(errs, "  - password: (masked)\n  + password: (masked)\n") {
		t.Errorf("set: exit %d %s", exit, errs)
	}
	environment["EDITOR"] = "sed -i s/1/2/"
	for _, args := range [][]string{
		{"export"}, {"export", "--version", "1"}, {"export", "--dir", t.TempDir()},
		{"edit", "-m", "x", "--yes"}, {"promote", "production", "test", "-m", "x", "--yes"},
	} {
		exit, out, errs := at(t, nil, environment, args...)
		if exit != 1 || out != "" || !strings.Contains(errs, "password of a-service in production is sensitive, and masked for this caller") {
			t.Errorf("%v: exit %d %q %s", args, exit, out, errs)
		}
	}
	file := filepath.Join(t.TempDir(), "file.yaml")
	servertest.WriteFile(t, file, "password: null\n")
	if exit, _, errs := at(t, nil, environment, "apply", "-f", file, "--dry-run"); exit != 0 || !strings.Contains(errs, "+ password: (masked)") {
		t.Errorf("apply: exit %d %s", exit, errs)
	}
}
