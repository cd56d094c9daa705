package robust

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// FreshFor is how old the proof of a FRESH answer may be, by the contract.
	FreshFor = 15 * time.Second
	// freshSlack is the goal for what a message of a watch takes from the server's look at
	// its clock to the client's. A get needs none: its call came before that look.
	freshSlack = time.Second
	// clockSlack is how far the wall clock, by which proofs are dated, may drift from
	// the monotonic one within a campaign.
	clockSlack = 50 * time.Millisecond
	// leastOutage is the shortest interruption of writes that counts as one. A leader
	// that is lost costs an election, which takes a second and more.
	leastOutage = 300 * time.Millisecond
	// maxShown bounds what one check says.
	maxShown = 20
)

// RunCheck is one thing that holds in every run.
type RunCheck struct {
	Name  string
	Check func(*Run) []string
}

// RunChecks are all of them. The first says whether the others mean anything.
var RunChecks = []RunCheck{
	{"assumptions", checkAssumptions},
	{"the oracle", checkOracle},
	{"no acknowledged write is lost", checkAcknowledged},
	{"watch contract", checkWatches},
	{"last values", checkLastValues},
	{"one epoch", checkEpochs},
	{"gets", checkGets},
	{"freshness", checkFreshness},
	{"times", checkTimes},
}

// Violations holds the run against every check.
func (r *Run) Violations() []string {
	var all []string
	for _, c := range RunChecks {
		found := c.Check(r)
		if more := len(found) - maxShown; more > 0 {
			found = append(found[:maxShown], fmt.Sprintf("and %d more", more))
		}
		for _, v := range found {
			all = append(all, c.Name+": "+v)
		}
	}
	return all
}

// findings collects what a check found.
type findings []string

func (f *findings) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func checkAssumptions(r *Run) []string {
	var f findings
	least := func(what string, got, want int) {
		if got < want {
			f.add("%d %s; the plan has %d", got, what, want)
		}
	}
	acked := r.acknowledged()
	least("acknowledged writes", len(acked), r.Plan.Writes)
	least("gets", len(r.of(OpGet)), r.Plan.Gets)
	least("watchers", len(r.Records), r.Plan.Watchers)
	least("readings of the final content", len(r.of(OpFinal)), 1)
	if len(r.Oracle) > 0 && len(acked) > 0 && r.Oracle[0].Revision != 2 {
		f.add("the store was not empty: the first write is revision %d", r.Oracle[0].Revision)
	}
	faults := r.of(OpFault)
	outages := r.outages(acked)
	bit := 0
	for i, fault := range faults {
		switch {
		case fault.Error != "":
			f.add("fault %d (%s) failed: %s", i, fault.Fault, fault.Error)
		case !fault.Bit:
			f.add("fault %d (%s) did not bite", i, fault.Fault)
		case r.Plan.Outage && outages[i] < leastOutage:
			f.add("fault %d (%s) interrupted the writes for %s only", i, fault.Fault, outages[i])
		default:
			bit++
		}
	}
	least("faults that bit", bit, r.Plan.Faults)
	for _, record := range r.Records {
		deltas := 0
		for _, leg := range record.Legs {
			for _, m := range leg.Messages {
				if m.Kind == Delta {
					deltas++
				}
			}
		}
		if deltas == 0 {
			f.add("%s got no change", record.Client)
		}
	}
	return f
}

// checkOracle holds the oracle's content against what a quorum read at the end, and its
// writes against those that were sent: it is the measure of all else.
func checkOracle(r *Run) []string {
	var f findings
	content := map[string]Write{}
	at := func(w Write) string { return w.Namespace + "/" + w.Env + "/" + w.Key }
	sent := map[string]bool{}
	for _, op := range r.of(OpWrite) {
		for _, w := range op.Writes {
			sent[at(w)+"="+w.Value] = true
		}
	}
	revision := int64(0)
	for _, w := range r.Oracle {
		if w.Revision < revision {
			f.add("goes back from revision %d to %d", revision, w.Revision)
		}
		revision = w.Revision
		if !sent[at(w)+"="+w.Value] {
			f.add("revision %d sets %s to %s, which nobody wrote", w.Revision, at(w), w.Value)
		}
		if w.Deleted {
			delete(content, at(w))
		} else {
			content[at(w)] = w
		}
	}
	for _, op := range r.of(OpFinal) {
		read := map[string]Write{}
		for _, w := range op.Writes {
			read[at(w)] = w
		}
		if !maps.Equal(read, content) {
			f.add("ends with other content than the store: %d keys, and %d there", len(content), len(read))
		}
	}
	return f
}

// checkAcknowledged finds every acknowledged write in the oracle, at its revision and
// whole; one of unknown outcome is there whole or not at all, and none is there twice.
func checkAcknowledged(r *Run) []string {
	var f findings
	byRevision := map[int64][]Write{}
	revisionOf := map[string][]int64{} // of each value, which no two writes share
	for _, w := range r.Oracle {
		byRevision[w.Revision] = append(byRevision[w.Revision], w)
		if !w.Deleted {
			revisionOf[w.Value] = append(revisionOf[w.Value], w.Revision)
		}
	}
	for _, op := range r.of(OpWrite) {
		revision := op.Revision
		if op.Error != "" {
			found := revisionOf[op.Writes[0].Value]
			if len(found) == 0 {
				continue // it was not applied
			}
			revision = found[0]
		}
		for _, w := range op.Writes {
			w.Revision = revision
			if !w.Deleted && !slices.Contains(byRevision[revision], w) {
				f.add("%s of %s at revision %d, called at %s, is not in the store's history", w.Value, w.Key, revision, op.Call)
			}
		}
		if len(slices.Compact(slices.Clone(revisionOf[op.Writes[0].Value]))) > 1 {
			f.add("%s was applied at revisions %d", op.Writes[0].Value, revisionOf[op.Writes[0].Value])
		}
	}
	return f
}

func checkWatches(r *Run) []string {
	var f findings
	final, _ := r.last()
	for _, record := range r.Records {
		f = append(f, Check(record, r.Truth, final)...)
	}
	return f
}

// checkLastValues holds what each watcher ended with against what a quorum read.
func checkLastValues(r *Run) []string {
	var f findings
	for _, op := range r.of(OpFinal) {
		content := slices.Clone(op.Writes)
		for i := range content {
			content[i].Revision = op.Revision // the order does not matter: each key is there once
		}
		truth := TruthOf(content, r.Plan.Namespace, r.Plan.Environment)
		for _, record := range r.Records {
			state := record.state()
			for _, key := range truth.keys() {
				want, there := truth.Find(key, op.Revision)
				if got, ok := state[key]; record.Selection.Has(key) && there && (!ok || got.Value != want.Value) {
					f.add("%s ended with %q = %q; it is %s", record.Client, key, got.Value, want.Value)
				}
			}
			for key := range state {
				if _, there := truth.Find(key, op.Revision); !there {
					f.add("%s ended with %q, which is not there", record.Client, key)
				}
			}
		}
	}
	return f
}

// state is what the client held at the end.
func (r *Record) state() map[string]Entry {
	state := map[string]Entry{}
	for _, leg := range r.Legs {
		for _, m := range leg.Messages {
			if m.Kind == Snapshot {
				clear(state)
			}
			maps.Copy(state, m.Entries)
			for _, key := range m.Deleted {
				delete(state, key)
			}
		}
	}
	return state
}

// checkEpochs: nothing that these campaigns do is a new history.
func checkEpochs(r *Run) []string {
	var f findings
	for _, record := range r.Records {
		epochs := map[string]bool{}
		for _, leg := range record.Legs {
			for _, m := range leg.Messages {
				epochs[m.Epoch] = true
			}
		}
		if len(epochs) > 1 {
			f.add("%s saw %d epochs", record.Client, len(epochs))
		}
	}
	return f
}

// checkGets: none fails, each is true at its revision, and none goes back.
func checkGets(r *Run) []string {
	var f findings
	type point struct {
		epoch    string
		revision int64
	}
	last := map[string]point{}
	for _, op := range r.of(OpGet) {
		if op.Error != "" {
			f.add("%s at %s: %s", op.Client, op.Call, op.Error)
			continue
		}
		was := last[op.Client]
		if was.epoch == op.Epoch && op.Revision < was.revision {
			f.add("%s at %s goes back from revision %d to %d", op.Client, op.Call, was.revision, op.Revision)
		}
		last[op.Client] = point{op.Epoch, op.Revision}
		want, there := r.Truth.Find(op.Key, op.Revision)
		if !there || op.Entry.Value != want.Value || op.Entry.Layer != want.Layer {
			f.add("%s at %s has %q = %s of layer %d at revision %d; it is %s of layer %d",
				op.Client, op.Call, op.Key, op.Entry.Value, op.Entry.Layer, op.Revision, want.Value, want.Layer)
		}
	}
	return f
}

// checkFreshness finds every answer that says more of its age than is true: FRESH with
// a proof that is too old, or without what was committed before; and any state without
// what was committed before the proof it names.
func checkFreshness(r *Run) []string {
	var f findings
	committed := r.committedBy()
	check := func(who string, at time.Duration, revision int64, fresh bool, verified time.Duration) {
		if known := committed(at - FreshFor); fresh && revision < known {
			f.add("%s at %s: FRESH at revision %d; %d was committed 15 s before", who, at, revision, known)
		}
		if fresh && at-verified > FreshFor+clockSlack {
			f.add("%s at %s: FRESH by a proof of %s", who, at, verified)
		}
		if known := committed(verified - clockSlack); verified != 0 && revision < known {
			f.add("%s at %s: revision %d, verified at %s; %d was committed before", who, at, revision, verified, known)
		}
	}
	for _, op := range r.Ops {
		if op.Kind == OpGet && op.Error == "" {
			check(op.Client, op.Call, op.Revision, op.Fresh, op.Verified)
		}
		if op.Kind == OpScrape && op.Error == "" {
			// It is several questions: their time is its slack.
			check(op.Client, op.Call-(op.Return-op.Call), op.Revision, op.Fresh, op.Verified)
		}
		if op.Kind == OpScrape && (op.Error != "" || !op.Ready) {
			f.add("%s at %s is not ready: %s", op.Client, op.Call, op.Error)
		}
	}
	for _, record := range r.Records {
		for _, leg := range record.Legs {
			for _, m := range leg.Messages {
				verified := m.Verified.Sub(r.Plan.Began.Round(0))
				if m.Verified.IsZero() {
					verified = 0
				}
				check(record.Client, m.At-r.Plan.Form.Limit(freshSlack), m.Revision, m.Fresh, verified)
			}
		}
	}
	return f
}

func checkTimes(r *Run) []string {
	var f findings
	limit := r.Plan.Form.Limit
	for i, outage := range r.outages(r.acknowledged()) {
		if most := limit(r.Plan.MaxOutage); r.Plan.MaxOutage > 0 && outage > most {
			f.add("fault %d interrupted the writes for %s; at most %s is right", i, outage, most)
		}
	}
	for _, op := range r.of(OpMoved) {
		if most := limit(r.Plan.MaxMove); op.Error != "" || op.Return-op.Call > most {
			f.add("%s was not over it (%s) within %s, but after %s: %s", op.Client, op.Fault, most, op.Return-op.Call, op.Error)
		}
	}
	settled := r.settled()
	if len(settled) < len(r.Records) {
		f.add("%d of %d watchers did not come to the last write", len(r.Records)-len(settled), len(r.Records))
	}
	for _, late := range settled {
		if most := limit(r.Plan.Settle); late > most {
			f.add("a watcher had the last write after %s; at most %s is right", late, most)
		}
	}
	return f
}
