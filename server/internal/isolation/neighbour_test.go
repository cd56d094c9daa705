package isolation

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// legalGoal is what a legal client may wait beside hostile ones, at the 99th percentile. It
// is held where the machine has time (SOAK=1), and printed elsewhere.
const legalGoal = 50 * time.Millisecond

// neighbour is a legal client beside the hostile ones. One goroutine owns it.
type neighbour struct {
	took   []time.Duration
	failed []string
}

// run asks for a value 100 times a second, by gRPC and REST in turn, with the token that
// is current.
func (n *neighbour) run(ctx context.Context, t *testing.T, w *world) {
	own := w.tenants[len(w.tenants)-1]
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		began := time.Now()
		var err error
		if i%2 == 0 {
			_, err = configv1.NewConfigServiceClient(w.control.Conn(t)).Get(metadata.AppendToOutgoingContext(ctx, "authorization", own.bearer()), &configv1.GetRequest{Key: own.key})
		} else {
			err = getREST(ctx, client, w.control.URL+"/v1/config/"+own.key, own)
		}
		if ctx.Err() != nil {
			return
		}
		n.took = append(n.took, time.Since(began))
		if err != nil {
			n.failed = append(n.failed, err.Error())
		}
	}
}

func getREST(ctx context.Context, client *http.Client, url string, own *tenant) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", own.bearer())
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && !strings.Contains(string(body), own.value) {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return err
}

// report says how it fared. Errors are none of the machine's business.
func (n *neighbour) report(t *testing.T) string {
	t.Helper()
	if len(n.failed) > 0 {
		t.Errorf("the legal client failed %d times: %s", len(n.failed), n.failed[0])
	}
	if len(n.took) == 0 {
		t.Fatal("the legal client made no call")
	}
	slices.Sort(n.took)
	p99 := n.took[len(n.took)*99/100]
	if os.Getenv("SOAK") != "" && p99 > legalGoal {
		t.Errorf("the legal client waited %s at the 99th percentile, want %s", p99, legalGoal)
	}
	return fmt.Sprintf("%d gets, %d failed, p99 %s (goal %s)", len(n.took), len(n.failed), p99.Round(10*time.Microsecond), legalGoal)
}

func protoName(s string) protoreflect.Name { return protoreflect.Name(s) }

func quoted(s string) string { return fmt.Sprintf("%.80q", s) }

// unsendable says whether an HTTP client cannot send the attack: what is no header or no
// URL does not leave it.
func unsendable(a attack) bool {
	for _, h := range a.headers {
		if strings.ContainsAny(h[1], "\r\n\x00") {
			return true
		}
	}
	return false
}
