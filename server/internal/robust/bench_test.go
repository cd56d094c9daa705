package robust_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// BenchmarkChange measures how long a change travels from the write to a watching
// client, over each transport, beside a bare etcd watch of the same key in the same
// run. ms/op is not of interest; the reported metrics are.
func BenchmarkChange(b *testing.B) {
	etcd := servertest.StartEtcd(b)
	server := servertest.Start(b, servertest.Options{Etcd: etcd})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	rest := &http.Client{Transport: transport}
	for _, c := range []struct {
		name string
		open robust.Open
	}{
		{"gRPC", robust.OverGRPC(server.Conn(b))},
		{"NDJSON", robust.OverNDJSON(rest, server.URL)},
		{"SSE", robust.OverSSE(rest, server.URL)},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkChange(b, server, c.open) })
	}
}

func benchmarkChange(b *testing.B, server *servertest.Server, open robust.Open) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	bare, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Etcd.Endpoint}, Logger: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	watch := bare.Watch(ctx, "/config-service/v1/entries/development/payment-service/bench", clientv3.WithCreatedNotify())
	<-watch
	recv, err := open(ctx, robust.Selection{Keys: []string{"bench"}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := recv(); err != nil {
		b.Fatal(err)
	}
	var ours, etcds []time.Duration
	b.ResetTimer()
	for i := range b.N {
		arrived := make(chan time.Time, 1)
		go func() {
			<-watch
			arrived <- time.Now()
		}()
		written := time.Now()
		server.Set(b, configv1.Layer_SERVICE_ENVIRONMENT, "bench", strconv.Itoa(i))
		for {
			m, err := recv()
			if err != nil {
				b.Fatal(err)
			}
			if m.Kind == robust.Delta {
				break
			}
		}
		ours = append(ours, time.Since(written))
		etcds = append(etcds, (<-arrived).Sub(written))
	}
	b.StopTimer()
	ms := func(all []time.Duration, q float64) float64 {
		slices.Sort(all)
		return float64(all[min(int(q*float64(len(all))), len(all)-1)].Microseconds()) / 1000
	}
	b.ReportMetric(ms(ours, .5), "p50-ms")
	b.ReportMetric(ms(ours, .99), "p99-ms")
	b.ReportMetric(ms(ours, 1), "max-ms")
	b.ReportMetric(ms(etcds, .5), "etcd-p50-ms")
	b.ReportMetric(ms(etcds, .99), "etcd-p99-ms")
}
