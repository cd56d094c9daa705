package robust_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/config-service/config-service/server/internal/embeddedetcd"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/leaktest"
)

// parentEnv is set for a child that is to start a Cluster and to be killed.
const parentEnv = "CONFIG_SERVICE_ROBUST_PARENT"

// TestMain runs the tests, or, as the child process of a Cluster, a member of etcd.
func TestMain(m *testing.M) {
	if spec, ok := os.LookupEnv(robust.MemberEnv); ok {
		if err := runMember(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(parentEnv) != "" {
		runParent()
		return
	}
	telemetry.RouteLibraryLogs(slog.New(slog.DiscardHandler))
	leaktest.Main(m)
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

// runParent starts a Cluster, says where its members listen, and waits to be killed.
func runParent() {
	c, err := robust.NewCluster(context.Background(), "", 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(append(c.Endpoints(), c.Dir()), " "))
	_, _ = io.Copy(io.Discard, os.Stdin)
	c.Close()
}
