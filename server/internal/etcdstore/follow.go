package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	// A progress request is not answered while a range catches up; it is repeated
	// after askFirst, then ever more slowly.
	askFirst = 10 * time.Millisecond
	askMost  = time.Second

	// However many wait for a revision, etcd is asked for progress on their behalf no
	// more often than this.
	nudgeRest = 5 * time.Millisecond

	// Every so many proofs the raft index is read too.
	indexEvery = 10
)

// The watch uses etcd's own stream, not the client's Watcher: all ranges on one
// stream arrive in one order, so that a progress answer stands for all of them; and
// a lost stream is seen here, where the epoch is checked before going on. The client's
// Watcher spreads them over channels and resumes behind our back.

// follower is the state of one watch stream. One goroutine owns it.
type follower struct {
	*session
	assembler *assembler
	stream    etcdserverpb.Watch_WatchClient
	created   int           // watches that etcd has announced
	unproved  *proof        // a proof whose revision is not confirmed yet
	asked     bool          // a progress request is under way
	ask       *time.Timer   // fires when it is to be repeated
	askAfter  time.Duration // for the next repetition

	nudges <-chan struct{} // nil for a while after each
	rested *time.Timer     // ends that while
}

// follow watches all ranges from what was published, and publishes on. p is the
// proof that the session began with. It returns why the stream ended.
func (s *session) follow(ctx context.Context, p proof) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	stream, err := etcdserverpb.NewWatchClient(s.client.ActiveConnection()).Watch(ctx, grpc.MaxCallRecvMsgSize(math.MaxInt32))
	if err != nil {
		cancel()
		return fmt.Errorf("watch: %w", err)
	}
	f := &follower{
		session:   s,
		assembler: newAssembler(len(s.ranges), s.revision),
		stream:    stream,
		ask:       time.NewTimer(askFirst),
		askAfter:  askFirst,
		nudges:    s.cfg.Nudges,
		rested:    time.NewTimer(nudgeRest),
	}
	responses, received := receive(ctx, stream)
	proofs, proved := f.proveAgain(ctx)
	audits, audited := f.auditAgain(ctx)
	renewals, renewed := f.renewAgain(ctx)
	looks, looked := f.schemasAgain(ctx)
	defer func() {
		cancel()
		<-looked
		<-renewed
		<-received
		<-proved
		<-audited
		f.ask.Stop()
		f.rested.Stop()
	}()
	if err := f.open(); err != nil {
		return err
	}
	if err := f.proven(p); err != nil {
		return err
	}
	for {
		select {
		case r := <-responses:
			err = f.response(r)
		case p := <-proofs:
			err = f.proof(p)
		case <-f.ask.C:
			err = f.unanswered()
		case <-f.nudges:
			f.nudges = nil
			f.rested.Reset(nudgeRest)
			err = f.askProgress()
		case <-f.rested.C:
			f.nudges = f.cfg.Nudges
		case err = <-audits:
		case l := <-looks:
			err = f.looked(l)
		case f.next = <-renewals:
			err = errRenewed
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// open asks for one watch per range; the watch id is the range's index plus one. Long
// responses come whole: etcd takes seconds to part one of many small events, in which it
// answers nothing, and they would all be held here anyway.
func (f *follower) open() error {
	for i, rng := range f.ranges {
		if err := f.send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{
			CreateRequest: &etcdserverpb.WatchCreateRequest{
				Key:           []byte(rng.start),
				RangeEnd:      []byte(rng.end),
				StartRevision: f.revision + 1,
				WatchId:       int64(i + 1),
			},
		}}); err != nil {
			return fmt.Errorf("open the watch: %w", err)
		}
	}
	return nil
}

// send says nothing of a stream that has ended: why it did is what receiving says.
func (f *follower) send(request *etcdserverpb.WatchRequest) error {
	if err := f.stream.Send(request); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

type received struct {
	response *etcdserverpb.WatchResponse
	err      error
}

// receive reads the stream until it fails. The second channel is closed when its
// goroutine has ended.
func receive(ctx context.Context, stream etcdserverpb.Watch_WatchClient) (<-chan received, <-chan struct{}) {
	out, done := make(chan received), make(chan struct{})
	go func() {
		defer close(done)
		for {
			response, err := stream.Recv()
			select {
			case out <- received{response, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out, done
}

type proved struct {
	proof proof
	err   error
}

// proveAgain sends a proof about every 7 s. The second channel is closed when its
// goroutine has ended.
func (f *follower) proveAgain(ctx context.Context) (<-chan proved, <-chan struct{}) {
	// The jitter is drawn once per stream: the generator belongs to this goroutine.
	every := proofEvery - time.Second + time.Duration(f.cfg.Rand.Int64N(int64(2*time.Second)))
	out, done := make(chan proved), make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			select {
			case <-time.After(every):
			case <-ctx.Done():
				return
			}
			p, err := f.prove(ctx)
			if err == nil && n%indexEvery == 0 {
				f.measure(ctx, &p)
			}
			select {
			case out <- proved{p, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, done
}

// response takes one message of the stream.
func (f *follower) response(r received) error {
	if r.err != nil {
		return fmt.Errorf("watch: %w", r.err)
	}
	m := r.response
	if h := m.GetHeader(); (h.GetClusterId() != 0 && h.GetClusterId() != f.cluster) || (h.GetRaftTerm() != 0 && h.GetRaftTerm() < f.term) {
		return errEpoch // the connection now leads to another store
	}
	switch {
	case m.GetCompactRevision() != 0:
		return errCompacted
	case m.GetCanceled():
		return cancelled(m.GetCancelReason())
	case m.GetCreated():
		f.created++
	case m.GetWatchId() == clientv3.InvalidWatchID:
		f.asked, f.askAfter = false, askFirst
		f.ask.Stop()
		f.assembler.progress(m.GetHeader().GetRevision())
	default:
		i := int(m.GetWatchId()) - 1
		if i < 0 || i >= len(f.ranges) {
			return fmt.Errorf("watch: an answer for the unknown watch %d", m.GetWatchId())
		}
		f.assembler.events(i, m.GetEvents())
	}
	return f.publish()
}

func cancelled(reason string) error {
	if strings.Contains(reason, "permission denied") {
		return fmt.Errorf("watch: %w", errRefused)
	}
	return fmt.Errorf("watch: etcd ended it: %q", reason)
}

// publish hands on the step that is complete, and asks for progress when there is
// something that waits for it.
func (f *follower) publish() error {
	revision, events, ok := f.assembler.step()
	if ok {
		f.revision = revision
		b := f.batch(nil, f.settled())
		b.Changes, b.Schemas = f.changes(events)
		f.sink.Advance(b)
	}
	if f.waits() {
		return f.askProgress()
	}
	return nil
}

func (f *follower) batch(changes map[snapshot.ScopeID][]snapshot.Change, verified time.Time) snapshot.Batch {
	return snapshot.Batch{Revision: f.revision, Changes: changes, Verified: verified, Term: f.term, Index: f.index()}
}

func (f *follower) changes(events []*mvccpb.Event) (changes map[snapshot.ScopeID][]snapshot.Change, schemas snapshot.Schemas) {
	for _, ev := range events {
		deleted := ev.GetType() == mvccpb.Event_DELETE
		if namespace, d := f.document(ev.GetKv(), deleted); d != nil {
			if schemas == nil {
				schemas = snapshot.Schemas{}
			}
			schemas[namespace] = d
		} else if id, c, ok := f.read(ev.GetKv(), deleted); ok {
			if changes == nil {
				changes = map[snapshot.ScopeID][]snapshot.Change{}
			}
			changes[id] = append(changes[id], c)
		}
	}
	return changes, schemas
}

// settled returns when the waiting proof was sent, once its revision is published;
// else the zero time.
func (f *follower) settled() time.Time {
	if f.unproved == nil || f.unproved.revision > f.revision {
		return time.Time{}
	}
	sent := f.unproved.sent
	f.unproved = nil
	return sent
}

func (f *follower) proof(r proved) error {
	if r.err != nil {
		return r.err
	}
	if f.unproved != nil {
		// The proof before it is 7 s old, and the stream has not come that far.
		return errSilent
	}
	return f.proven(r.proof)
}

// proven takes a proof: it holds for what is published once that has its revision.
func (f *follower) proven(p proof) error {
	if f.breaks(p) {
		return errEpoch
	}
	f.learn(p)
	f.floor = p.revision
	f.unproved = &p
	if sent := f.settled(); !sent.IsZero() {
		f.sink.Advance(f.batch(nil, sent))
		return nil
	}
	return f.askProgress()
}

// waits says whether something cannot go on before etcd says how far the stream is.
func (f *follower) waits() bool { return f.assembler.incomplete() || f.unproved != nil }

// askProgress asks etcd how far the stream is, unless such a request is under way. It
// does not before every watch is announced: until then etcd holds the events of a
// watch back, but not the answer, which would vouch for what has not been sent.
func (f *follower) askProgress() error {
	if f.asked || f.created < len(f.ranges) {
		return nil
	}
	f.asked = true
	f.ask.Reset(f.askAfter)
	if err := f.send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_ProgressRequest{
		ProgressRequest: &etcdserverpb.WatchProgressRequest{},
	}}); err != nil {
		return fmt.Errorf("ask for progress: %w", err)
	}
	return nil
}

// unanswered takes note that a request was not answered, and repeats it when that is
// still wanted.
func (f *follower) unanswered() error {
	f.asked = false
	f.askAfter = min(2*f.askAfter, askMost)
	if f.waits() {
		return f.askProgress()
	}
	return nil
}
