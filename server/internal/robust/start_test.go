package robust_test

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

// startCampaign starts sidecars while etcd is away, first refused and then in a black
// hole, with and without a last good configuration.
func startCampaign(ctx context.Context, s *stand) {
	s.fill(ctx, 200, 100)
	at, err := robust.FreeAddress()
	if err != nil {
		s.t.Fatal(err)
	}
	etcd := s.cluster.Endpoints()[0]
	s.listen(at, etcd)
	var starters []*starter
	for i := range pick(5, 20) {
		one := &starter{launch: s.launch(fmt.Sprintf("cache-%d", i), at)}
		one.sidecar = s.start(one.launch)
		starters = append(starters, one)
	}
	s.save(ctx, starters)

	s.proxy.Close() // nothing listens any more
	from := s.now()
	s.commit(ctx, s.put("g0.k1", 0, 0))
	s.startAway(ctx, "refused", starters, from, func() { s.listen(at, etcd) })

	s.save(ctx, starters)
	s.proxy.BlackHole()
	from = s.now()
	s.commit(ctx, s.put("g0.k2", 0, 0))
	s.startAway(ctx, "black-holed", starters, from, func() { _ = s.proxy.Heal() })
}

// starter is a sidecar of this campaign, and what it saved last.
type starter struct {
	launch  *robust.Launch
	sidecar *robust.Sidecar
	last    *configv1.ListResponse
	looks   *looker
}

// listen lets etcd be reached at an address.
func (s *stand) listen(at, etcd string) {
	s.t.Helper()
	s.proxy.Close()
	var err error
	if s.proxy, err = robust.NewProxyAt(at, etcd); err != nil {
		s.t.Fatal(err)
	}
}

// save stops sidecars that are up to date. What they served last is on disk then.
func (s *stand) save(ctx context.Context, starters []*starter) {
	s.t.Helper()
	for _, one := range starters {
		one.last = s.current(ctx, one.sidecar)
		s.holds(ctx, "before the stop", whole(one.last.GetState(), one.last.GetEntries()))
		s.stop(ctx, one.sidecar)
	}
}

// startAway starts the sidecars one after the other without etcd, and one that has
// saved nothing; then etcd comes back.
func (s *stand) startAway(ctx context.Context, how string, starters []*starter, from time.Duration, comeBack func()) {
	s.t.Helper()
	var gets, readies []time.Duration
	for i, one := range starters {
		one.sidecar = s.start(one.launch)
		got, err := one.sidecar.Until(ctx, one.launch.HTTP, "/v1/config/g0.k0")
		if err != nil {
			s.t.Fatal(err)
		}
		gets, readies = append(gets, got), append(readies, s.ready(ctx, one.sidecar))
		one.looks = s.look(ctx, fmt.Sprintf("%s: sidecar %d", how, i), one.sidecar)
	}
	for _, one := range starters {
		s.servesLast(ctx, one)
	}
	empty := s.start(s.launch("empty "+how, starters[0].launch.Settings["ETCD_ENDPOINTS"]))
	s.servesNothing(ctx, empty)

	back := time.Now()
	comeBack()
	late := make([]time.Duration, len(starters))
	var done sync.WaitGroup
	for i, one := range starters {
		done.Go(func() {
			list := s.current(ctx, one.sidecar)
			late[i] = time.Since(back)
			s.holds(ctx, "etcd is back", whole(list.GetState(), list.GetEntries()))
			if was, is := one.last.GetState().GetEpoch(), list.GetState().GetEpoch(); was != is {
				s.t.Errorf("the epoch was %s before the start, and is %s when etcd is back", was, is)
			}
		})
	}
	done.Wait()
	s.ready(ctx, empty)
	s.current(ctx, empty)
	s.stop(ctx, empty)
	for _, one := range starters {
		s.healthy(one.looks.end(), robust.Away{From: from, To: back.Sub(s.began)})
	}
	for _, d := range late {
		if most := form().Limit(startBack); d > most {
			s.t.Errorf("a sidecar was FRESH and LIVE %s after etcd was back; at most %s is right", d, most)
		}
	}
	s.t.Logf("FIGURES start, etcd %s: %d sidecars with 200 keys; exec to first Get %s; exec to ready %s; etcd back to FRESH and LIVE %s, goal %s",
		how, len(starters), spread(gets), spread(readies), spread(late), startBack)
}

// startBack is the goal for how long after etcd is back a sidecar has found it: at most 3 s between
// two tries, or what a try in a black hole takes.
const startBack = 7 * time.Second

// servesLast wants exactly the last good configuration, said to be STALE and from DISK,
// in every way there is to ask.
func (s *stand) servesLast(ctx context.Context, one *starter) {
	s.t.Helper()
	want := whole(one.last.GetState(), one.last.GetEntries())
	check := func(how string, st *configv1.State, entries []*configv1.Entry) {
		s.t.Helper()
		got := whole(st, entries)
		if got.Epoch != want.Epoch || got.Revision != want.Revision || !maps.Equal(got.Entries, want.Entries) {
			s.t.Errorf("%s serves %d entries of %s at %d; last good: %d of %s at %d",
				how, len(got.Entries), got.Epoch, got.Revision, len(want.Entries), want.Epoch, want.Revision)
		}
		if st.GetFreshness() != configv1.State_STALE || st.GetSource() != configv1.State_DISK || st.GetVerifiedTime() == nil {
			s.t.Errorf("%s says %v; want STALE and DISK, with a time", how, st)
		}
	}
	client := s.client(one.launch)
	list, err := client.List(ctx, &configv1.ListRequest{})
	if err != nil {
		s.t.Fatal(err)
	}
	check("List", list.GetState(), list.GetEntries())
	if list, err = s.listed(ctx, one.sidecar); err != nil {
		s.t.Fatal(err)
	}
	check("GET /v1/config", list.GetState(), list.GetEntries())
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Watch(watching, &configv1.WatchRequest{})
	if err != nil {
		s.t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil {
		s.t.Fatal(err)
	}
	check("Watch", first.GetState(), first.GetSnapshot().GetEntries())
	_, header, _, err := one.sidecar.Read(ctx, one.launch.HTTP, "/v1/config/g0.k0")
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Config-Freshness": "STALE", "Config-Source": "DISK",
		"Config-Epoch": want.Epoch, "Config-Revision": strconv.FormatInt(want.Revision, 10),
	} {
		if header.Get(name) != value {
			s.t.Errorf("header %s is %q; want %q", name, header.Get(name), value)
		}
	}
}

// servesNothing wants NOT_READY, and never an empty configuration.
func (s *stand) servesNothing(ctx context.Context, sc *robust.Sidecar) {
	s.t.Helper()
	if _, err := sc.Until(ctx, sc.Ops, "/healthz"); err != nil {
		s.t.Fatal(err)
	}
	client := s.client(sc.Launch)
	check := func(how string, err error) {
		s.t.Helper()
		if status.Code(err) != codes.Unavailable || !strings.Contains(fmt.Sprint(status.Convert(err).Details()), "NOT_READY") {
			s.t.Errorf("%s with neither etcd nor a last good configuration: %v; want NOT_READY", how, err)
		}
	}
	_, err := client.Get(ctx, &configv1.GetRequest{Key: "g0.k0"})
	check("Get", err)
	_, err = client.List(ctx, &configv1.ListRequest{})
	check("List", err)
	stream, err := client.Watch(ctx, &configv1.WatchRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	check("Watch", err)
	for _, path := range []string{"/v1/config", "/v1/config/g0.k0", "/v1/watch"} {
		if code, _, body, err := sc.Read(ctx, sc.HTTP, path); err != nil || code != 503 || !strings.Contains(string(body), "NOT_READY") {
			s.t.Errorf("%s with neither etcd nor a last good configuration: %d %s %v; want NOT_READY", path, code, body, err)
		}
	}
	// One that has a configuration from disk would be ready by then.
	soon, end := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer end()
	for pace := newPace(100 * time.Millisecond); pace.next(soon); {
		if sc.Ready(ctx) == nil {
			s.t.Error("ready without a configuration")
			return
		}
	}
}
