package service_test

import (
	"log/slog"
	"testing"
	"time"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// A search masks by the schema of the moment of what it found: here the service was deleted,
// its schema too, between the one and the other. Where schemas are not known it masks all.
func TestASearchMasksByTheSchemaOfItsMoment(t *testing.T) {
	t.Parallel()
	history := etcdstore.NewHistory(etcdstore.HistoryConfig{
		Endpoints: []string{servertest.StartEtcd(t).Endpoint}, Keep: 1, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	t.Cleanup(history.Close)
	rules, err := policy.Parse([]byte(`rules: [{who: ["user:anna"], may: [read], namespaces: ["*"], environments: ["*"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	current := func() *policy.Policy { return rules }
	g, err := policy.By(current)(&identity.Identity{Kind: identity.Token, User: "anna"}, policy.Inspect, "", "")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := snapshot.ParseValue([]byte(`"canary"`))
	if err != nil {
		t.Fatal(err)
	}
	id := snapshot.ScopeID{Namespace: "pay", Environment: "production"}
	for what, schemas := range map[string]snapshot.Schemas{"marked": {"pay": {Text: marksPassword, Revision: 1 << 39}}, "unknown": nil} {
		copied := replica.New(time.Now)
		reads := service.New(copied, telemetry.NewMetrics("test", time.Now), time.Now, nil)
		admin := service.NewAdmin(nil, history, reads, policy.Everywhere(current), func() (*policy.Policy, <-chan struct{}) { return rules, nil })
		copied.Replace(snapshot.Listing{
			Epoch: "e", Revision: 1 << 40, Verified: time.Now(), Schemas: schemas, Heads: map[snapshot.ScopeID]*snapshot.Head{},
			Scopes: map[snapshot.ScopeID][]snapshot.Change{id: {{Key: "password", Revision: 1 << 40, Created: 1 << 40, Value: secret}}},
		})
		for _, req := range []*adminv1.SearchRequest{{Key: "password"}, {Value: "canary"}} {
			found, err := admin.Search(policy.WithGrant(deadline(t), g), req)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(found.GetResults()); (n == 1) != (req.GetKey() != "") || n > 0 && !found.GetResults()[0].GetContent().GetMasked() {
				t.Errorf("%s: %v finds %v", what, req, found)
			}
		}
	}
}
