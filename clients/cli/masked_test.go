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

	// What applications get is masked as well, and never taken for a value.
	environment["SERVICE_NAME"], environment["ENVIRONMENT"] = "a-service", "production"
	const left = "note: left out, for they are sensitive and you may not see them (read-sensitive): password\n"
	for _, test := range []struct {
		args      []string
		exit      int
		out, errs string
	}{
		{[]string{"list"}, 0, "password   service-environment   (masked)\n", ""},
		{[]string{"list", "-o", "json"}, 0, `"masked": true`, ""},
		{[]string{"list", "-o", "env"}, 0, "OPEN='1'\n", left},
		{[]string{"list", "-o", "raw"}, 0, "open=1\n", left},
		{[]string{"explain", "password"}, 0, "service-environment   effective   (masked)\n", ""},
		{[]string{"get", "password"}, 1, "", "PERMISSION_DENIED: key \"password\" of a-service/production is marked as sensitive"},
	} {
		exit, out, errs := at(t, nil, environment, test.args...)
		if exit != test.exit || !strings.Contains(out, test.out) || !strings.Contains(errs, test.errs) || strings.Contains(out+errs, "second") || strings.Contains(out, "PASSWORD") || test.out == "" && out != "" {
			t.Errorf("%v: exit %d %q %q", test.args, exit, out, errs)
		}
	}
}

func TestVersionsApart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b  string
		apart int64
		known bool
	}{
		{"v1.2.3", "1.2.0", 0, true}, {"1.2.3", "v1.3.0-rc.1", 1, true}, {"1.5.0", "1.3.9", 2, true}, {"2.0.0", "1.9.0", 1000, true},
		{"dev", "1.0.0", 0, false}, {"1.0.0", "", 0, false}, {"1.0", "1.0.0", 0, false},
	} {
		if apart, known := minorsApart(test.a, test.b); apart != test.apart || known != test.known {
			t.Errorf("%s and %s are %d apart, %t", test.a, test.b, apart, known)
		}
	}
}
