package robust

import (
	"slices"
	"time"
)

// RunBug is a planted fault of a whole run: of the service, of the store, or of the
// campaign. It returns false when the run offers no place for it.
type RunBug struct {
	Name  string
	Check string // that has to find it
	Says  string // and what it then says
	Plant func(*Run) bool
}

// RunBugs are the faults that RunChecks have to find.
var RunBugs = []RunBug{
	{"the store holds something at the start", "assumptions", "was not empty", func(r *Run) bool {
		r.Oracle = slices.DeleteFunc(r.Oracle, func(w Write) bool { return w.Revision == 2 })
		return true
	}},
	{"a fault does nothing", "assumptions", "did not bite", onOp(OpFault, func(op *Op) bool { op.Bit = false; return true })},
	{"a fault cannot be injected", "assumptions", "failed: no", onOp(OpFault, func(op *Op) bool { op.Error = "no"; return true })},
	{"a fault interrupts no write", "assumptions", "interrupted the writes for", func(r *Run) bool {
		// At the write with the least time to those before and after it.
		quiet, least := time.Duration(0), time.Hour
		acked := r.acknowledged()
		for i := 1; i+1 < len(acked); i++ {
			if around := max(acked[i].Return-acked[i-1].Return, acked[i+1].Return-acked[i].Return); around < least {
				quiet, least = acked[i].Return, around
			}
		}
		return onOp(OpFault, func(op *Op) bool { op.Call, op.Return = quiet, quiet; return true })(r)
	}},
	{"the writers idle", "assumptions", "acknowledged writes; the plan", func(r *Run) bool {
		r.Ops = slices.DeleteFunc(r.Ops, func(op Op) bool { return op.Kind == OpWrite && op.Return%2 == 0 })
		return true
	}},
	{"nobody reads", "assumptions", "gets; the plan", func(r *Run) bool {
		r.Ops = slices.DeleteFunc(r.Ops, func(op Op) bool { return op.Kind == OpGet })
		return true
	}},
	{"a watcher sees nothing change", "assumptions", "got no change", func(r *Run) bool {
		leg := &r.Records[0].Legs[0]
		leg.Messages = slices.DeleteFunc(leg.Messages, func(m Message) bool { return m.Kind == Delta })
		return true
	}},
	{"the oracle misses the end", "the oracle", "other content than the store", func(r *Run) bool {
		last := r.Oracle[len(r.Oracle)-1].Revision
		r.Oracle = slices.DeleteFunc(r.Oracle, func(w Write) bool { return w.Revision == last })
		return true
	}},
	{"the store makes up a write", "the oracle", "nobody wrote", func(r *Run) bool {
		r.Oracle[0].Value = "made up"
		return true
	}},
	{"an acknowledged write is lost", "no acknowledged write is lost", "not in the store's history", func(r *Run) bool {
		return r.lose(func(op Op) bool { return op.Error == "" })
	}},
	{"a transaction is applied by half", "no acknowledged write is lost", "not in the store's history", func(r *Run) bool {
		for i, op := range r.Ops {
			if op.Kind == OpWrite && len(op.Writes) > 1 && !op.Writes[1].Deleted {
				r.Ops[i].Error = "timeout"
				return r.forget(op.Writes[1].Value)
			}
		}
		return false
	}},
	{"a write is applied twice", "no acknowledged write is lost", "was applied at revisions", func(r *Run) bool {
		again := r.Oracle[0]
		again.Revision = r.Oracle[len(r.Oracle)-1].Revision
		r.Oracle = append(r.Oracle, again)
		return true
	}},
	{"a watcher loses a change", "watch contract", "", func(r *Run) bool { return Bugs[0].Plant(r.Records[0]) }},
	{"a watcher keeps a wrong last value", "last values", "ended with", func(r *Run) bool {
		for key, e := range r.Records[0].Legs[0].Messages[0].Entries {
			if len(r.Truth.versions[key]) == 1 { // it stays
				e.Value = "wrong"
				r.Records[0].Legs[0].Messages[0].Entries[key] = e
				return true
			}
		}
		return false
	}},
	{"a watcher keeps what was deleted", "last values", "which is not there", func(r *Run) bool {
		r.Records[0].Legs[0].Messages[0].Entries["ghost"] = Entry{Value: "1"}
		return true
	}},
	{"an epoch ends without need", "one epoch", "2 epochs", func(r *Run) bool {
		messages := r.Records[0].Legs[0].Messages
		messages[len(messages)-1].Epoch = "other"
		return true
	}},
	{"a get fails", "gets", "unavailable", onOp(OpGet, func(op *Op) bool { op.Error = "unavailable"; return true })},
	{"a get goes back", "gets", "goes back", func(r *Run) bool {
		return onOp(OpGet, func(op *Op) bool { op.Revision += 1000; return true })(r)
	}},
	{"a get answers another value", "gets", "it is", onOp(OpGet, func(op *Op) bool { op.Entry.Value = "wrong"; return true })},
	{"an old answer is called FRESH", "freshness", "was committed 15 s before", onOldAnswer(OpGet, func(op *Op) { op.Verified = 0 })},
	{"metrics call old content fresh", "freshness", "was committed 15 s before", onOldAnswer(OpScrape, func(op *Op) { op.Verified = 0 })},
	{"FRESH by an old proof", "freshness", "by a proof", onOp(OpGet, func(op *Op) bool {
		op.Verified = op.Call - FreshFor - time.Second
		return op.Fresh
	})},
	{"a proof is dated too late", "freshness", "was committed before", onOldAnswer(OpGet, func(op *Op) { op.Fresh, op.Verified = false, op.Call })},
	{"metrics date a proof too late", "freshness", "was committed before", onOldAnswer(OpScrape, func(op *Op) { op.Fresh, op.Verified = false, op.Call })},
	{"a watch calls old content FRESH", "freshness", "was committed 15 s before", func(r *Run) bool {
		_, at := r.last()
		m := &r.Records[0].Legs[0].Messages[0]
		m.At, m.Verified = at+2*FreshFor+r.Plan.Form.Limit(freshSlack), time.Time{}
		return m.Fresh
	}},
	{"readiness falls", "freshness", "not ready", onOp(OpScrape, func(op *Op) bool { op.Ready = false; return true })},
	{"writes are interrupted too long", "times", "interrupted the writes for", func(r *Run) bool {
		from := r.of(OpFault)[0].Return
		for i := range r.Ops {
			if r.Ops[i].Kind == OpWrite && r.Ops[i].Return >= from {
				r.Ops[i].Return += r.Plan.Form.Limit(r.Plan.MaxOutage)
			}
		}
		return onOp(OpFault, func(op *Op) bool { op.Return += time.Nanosecond; return true })(r)
	}},
	{"a sidecar moves too late", "times", "was not over it", onOp(OpMoved, func(op *Op) bool { op.Return += time.Hour; return true })},
	{"a watcher is late", "times", "had the last write after", func(r *Run) bool {
		for i := range r.Records[0].Legs[0].Messages {
			r.Records[0].Legs[0].Messages[i].At += time.Hour
		}
		return true
	}},
	{"a watcher never comes to the end", "times", "did not come to the last write", func(r *Run) bool {
		messages := r.Records[0].Legs[0].Messages
		r.Records[0].Legs[0].Messages = messages[:len(messages)/2]
		return true
	}},
}

// onOp plants at the first operation of a kind where that is possible.
func onOp(kind OpKind, plant func(*Op) bool) func(*Run) bool {
	return func(r *Run) bool {
		for i := range r.Ops {
			if r.Ops[i].Kind == kind && plant(&r.Ops[i]) {
				return true
			}
		}
		return false
	}
}

// onOldAnswer gives the first answer of a kind again, long after the last write.
func onOldAnswer(kind OpKind, plant func(*Op)) func(*Run) bool {
	return func(r *Run) bool {
		_, at := r.last()
		return onOp(kind, func(op *Op) bool {
			op.Call, op.Return = at+2*FreshFor, at+2*FreshFor
			plant(op)
			return true
		})(r)
	}
}

// lose makes the oracle forget the first write that fits.
func (r *Run) lose(fits func(Op) bool) bool {
	for _, op := range r.Ops {
		if op.Kind == OpWrite && fits(op) {
			return r.forget(op.Writes[0].Value)
		}
	}
	return false
}

func (r *Run) forget(value string) bool {
	before := len(r.Oracle)
	r.Oracle = slices.DeleteFunc(r.Oracle, func(w Write) bool { return w.Value == value })
	return len(r.Oracle) < before
}
