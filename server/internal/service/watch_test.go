package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

func TestWatchTellsStateAndThenSteps(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.Set(t, shared, "a", `"1"`)
	s.settle(t, s.Set(t, own, "b", `"1"`))
	w := s.watch(t, &configv1.WatchRequest{})
	first := w.next(t)
	if got := flat(first.GetSnapshot().GetEntries()); got != "a=1@SHARED b=1@SERVICE_ENVIRONMENT" {
		t.Fatalf("the snapshot is %s", got)
	}
	at := first.GetState()
	steps := []struct {
		name            string
		write           func() int64
		entries, delete string
	}{
		{"a new key", func() int64 { return s.Set(t, own, "c", `"2"`) }, "c=2@SERVICE_ENVIRONMENT", ""},
		{"a change", func() int64 { return s.Set(t, own, "b", `"2"`) }, "b=2@SERVICE_ENVIRONMENT", ""},
		{"the same value again", func() int64 { return s.Set(t, own, "b", `"2"`) }, "b=2@SERVICE_ENVIRONMENT", ""},
		{"an override", func() int64 { return s.Set(t, ofService, "a", `"2"`) }, "a=2@SERVICE", ""},
		{"the override deleted", func() int64 { return s.Delete(t, ofService, "a") }, "a=1@SHARED", ""},
		{"a delete", func() int64 { return s.Delete(t, own, "b") }, "", "b"},
		{"a parent that hides", func() int64 { return s.Set(t, own, "a.x", `"3"`) }, "a.x=3@SERVICE_ENVIRONMENT", "a"},
		{"the parent shows again", func() int64 { return s.Delete(t, own, "a.x") }, "a=1@SHARED", "a.x"},
	}
	for _, step := range steps {
		revision := step.write()
		m := w.news(t)
		d, st := m.GetDelta(), m.GetState()
		if d == nil || flat(d.GetEntries()) != step.entries || strings.Join(d.GetDeletedKeys(), " ") != step.delete || len(d.GetInvalidKeys()) > 0 {
			t.Fatalf("%s: %v", step.name, m)
		}
		if d.GetFromRevision() != at.GetRevision() || st.GetRevision() != revision || st.GetEpoch() != at.GetEpoch() {
			t.Errorf("%s: from %d to %v, want from %d to %d", step.name, d.GetFromRevision(), st, at.GetRevision(), revision)
		}
		for _, e := range d.GetEntries() {
			if e.GetRevision() != revision {
				t.Errorf("%s: the entry is dated %d", step.name, e.GetRevision())
			}
		}
		at = st
	}
}

// What one transaction changed, over all layers, is one step.
func TestTransactionIsOneStep(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	w := s.watch(t, &configv1.WatchRequest{})
	from := w.next(t).GetState().GetRevision()
	write := func(layer configv1.Layer, key, json string) servertest.Write {
		return servertest.Write{Namespace: "payment-service", Environment: "development", Layer: layer, Key: key, JSON: json, Delete: json == ""}
	}
	for round := range 100 {
		var writes []servertest.Write
		var want []string
		for i, layer := range layers {
			writes = append(writes, write(layer, fmt.Sprintf("key%d", i), fmt.Sprintf(`"%d"`, round)))
			want = append(want, fmt.Sprintf("key%d=%d@%s", i, round, layer))
		}
		// And a delete in one layer that shows what another gains in the same step.
		writes = append(writes, write(own, "moved", ""), write(shared, "moved", fmt.Sprintf(`"%d"`, round)))
		want = append(want, fmt.Sprintf("moved=%d@SHARED", round))
		revision := s.Etcd.Commit(t, writes...)
		m := w.news(t)
		if got := flat(m.GetDelta().GetEntries()); got != strings.Join(want, " ") || m.GetState().GetRevision() != revision || m.GetDelta().GetFromRevision() != from {
			t.Fatalf("round %d at %d: the step is %v\nwant %q from %d", round, revision, m, want, from)
		}
		from = revision
	}
}

func TestWatchSelection(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	keys := []string{"database", "database2", "database-x", "databas", "other", "x.y", "x"}
	for _, key := range keys[:len(keys)-1] {
		s.Set(t, shared, key, `"1"`)
	}
	s.settle(t, s.Set(t, shared, "Database", `"1"`))
	tests := []struct {
		name string
		req  *configv1.WatchRequest
		want string // keys of the snapshot
	}{
		{"everything", &configv1.WatchRequest{}, "Database databas database database-x database2 other x.y"},
		{"a prefix is the key and what lies below", &configv1.WatchRequest{Prefix: "database"}, "database"},
		{"a prefix that is no key", &configv1.WatchRequest{Prefix: "x"}, "x.y"},
		{"keys", &configv1.WatchRequest{Keys: []string{"other", "database2", "absent", "other"}}, "database2 other"},
		{"prefix and keys are a union", &configv1.WatchRequest{Prefix: "database", Keys: []string{"x.y"}}, "database x.y"},
		{"nothing", &configv1.WatchRequest{Prefix: "absent"}, ""},
		{"no key that exists", &configv1.WatchRequest{Keys: []string{"absent"}}, ""},
	}
	streams := make([]*stream, len(tests))
	for i, tt := range tests {
		streams[i] = s.watch(t, tt.req)
		var got []string
		for _, e := range streams[i].snapshot(t).GetEntries() {
			got = append(got, e.GetKey())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: the snapshot is %q, want %q", tt.name, got, tt.want)
		}
		list, err := s.List(deadline(t), &configv1.ListRequest{Prefix: tt.req.GetPrefix(), Keys: tt.req.GetKeys()})
		if err != nil || len(list.GetEntries()) != len(got) {
			t.Errorf("%s: the list has %d entries, the snapshot %d (%v)", tt.name, len(list.GetEntries()), len(got), err)
		}
	}
	// Each stream hears of its selection and of nothing else.
	for _, change := range []struct{ key, hear string }{
		{"database2", "everything, keys"},
		{"database.pool", "everything, a prefix is the key and what lies below, prefix and keys are a union"},
		{"absent", "everything, keys, nothing, no key that exists"},
	} {
		s.Set(t, own, change.key, `"2"`)
		for i, tt := range tests {
			if !slices.Contains(strings.Split(change.hear, ", "), tt.name) {
				continue
			}
			if d := streams[i].delta(t); len(d.GetEntries()) == 0 || d.GetEntries()[0].GetKey() != change.key {
				t.Errorf("%s: after %s changed came %v", tt.name, change.key, d)
			}
		}
	}
}

// An idle stream says that it is alive, and how far it is.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	w := s.watch(t, &configv1.WatchRequest{Prefix: "a", CheckpointInterval: durationpb.New(time.Second)})
	at := w.next(t).GetState().GetRevision()
	elsewhere := s.settle(t, s.Set(t, own, "b", `1`)).GetState().GetRevision()
	for checkpoints := 0; checkpoints < 2 || at < elsewhere; checkpoints++ {
		m := w.next(t)
		if m.GetCheckpoint() == nil {
			t.Fatalf("an idle stream says %v", m)
		}
		if st := m.GetState(); st.GetRevision() < at || st.GetFreshness() != configv1.State_FRESH {
			t.Errorf("after revision %d came a checkpoint at %v", at, st)
		}
		at = m.GetState().GetRevision()
	}
	revision := s.Set(t, own, "a", `1`)
	m := w.next(t)
	for ; m.GetCheckpoint() != nil; m = w.next(t) {
		at = m.GetState().GetRevision()
	}
	if d := m.GetDelta(); d.GetFromRevision() != at || m.GetState().GetRevision() != revision {
		t.Errorf("after a checkpoint at %d came %v", at, m)
	}
}

// That the store forgets its history is no news to a stream.
func TestCompactionIsInvisible(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	w := s.watch(t, &configv1.WatchRequest{})
	from := w.next(t).GetState().GetRevision()
	for round := range 20 {
		revision := s.Set(t, own, "a", fmt.Sprintf(`"%d"`, round))
		s.Etcd.Compact(t, revision)
		m := w.news(t)
		if m.GetDelta().GetFromRevision() != from || flat(m.GetDelta().GetEntries()) != fmt.Sprintf("a=%d@SERVICE_ENVIRONMENT", round) {
			t.Fatalf("round %d: from %d came %v", round, from, m)
		}
		from = m.GetState().GetRevision()
	}
}
