package robust_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// What an honest sidecar says while the store is away for a while, and what CheckHealth
// has to find in it once it is dishonest.
func TestHealthChecksFindPlantedBugs(t *testing.T) {
	for _, form := range []robust.Form{robust.Long, robust.Short} {
		t.Run("the form is "+cmpOr(string(form), "long"), func(t *testing.T) { healthChecksFind(t, form) })
	}
}

func healthChecksFind(t *testing.T, form robust.Form) {
	const sec = time.Second
	// The store is away until 15 s after a metric may lag no more.
	lag, late := form.Limit(2*sec), form.Limit(10*sec)
	away := []robust.Away{{From: 20 * sec, To: 45*sec + lag}}
	again := (away[0].To/(7*sec) + 1) * 7 * sec // a proof
	end := again + late + 20*sec
	honest := func() (looks []robust.Look) {
		for at := sec; at < end; at += sec / 4 {
			proof := at / (7 * sec) * 7 * sec // at 7, 14, and again when the store is back
			if at >= away[0].From && at < again {
				proof = 14 * sec
			}
			fresh := at-proof <= robust.FreshFor
			looks = append(looks, robust.Look{
				Client: "sidecar", Call: at, Return: at + sec/100, Fresh: fresh, MetricFresh: fresh, Live: true, Verified: proof, Ready: at > 2*sec,
			})
		}
		return looks
	}
	if v := robust.CheckHealth(form, honest(), away); len(v) > 0 {
		t.Fatalf("violations without a bug: %v", v)
	}
	between := func(from, to time.Duration, plant func(*robust.Look)) func([]robust.Look) {
		return func(looks []robust.Look) {
			for i := range looks {
				if looks[i].Call >= from && looks[i].Call < to {
					plant(&looks[i])
				}
			}
		}
	}
	for _, bug := range []struct {
		name, says string
		plant      func([]robust.Look)
	}{
		{"FRESH for a second too long", "FRESH by a proof of", between(29*sec, 30*sec, func(l *robust.Look) { l.Fresh = true })},
		{"FRESH by a proof that was not sent", "names a proof of", between(25*sec, 30*sec, func(l *robust.Look) { l.Verified = l.Call - sec })},
		{"FRESH for ever", "the store is away since", between(36*sec, 40*sec, func(l *robust.Look) { l.Fresh, l.Verified = true, l.Call-sec })},
		{"STALE for no reason", "STALE by a proof of", between(10*sec, 11*sec, func(l *robust.Look) { l.Fresh = false })},
		{"STALE though the store is back", "the store is there since", between(again, end, func(l *robust.Look) { l.Fresh, l.MetricFresh, l.Verified = false, false, 14*sec })},
		{"the metric lags", "its metrics: true", between(29*sec, 31*sec+lag, func(l *robust.Look) { l.MetricFresh = true })},
		{"the metric is FRESH for ever", "FRESH (metrics: true)", between(38*sec, 39*sec, func(l *robust.Look) { l.MetricFresh = true })},
		{"readiness falls", "is ready no more", between(40*sec, 41*sec, func(l *robust.Look) { l.Ready = false })},
		{"no answer", "refused", between(40*sec, 40*sec+1, func(l *robust.Look) { l.Error = "refused" })},
	} {
		looks := honest()
		bug.plant(looks)
		if slices.Equal(looks, honest()) {
			t.Fatalf("%s: nothing was planted", bug.name)
		}
		if found := robust.CheckHealth(form, looks, away); !strings.Contains(strings.Join(found, "\n"), bug.says) {
			t.Errorf("%s: not found; the check says %q", bug.name, found)
		}
	}
}

// In the short form a sidecar that was starved is not taken for one that lies.
func TestStarvedSidecarsAreHonest(t *testing.T) {
	const sec = time.Second
	look := func(at, verified time.Duration, fresh, metric bool) robust.Look {
		return robust.Look{Client: "sidecar", Call: at, Return: at + 3*sec, Fresh: fresh, MetricFresh: metric, Live: true, Verified: verified, Ready: true}
	}
	starved := []robust.Look{
		look(1*sec, 1*sec, true, true),
		look(14*sec, 1*sec, true, false), // it became STALE between the two answers
		look(20*sec, 1*sec, false, false),
		look(24*sec, 24*sec, true, true),
		look(36*sec, 24*sec, true, false),
		look(41*sec, 24*sec, false, true), // and here FRESH again
		look(45*sec, 43*sec, true, true),
	}
	if v := robust.CheckHealth(robust.Short, starved, nil); len(v) > 0 {
		t.Errorf("a starved sidecar is blamed: %v", v)
	}
	if v := robust.CheckHealth(robust.Long, starved, nil); len(v) == 0 {
		t.Error("the long form lets a sidecar be STALE beside a store that is there")
	}
}
