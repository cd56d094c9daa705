package robust_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// What an honest sidecar says over a minute in which the store is away from 20 s to
// 45 s, and what CheckHealth has to find in it once it is dishonest.
func TestHealthChecksFindPlantedBugs(t *testing.T) {
	const sec = time.Second
	away := []robust.Away{{From: 20 * sec, To: 45 * sec}}
	honest := func() (looks []robust.Look) {
		for at := sec; at < 60*sec; at += sec / 4 {
			proof := at / (7 * sec) * 7 * sec // at 7, 14, and again at 49 s
			if at >= away[0].From && at < 49*sec {
				proof = 14 * sec
			}
			fresh := at-proof <= robust.FreshFor
			looks = append(looks, robust.Look{
				Client: "sidecar", Call: at, Return: at + sec/100, Fresh: fresh, MetricFresh: fresh, Live: true, Verified: proof, Ready: at > 2*sec,
			})
		}
		return looks
	}
	if v := robust.CheckHealth(honest(), away); len(v) > 0 {
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
		{"STALE though the store is back", "the store is there since", between(49*sec, 60*sec, func(l *robust.Look) { l.Fresh, l.MetricFresh, l.Verified = false, false, 14*sec })},
		{"the metric lags", "its metrics: true", between(29*sec, 33*sec, func(l *robust.Look) { l.MetricFresh = true })},
		{"the metric is FRESH for ever", "FRESH (metrics: true)", between(38*sec, 39*sec, func(l *robust.Look) { l.MetricFresh = true })},
		{"readiness falls", "is ready no more", between(40*sec, 41*sec, func(l *robust.Look) { l.Ready = false })},
		{"no answer", "refused", between(40*sec, 40*sec+1, func(l *robust.Look) { l.Error = "refused" })},
	} {
		looks := honest()
		bug.plant(looks)
		if slices.Equal(looks, honest()) {
			t.Fatalf("%s: nothing was planted", bug.name)
		}
		if found := robust.CheckHealth(looks, away); !strings.Contains(strings.Join(found, "\n"), bug.says) {
			t.Errorf("%s: not found; the check says %q", bug.name, found)
		}
	}
}
