package isolation

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"
)

// perCall is what differs between two answers to the same request.
var perCall = regexp.MustCompile(`(?i)(x-request-id:\[)[^\]]*\]|(date:\[)[^\]]*\]`)

// TestADenialTellsNothing: the answer to who asks for another service's configuration is
// the same, to the byte, whether that service exists or not.
func TestADenialTellsNothing(t *testing.T) {
	w := newWorld(t, 3, 0)
	own, victim := w.tenants[0], w.tenants[1]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	nobody := "pay-x" // as long as the other one
	for _, m := range methods(t) {
		r := rows[string(m.FullName())]
		if m.Input().Fields().ByName("namespace") == nil || m.Name() == "CanI" {
			continue // CanI tells a caller what it may, by what it was told to do, not by what exists
		}
		ask := func(namespace string) (grpc, rest string) {
			req := request{method: m, fields: r.fields(own), bearers: []string{own.bearer()}}
			req.fields["namespace"] = namespace
			byREST, err := req.overREST(ctx, client, w.control.URL)
			if err != nil {
				t.Fatal(err)
			}
			return perCall.ReplaceAllString(string(req.overGRPC(ctx, w.control.Conn(t)).bytes), ""), perCall.ReplaceAllString(string(byREST.bytes), "")
		}
		grpcThere, restThere := ask(victim.namespace)
		grpcNot, restNot := ask(nobody)
		if grpcThere != grpcNot {
			t.Errorf("%s by gRPC tells apart\n%q\n%q", m.Name(), grpcThere, grpcNot)
		}
		if restThere != restNot {
			t.Errorf("%s by REST tells apart\n%q\n%q", m.Name(), restThere, restNot)
		}
	}
	w.timeDenials(ctx, t, own, victim.namespace, nobody)
}

// timeDenials prints by how much the time of a denial tells the two apart: Welch's t,
// which is below 4.5 when it does not. Only the long form (SOAK=1) holds it, for on a
// loaded machine time tells nothing.
func (w *world) timeDenials(ctx context.Context, t *testing.T, own *tenant, there, not string) {
	t.Helper()
	n := 1000
	if os.Getenv("SOAK") != "" {
		n = 10_000
	}
	var m method
	for _, one := range methods(t) {
		if one.Name() == "Get" {
			m = one
		}
	}
	var sum, square [2]float64
	for i := range 2 * n {
		which, namespace := i%2, there
		if which == 1 {
			namespace = not
		}
		req := request{method: m, fields: map[string]string{"key": "a", "namespace": namespace}, bearers: []string{own.bearer()}}
		began := time.Now()
		req.overGRPC(ctx, w.control.Conn(t))
		took := min(float64(time.Since(began).Microseconds()), 5000) // what the machine did meanwhile is cut
		sum[which] += took
		square[which] += took * took
	}
	mean := [2]float64{sum[0] / float64(n), sum[1] / float64(n)}
	spread := [2]float64{square[0]/float64(n) - mean[0]*mean[0], square[1]/float64(n) - mean[1]*mean[1]}
	welch := (mean[0] - mean[1]) / math.Sqrt((spread[0]+spread[1])/float64(n))
	fmt.Printf("FIGURE denial: %.0f us of a service that exists, %.0f us of one that does not, t %.2f (goal |t| < 4.5), n %d\n", mean[0], mean[1], welch, n)
	if os.Getenv("SOAK") != "" && math.Abs(welch) >= 4.5 {
		t.Errorf("the time of a denial tells whether the service exists: t %.2f", welch)
	}
}
