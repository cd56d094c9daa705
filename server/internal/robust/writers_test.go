package robust_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/robust"
)

// put is a write of a new value to one of the four layers.
func (s *scene) put(key string, layer int) robust.Write {
	namespaces := []string{s.plan.Namespace, s.plan.Namespace, "_shared", "_shared"}
	environments := []string{s.plan.Environment, "_all", s.plan.Environment, "_all"}
	return robust.Write{
		Namespace: namespaces[layer], Env: environments[layer], Key: key,
		Value: s.value(),
	}
}

func (s *scene) value() string { return strconv.FormatInt(s.sequence.Add(1), 10) }

// writeTimeout is how long a writer waits; then the outcome is unknown. What was under way
// when a leader was lost is not answered: longer would make the interruption look longer,
// and on a slow machine a shorter one would leave no write acknowledged.
func writeTimeout() time.Duration { return time.Duration(pick(3000, 500)) * time.Millisecond }

// writeSurely writes until it is acknowledged, each time with values of its own.
func (s *scene) writeSurely(ctx context.Context, client string, writes ...robust.Write) {
	for !s.write(ctx, client, writes...) && ctx.Err() == nil {
		for i := range writes {
			if !writes[i].Deleted {
				writes[i].Value = s.value()
			}
		}
	}
}

// write does one transaction and takes it down. It says whether it was acknowledged.
func (s *scene) write(ctx context.Context, client string, writes ...robust.Write) bool {
	op := robust.Op{Client: client, Kind: robust.OpWrite, Call: s.history.Now(), Writes: writes}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout())
	defer cancel()
	ops := make([]clientv3.Op, len(writes))
	for i, w := range writes {
		key := entries + w.Env + "/" + w.Namespace + "/" + w.Key
		if ops[i] = clientv3.OpPut(key, w.Value); w.Deleted {
			ops[i] = clientv3.OpDelete(key)
		}
	}
	resp, err := s.cluster.Client().Txn(ctx).Then(ops...).Commit()
	op.Return = s.history.Now()
	if err != nil {
		op.Error = err.Error()
	} else {
		op.Revision = resp.Header.Revision
		s.acked.Add(1)
		for was := s.newest.Load(); was < op.Revision && !s.newest.CompareAndSwap(was, op.Revision); was = s.newest.Load() {
		}
	}
	s.history.Add(op)
	return err == nil
}

// someWrites are those of one random transaction: mostly of one key, of several over
// the layers, or with a delete. The first is always a put.
func (s *scene) someWrites(rng *rand.Rand) []robust.Write {
	group := rng.IntN(groups)
	key := func() string { return fmt.Sprintf("g%d.k%d", group, rng.IntN(perGroup-1)) }
	writes := []robust.Write{s.put(key(), rng.IntN(4))}
	last := fmt.Sprintf("g%d.k%d", group, perGroup-1)
	switch n := rng.IntN(10); {
	case n < 2:
		group = rng.IntN(groups)
		if other := s.put(key(), rng.IntN(4)); other.Key != writes[0].Key {
			writes = append(writes, other)
		}
	case n == 2:
		gone := s.put(last, (group+perGroup-1)%4)
		gone.Value, gone.Deleted = "", true
		writes = append(writes, gone)
	case n == 3:
		writes = append(writes, s.put(last, (group+perGroup-1)%4))
	}
	return writes
}

// writeOn writes until ctx ends, every interval; 0 is as fast as it goes.
func (s *scene) writeOn(ctx context.Context, i int, every time.Duration) {
	rng := rand.New(rand.NewPCG(s.plan.Seed, uint64(i)))
	name := fmt.Sprintf("writer %d", i)
	for pace := newPace(every); pace.next(ctx); {
		// A write that has begun ends, so that its outcome is known.
		s.write(context.WithoutCancel(ctx), name, s.someWrites(rng)...)
	}
}

// pace lets something happen at an interval.
type pace struct {
	every time.Duration
	at    time.Time
}

func newPace(every time.Duration) *pace { return &pace{every, time.Now()} }

// next waits for the next turn. It returns false when ctx has ended.
func (p *pace) next(ctx context.Context) bool {
	p.at = p.at.Add(p.every)
	if now := time.Now(); p.at.Before(now.Add(-p.every)) {
		p.at = now // it is not made up for
	}
	select {
	case <-time.After(time.Until(p.at)):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
