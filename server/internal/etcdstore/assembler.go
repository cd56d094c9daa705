package etcdstore

import (
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// assembler turns what arrives on one watch stream into steps that are consistent
// over all ranges. etcd sends the changes of one transaction as one response per
// range, so a revision is complete only when every range is confirmed to it: by an
// event of that range at or after it, or by a progress answer, which stands for all
// ranges of the stream.
type assembler struct {
	confirmed []int64         // per range: everything up to here has arrived
	published int64           // the last step ended here
	pending   []*mvccpb.Event // beyond published, each range's in order
}

// newAssembler starts at a revision up to which everything is known.
func newAssembler(ranges int, revision int64) *assembler {
	a := &assembler{
		confirmed: make([]int64, ranges),
		published: revision,
	}
	for i := range a.confirmed {
		a.confirmed[i] = revision
	}
	return a
}

// events takes one response of a range. The events of one revision always come in
// one response.
func (a *assembler) events(rng int, events []*mvccpb.Event) {
	seen := a.confirmed[rng]
	for _, ev := range events {
		if rev := ev.GetKv().GetModRevision(); rev > seen { // else a repetition
			a.pending = append(a.pending, ev)
			a.confirmed[rng] = max(a.confirmed[rng], rev)
		}
	}
}

// progress takes a progress answer: every range has everything up to revision.
func (a *assembler) progress(revision int64) {
	for i := range a.confirmed {
		a.confirmed[i] = max(a.confirmed[i], revision)
	}
}

// incomplete says that changes are waiting for other ranges to be confirmed.
func (a *assembler) incomplete() bool { return len(a.pending) > 0 }

// step returns the events up to the revision that is complete now. It returns false
// when that is no further than the last step.
func (a *assembler) step() (revision int64, events []*mvccpb.Event, ok bool) {
	revision = a.confirmed[0]
	for _, c := range a.confirmed {
		revision = min(revision, c)
	}
	if revision <= a.published {
		return a.published, nil, false
	}
	var later []*mvccpb.Event
	for _, ev := range a.pending {
		if ev.GetKv().GetModRevision() <= revision {
			events = append(events, ev)
		} else {
			later = append(later, ev)
		}
	}
	a.pending, a.published = later, revision
	return revision, events, true
}
