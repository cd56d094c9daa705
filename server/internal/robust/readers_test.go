package robust_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

// getOn gets keys from a sidecar until ctx ends, a burst of them every interval, in
// turn over gRPC and REST.
func (s *scene) getOn(ctx context.Context, sc *sidecar, i, burst int, every time.Duration) {
	rng := rand.New(rand.NewPCG(s.plan.Seed, uint64(1000+i)))
	client := sc.server.Client(s.t)
	name := fmt.Sprintf("%s reader %d", sc.name, i)
	for pace := newPace(every); pace.next(ctx); {
		for n := range burst {
			// The last key of a group comes and goes.
			op := robust.Op{Client: name, Kind: robust.OpGet, Key: fmt.Sprintf("g%d.k%d", rng.IntN(groups), rng.IntN(perGroup-1)), Call: s.history.Now()}
			var resp *configv1.GetResponse
			var err error
			if n%2 == 0 {
				resp, err = client.Get(context.WithoutCancel(ctx), &configv1.GetRequest{Key: op.Key})
			} else {
				resp, err = getREST(sc, op.Key)
			}
			op.Return = s.history.Now()
			s.got.Add(1)
			s.noteGet(op, resp, err)
		}
	}
}

func (s *scene) noteGet(op robust.Op, resp *configv1.GetResponse, err error) {
	if err != nil {
		op.Error = err.Error()
	} else {
		s.noteState(&op, resp.GetState())
		value, _ := json.Marshal(resp.GetEntry().GetValue().AsInterface()) // numbers only
		op.Entry = &robust.Entry{Value: string(value), Revision: resp.GetEntry().GetRevision(), Layer: int32(resp.GetEntry().GetLayer())}
	}
	s.history.Add(op)
}

func getREST(sc *sidecar, key string) (*configv1.GetResponse, error) {
	resp, err := sc.rest.Get(sc.server.URL + "/v1/config/" + key)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, body)
	}
	var get configv1.GetResponse
	return &get, protojson.Unmarshal(body, &get)
}

// scrapeOn asks a sidecar for its metrics and readiness until ctx ends.
func (s *scene) scrapeOn(ctx context.Context, sc *sidecar) {
	for pace := newPace(500 * time.Millisecond); pace.next(ctx); {
		op := robust.Op{Client: sc.name + " metrics", Kind: robust.OpScrape, Call: s.history.Now()}
		if err := s.scrape(sc, &op); err != nil {
			op.Error = err.Error()
		}
		if resp, err := sc.rest.Get(sc.server.Ops + "/readyz"); err == nil {
			op.Ready = resp.StatusCode == http.StatusOK
			_ = resp.Body.Close()
		}
		op.Return = s.history.Now()
		s.history.Add(op)
	}
}

// scrape asks for one metric after the other: those of one answer can be of different
// moments. What is said to be fresh is proved by then, and what was proved is there by
// then.
func (s *scene) scrape(sc *sidecar, op *robust.Op) error {
	fresh, err := sc.metric("configservice_fresh")
	if err != nil {
		return err
	}
	asked := s.history.Now()
	age, err := sc.metric("configservice_verified_age_seconds")
	if err != nil {
		return err
	}
	revision, err := sc.metric("configservice_confirmed_revision")
	op.Fresh, op.Revision = fresh == 1, int64(revision)
	if !math.IsInf(age, 1) {
		op.Verified = asked - time.Duration(age*float64(time.Second))
	}
	return err
}

// metric asks for one of a sidecar's metrics, which has to be there.
func (sc *sidecar) metric(name string) (float64, error) {
	all, err := sc.metrics()
	if err != nil {
		return 0, err
	}
	value, there := all[name]
	if !there {
		return 0, fmt.Errorf("there is no metric %s", name)
	}
	return value, nil
}

// metrics are a sidecar's own, by name with labels.
func (sc *sidecar) metrics() (map[string]float64, error) {
	resp, err := sc.rest.Get(sc.server.Ops + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return robust.ParseMetrics(string(body)), nil
}
