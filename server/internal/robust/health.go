package robust

import "time"

// Look is what a sidecar said of itself at one time. Times count from the beginning of
// the campaign.
type Look struct {
	Client       string
	Call, Return time.Duration
	Error        string // it did not answer

	Fresh, Live bool          // State of an answer
	Verified    time.Duration // in it; 0: never

	MetricFresh bool
	Ready       bool
}

// Away is a time in which the store could not be reached.
type Away struct{ From, To time.Duration }

// Goals.
const (
	// agreeWithin is how long metrics and answers may differ.
	agreeWithin = 2 * time.Second
	// backWithin is how long after the store is back a sidecar is FRESH at the latest.
	backWithin = 10 * time.Second
)

// CheckHealth holds the looks at one sidecar, in order, against what is known of the
// store: it is never FRESH beyond the age of its proof, is STALE for no other reason,
// names no proof that cannot have been, and stays ready; metrics say the same.
func CheckHealth(form Form, looks []Look, away []Away) []string {
	var f findings
	ready := false
	differed := time.Duration(-1) // since when metrics and answers do not say the same; less: they do
	seen := time.Duration(0)      // when it was FRESH last
	for _, l := range looks {
		if l.Error != "" {
			f.add("%s at %s: %s", l.Client, l.Call, l.Error)
			continue
		}
		if ready && !l.Ready {
			f.add("%s at %s is ready no more", l.Client, l.Call)
		}
		ready = ready || l.Ready
		if l.Fresh == l.MetricFresh {
			differed = -1
		} else if differed < 0 {
			differed = l.Return
		} else if l.Call-differed > form.Limit(agreeWithin) {
			f.add("%s at %s: its answers are fresh: %t; its metrics: %t", l.Client, l.Call, l.Fresh, l.MetricFresh)
		}
		checkProof(&f, l)
		back, known := checkAway(&f, l, away)
		if form == Short {
			back = max(back, seen) // a starved proof can be late at any time
		}
		if known && l.Call-back > form.Limit(backWithin) && !l.Fresh {
			f.add("%s at %s: STALE, and the store is there since %s", l.Client, l.Call, back)
		}
		if l.Fresh {
			seen = l.Return
		}
	}
	return f
}

// checkProof holds what an answer says against the proof it names.
func checkProof(f *findings, l Look) {
	switch {
	case l.Fresh && l.Call-l.Verified > FreshFor+clockSlack:
		f.add("%s at %s: FRESH by a proof of %s", l.Client, l.Call, l.Verified)
	case !l.Fresh && l.Live && l.Verified > 0 && l.Return-l.Verified < FreshFor-clockSlack:
		f.add("%s at %s: STALE by a proof of %s", l.Client, l.Call, l.Verified)
	}
}

// checkAway holds what was said against when the store was away. After that it may name
// a proof of that time: one that was sent into a black hole and answered after it. It
// returns since when the store was there all the time, unless it was away meanwhile.
func checkAway(f *findings, l Look, away []Away) (back time.Duration, there bool) {
	for _, a := range away {
		if l.Call > a.From && l.Return < a.To {
			if l.Verified > a.From+clockSlack {
				f.add("%s at %s: names a proof of %s, and the store is away since %s", l.Client, l.Call, l.Verified, a.From)
			}
			if l.Call-a.From > FreshFor+clockSlack && (l.Fresh || l.MetricFresh) {
				f.add("%s at %s: FRESH (metrics: %t), and the store is away since %s", l.Client, l.Call, l.MetricFresh, a.From)
			}
		}
		if l.Return > a.From && l.Call < a.To {
			return 0, false
		}
		if l.Call >= a.To {
			back = a.To
		}
	}
	return back, true
}
