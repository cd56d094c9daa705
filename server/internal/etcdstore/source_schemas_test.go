package etcdstore_test

import (
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// Schemas that can be followed now are listed before, also when the connection that found
// it out is lost: else the first that changes would be taken for all there are.
func TestWhatIsReachedAnewIsListedHoweverManyConnectionsThatTakes(t *testing.T) {
	t.Parallel()
	etcd, r := servertest.StartEtcd(t), replica.New(time.Now)
	source := etcdstore.NewSource(etcdstore.Config{
		Endpoints: []string{etcd.Endpoint}, Schemas: true, Nudges: r.Nudges(), AuditEvery: time.Hour,
		Log: slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics("test", time.Now), Now: time.Now, Rand: rand.New(rand.NewPCG(1, 2)),
	}, r)
	for connection := range 2 {
		if others, err := source.Reach(within(t)); err != nil || !others {
			t.Errorf("connection %d: a listing is due: %t, %v", connection, others, err)
		}
	}
}
