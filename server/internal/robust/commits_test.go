package robust_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/robust"
)

// editorToken shows that the caller is the user editor, who may read and write everything.
const editorToken = "cs_testedit_abcdefghijklmnopqrstuvwxyz"

// controlLaunch is how a control server is started.
func controlLaunch(t *testing.T, binary string, etcd ...string) *robust.Launch {
	t.Helper()
	dir := t.TempDir()
	settings := map[string]string{
		"CONFIG_ROLE": "control", "SERVICE_NAME": service, "ENVIRONMENT": environment, "ETCD_ENDPOINTS": strings.Join(etcd, ","),
	}
	for setting, text := range map[string]string{
		"CONFIG_TOKENS_FILE": fmt.Sprintf("- {id: testedit, digest: \"sha256:%x\", user: editor}\n", sha256.Sum256([]byte(editorToken))),
		"CONFIG_POLICY_FILE": "rules:\n  - {who: [\"user:editor\", \"service:*/*\"], may: [read, write], namespaces: [\"*\"], environments: [\"*\"]}\n",
	} {
		settings[setting] = filepath.Join(dir, setting+".yaml")
		if err := os.WriteFile(settings[setting], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := robust.NewLaunch(binary, settings)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// editorOf is a client of a control server, and its context shows who calls.
func editorOf(t *testing.T, l *robust.Launch) adminv1.ConfigAdminServiceClient {
	t.Helper()
	// A call that finds no server waits for one: only what was under way stays open.
	conn, err := grpc.NewClient(l.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond}, MinConnectTimeout: 5 * time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the test is over
	return adminv1.NewConfigAdminServiceClient(conn)
}

func asEditor(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+editorToken)
}

func setKey(environment, key, text string) *adminv1.Change {
	return &adminv1.Change{Environment: environment, Key: key, Operation: &adminv1.Change_Set{Set: structpb.NewStringValue(text)}}
}

func deleteKey(environment, key string) *adminv1.Change {
	return &adminv1.Change{Environment: environment, Key: key, Operation: &adminv1.Change_Delete{Delete: true}}
}

// settled says that it is known what became of a call: done, refused, or not begun.
func settled(err error) (reason string, known bool) {
	st := status.Convert(err)
	reason = fault.ReasonOf(st)
	switch reason {
	case "VERSION_CONFLICT", "INVALID_ARGUMENT", "VERSION_NOT_FOUND", "TOO_LARGE":
		return reason, true
	case "STORE_UNAVAILABLE":
		return reason, strings.Contains(st.Message(), "nothing was done")
	}
	return reason, err == nil
}
