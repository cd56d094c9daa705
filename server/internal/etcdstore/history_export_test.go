package etcdstore

import (
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// OnStep has a function called before each change of the store; its error is the outcome.
func (h *History) OnStep(step func(string) error) { h.step = step }

// TakeTime gives calls so much time.
func (h *History) TakeTime(d time.Duration) { h.calls = d }

// Packed says what a transaction of so many operations counts, as etcd counts: on each
// level the operations or the guards, whichever are more, and below them the largest of
// the inner transactions. etcd takes 128.
func Packed(n, guards int) (counts, total int) {
	ops := make([]clientv3.Op, n)
	for i := range ops {
		ops[i] = clientv3.OpDelete("k")
	}
	return counted(nested(ops, maxOps, guards), guards)
}

func counted(ops []clientv3.Op, guards int) (counts, total int) {
	for _, op := range ops {
		if !op.IsTxn() {
			total++
			continue
		}
		_, inner, _ := op.Txn()
		below, n := counted(inner, 0)
		counts, total = max(counts, below), total+n
	}
	return max(len(ops), guards) + counts, total
}

// Text is what the store has, usable or not.
func (s Stored) Text() string { return s.text }
