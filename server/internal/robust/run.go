package robust

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Run is a recorded campaign, read back from its directory.
type Run struct {
	Plan    Plan
	Ops     []Op // without those of watches
	Oracle  []Write
	Records []*Record
	Truth   *Truth
}

// Load reads a run.
func Load(dir string) (*Run, error) {
	r := &Run{}
	text, err := os.ReadFile(filepath.Join(dir, planFile))
	if err == nil {
		err = json.Unmarshal(text, &r.Plan)
	}
	if err != nil {
		return nil, fmt.Errorf("read a run: %w", err)
	}
	records := map[string]*Record{}
	if err := eachLine(filepath.Join(dir, historyFile), func(op Op) error { return r.add(op, records) }); err != nil {
		return nil, err
	}
	if err := eachLine(filepath.Join(dir, oracleFile), func(w Write) error {
		r.Oracle = append(r.Oracle, w)
		return nil
	}); err != nil {
		return nil, err
	}
	r.Truth = TruthOf(r.Oracle, r.Plan.Namespace, r.Plan.Environment)
	return r, nil
}

// add takes an operation; those of watches become records.
func (r *Run) add(op Op, records map[string]*Record) error {
	record := records[op.Client]
	switch op.Kind {
	case OpOpen:
		if record == nil {
			record = &Record{Client: op.Client, Selection: *op.Selection}
			records[op.Client] = record
			r.Records = append(r.Records, record)
		}
		record.Legs = append(record.Legs, Leg{Resume: op.Resume})
	case OpMessage:
		if record == nil {
			return fmt.Errorf("%s has a message before its connection", op.Client)
		}
		m := *op.Message
		m.At = op.Return
		leg := &record.Legs[len(record.Legs)-1]
		leg.Messages = append(leg.Messages, m)
	default:
		r.Ops = append(r.Ops, op)
	}
	return nil
}

func eachLine[T any](path string, do func(T) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a run: %w", err)
	}
	defer file.Close()
	dec := json.NewDecoder(bufio.NewReaderSize(file, 1<<20))
	for n := 1; ; n++ {
		var v T
		err := dec.Decode(&v)
		if err == nil {
			err = do(v)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s, record %d: %w", path, n, err)
		}
	}
}

// of returns the operations of one kind.
func (r *Run) of(kind OpKind) []Op {
	var all []Op
	for _, op := range r.Ops {
		if op.Kind == kind {
			all = append(all, op)
		}
	}
	return all
}

// acknowledged returns the writes with a known outcome, by when that was known.
func (r *Run) acknowledged() []Op {
	acked := slices.DeleteFunc(r.of(OpWrite), func(op Op) bool { return op.Error != "" })
	slices.SortStableFunc(acked, func(a, b Op) int { return int(a.Return - b.Return) })
	return acked
}

// committedBy returns what is known to have been committed at each time.
func (r *Run) committedBy() func(time.Duration) int64 {
	acked := r.acknowledged()
	newest := make([]int64, len(acked))
	highest := int64(0)
	for i, op := range acked {
		highest = max(highest, op.Revision)
		newest[i] = highest
	}
	return func(at time.Duration) int64 {
		i, _ := slices.BinarySearchFunc(acked, at, func(op Op, at time.Duration) int { return int(op.Return - at) })
		if i == 0 {
			return 0
		}
		return newest[i-1]
	}
}

// last returns the revision of the last write, settled by the oracle, and when the last
// writer had its answer.
func (r *Run) last() (revision int64, at time.Duration) {
	for _, op := range r.of(OpWrite) {
		at = max(at, op.Return)
	}
	if n := len(r.Oracle); n > 0 {
		revision = r.Oracle[n-1].Revision
	}
	return revision, at
}

// Figure is something measured.
type Figure struct {
	Name                string
	Count               int
	P50, P99, Max, Goal time.Duration // Goal 0: none
}

func (f Figure) String() string {
	s := fmt.Sprintf("%-36s n=%-7d", f.Name, f.Count)
	if f.Max > 0 {
		s += fmt.Sprintf(" p50 %-9s p99 %-9s max %-9s", rounded(f.P50), rounded(f.P99), rounded(f.Max))
	}
	if f.Goal > 0 {
		s += " goal " + f.Goal.String()
	}
	return s
}

func rounded(d time.Duration) time.Duration { return d.Round(max(d/1000, time.Microsecond)) }

func figure(name string, all []time.Duration, goal time.Duration) Figure {
	f := Figure{Name: name, Count: len(all), Goal: goal}
	if len(all) > 0 {
		slices.Sort(all)
		f.P50, f.P99, f.Max = all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
	}
	return f
}

// Figures are what the run measured.
func (r *Run) Figures() []Figure {
	acked := r.acknowledged()
	unknown := len(r.of(OpWrite)) - len(acked)
	var writes, gets []time.Duration
	for _, op := range acked {
		writes = append(writes, op.Return-op.Call)
	}
	for _, op := range r.of(OpGet) {
		gets = append(gets, op.Return-op.Call)
	}
	all := []Figure{
		figure("writes acknowledged", writes, 0),
		{Name: "writes of unknown outcome", Count: unknown},
		figure("gets", gets, 0),
		figure("write to watch message", r.deliveries(acked), 0),
	}
	outages, names := map[string][]time.Duration{}, []string{}
	for i, fault := range r.of(OpFault) {
		if !r.Plan.Outage {
			continue // whatever interrupted the writes, it was not meant to
		}
		if outages[fault.Fault] == nil {
			names = append(names, fault.Fault)
		}
		outages[fault.Fault] = append(outages[fault.Fault], r.outages(acked)[i])
	}
	for _, name := range names {
		all = append(all, figure("writes interrupted by: "+name, outages[name], r.Plan.MaxOutage))
	}
	moves, names := map[string][]time.Duration{}, []string{}
	for _, op := range r.of(OpMoved) {
		if moves[op.Fault] == nil {
			names = append(names, op.Fault)
		}
		moves[op.Fault] = append(moves[op.Fault], op.Return-op.Call)
	}
	for _, name := range names {
		all = append(all, figure("over it: "+name, moves[name], r.Plan.MaxMove))
	}
	return append(all, figure("last write until a watcher has it", r.settled(), r.Plan.Settle))
}

// deliveries are the times from the beginning of each write to the first message of
// each watcher that stands for it.
func (r *Run) deliveries(acked []Op) []time.Duration {
	byRevision := slices.Clone(acked)
	slices.SortFunc(byRevision, func(a, b Op) int { return int(a.Revision - b.Revision) })
	var all []time.Duration
	for _, record := range r.Records {
		next := 0
		for _, leg := range record.Legs {
			for i, m := range leg.Messages {
				for ; next < len(byRevision) && byRevision[next].Revision <= m.Revision; next++ {
					// The first message is the past; and what came with a checkpoint
					// was not selected.
					if i > 0 && m.Kind == Delta {
						all = append(all, m.At-byRevision[next].Call)
					}
				}
			}
		}
	}
	return all
}

// outages are the longest times without an acknowledged write around each fault.
func (r *Run) outages(acked []Op) []time.Duration {
	var all []time.Duration
	for _, fault := range r.of(OpFault) {
		longest := time.Duration(0)
		for i := 1; i < len(acked); i++ {
			if acked[i].Return >= fault.Call && acked[i-1].Return <= fault.Return {
				longest = max(longest, acked[i].Return-acked[i-1].Return)
			}
		}
		all = append(all, longest)
	}
	return all
}

// settled are the times from the last write until each watcher stood at it.
func (r *Run) settled() []time.Duration {
	final, at := r.last()
	var all []time.Duration
	for _, record := range r.Records {
	found:
		for _, leg := range record.Legs {
			for _, m := range leg.Messages {
				if m.Revision >= final {
					all = append(all, max(m.At-at, 0))
					break found
				}
			}
		}
	}
	return all
}
