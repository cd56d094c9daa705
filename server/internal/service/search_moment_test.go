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

// onEtcd is an Admin over a copy that the test fills, and the history of a real etcd; g lets
// everything be inspected.
type onEtcd struct {
	*service.Admin
	copied *replica.Replica
	at     etcdstore.Position
	g      policy.Grant
}

func startOnEtcd(t *testing.T) *onEtcd {
	t.Helper()
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
	at, err := history.Position(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	copied := replica.New(time.Now)
	reads := service.New(copied, telemetry.NewMetrics("test", time.Now), time.Now, nil)
	admin := service.NewAdmin(nil, history, reads, policy.Everywhere(current), func() (*policy.Policy, <-chan struct{}) { return rules, nil })
	return &onEtcd{admin, copied, at, g}
}

// hold is a listing of one key, at the place of the store.
func (o *onEtcd) hold(epoch string, id snapshot.ScopeID, c snapshot.Change) snapshot.Listing {
	c.Revision, c.Created = o.at.Revision, o.at.Revision
	return snapshot.Listing{
		Epoch: epoch, Cluster: o.at.Cluster, Term: o.at.Term, Revision: o.at.Revision, Verified: time.Now(),
		Heads: map[snapshot.ScopeID]*snapshot.Head{}, Scopes: map[snapshot.ScopeID][]snapshot.Change{id: {c}},
	}
}

// A search masks by the schema of the moment of what it found: here the service was deleted,
// its schema too, between the one and the other. Where schemas are not known it masks all.
func TestASearchMasksByTheSchemaOfItsMoment(t *testing.T) {
	t.Parallel()
	secret, err := snapshot.ParseValue([]byte(`"canary"`))
	if err != nil {
		t.Fatal(err)
	}
	id := snapshot.ScopeID{Namespace: "pay", Environment: "production"}
	for what, schemas := range map[string]snapshot.Schemas{"marked": {"pay": {Text: marksPassword, Revision: 1}}, "unknown": nil} {
		o := startOnEtcd(t)
		l := o.hold("e", id, snapshot.Change{Key: "password", Value: secret})
		l.Schemas = schemas
		o.copied.Replace(l)
		for _, req := range []*adminv1.SearchRequest{{Key: "password"}, {Value: "canary"}} {
			found, err := o.Search(policy.WithGrant(deadline(t), o.g), req)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(found.GetResults()); (n == 1) != (req.GetKey() != "") || n > 0 && !found.GetResults()[0].GetContent().GetMasked() {
				t.Errorf("%s: %v finds %v", what, req, found)
			}
		}
	}
}

// The store was restored, and the copy does not know it yet: what it has is not told.
func TestWhatIsListedIsOfTheHistoryThatThereIs(t *testing.T) {
	t.Parallel()
	for what, lost := range map[string]func(*snapshot.Listing){
		"a later revision": func(l *snapshot.Listing) { l.Revision += 1000 },
		"a later term":     func(l *snapshot.Listing) { l.Term++ },
		"another cluster":  func(l *snapshot.Listing) { l.Cluster++ },
	} {
		o := startOnEtcd(t)
		one := snapshot.Change{Key: "a"}
		l := o.hold("lost", snapshot.ScopeID{Namespace: "lost", Environment: "production"}, one)
		lost(&l)
		o.copied.Replace(l)
		answers := make(chan *adminv1.ListNamespacesResponse, 1)
		ctx := policy.WithGrant(deadline(t), o.g)
		go func() {
			got, err := o.ListNamespaces(ctx, &adminv1.ListNamespacesRequest{})
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			answers <- got
		}()
		select {
		case <-o.copied.Nudges(): // it waits
		case got := <-answers:
			t.Fatalf("%s: listed %v", what, got)
		}
		o.copied.Replace(o.hold("restored", snapshot.ScopeID{Namespace: "kept", Environment: "production"}, one))
		if got := (<-answers).GetScopes(); len(got) != 1 || got[0].GetNamespace() != "kept" {
			t.Errorf("%s: after the copy has noticed it lists %v", what, got)
		}
	}
}
