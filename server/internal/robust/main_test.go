package robust_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/config-service/config-service/server/internal/embeddedetcd"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// TestMain runs the tests, or, as the child process of a Cluster, a member of etcd.
func TestMain(m *testing.M) {
	if spec, ok := os.LookupEnv(robust.MemberEnv); ok {
		if err := runMember(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	telemetry.RouteLibraryLogs(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

func runMember(spec string) error {
	var m robust.Member
	if err := json.Unmarshal([]byte(spec), &m); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return embeddedetcd.RunMember(ctx, embeddedetcd.Member(m))
}
