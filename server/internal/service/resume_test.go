package service_test

import (
	"testing"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// A client that comes back gets nothing it has, and everything it does not have.
func TestResume(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.Set(t, own, "db.size", `"1"`)
	s.settle(t, s.Set(t, own, "gone", `"1"`))
	began := s.watch(t, &configv1.WatchRequest{}).next(t).GetState()
	resume := func(prefix string, epoch string, revision int64) *configv1.WatchResponse {
		t.Helper()
		return s.watch(t, &configv1.WatchRequest{Prefix: prefix, Resume: &configv1.ResumePoint{Epoch: epoch, Revision: revision}}).next(t)
	}
	here := func(prefix string) *configv1.WatchResponse {
		return resume(prefix, began.GetEpoch(), began.GetRevision())
	}
	check := func(name string, m *configv1.WatchResponse, asBefore bool) {
		t.Helper()
		if (m.GetCheckpoint() != nil) != asBefore || (m.GetSnapshot() != nil) == asBefore {
			t.Errorf("%s: began with %v", name, m)
		}
		if m.GetState().GetEpoch() != began.GetEpoch() || m.GetState().GetRevision() < began.GetRevision() {
			t.Errorf("%s: began at %v", name, m.GetState())
		}
	}
	check("nothing changed", here(""), true)
	check("another epoch", resume("", "another", began.GetRevision()), false)
	check("another epoch, far ahead", resume("", "another", 1<<40), false)
	check("an early revision", resume("", began.GetEpoch(), 1), false)

	s.settle(t, s.Set(t, own, "other", `"1"`))
	check("something else changed", here("db"), true)
	check("something changed", here(""), false)
	s.settle(t, s.Delete(t, own, "gone"))
	check("a key is gone", here("gone"), false)
	check("a key elsewhere is gone", here("db"), true)
	s.settle(t, s.Set(t, own, "db.size", `{`))
	check("a bad write, and the last good value stays", here("db"), true)
	s.settle(t, s.Set(t, own, "db.new", `{`))
	check("a key came that is unusable", here("db"), false)
}

// A point ahead of this server is waited for, so that a client never goes back; here
// the revision comes from a write that the server has to ask for.
func TestResumeAheadOfTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.settle(t, s.Set(t, own, "a", `"1"`))
	for range 10 {
		st := s.settle(t, 0).GetState()
		w := s.watch(t, &configv1.WatchRequest{Resume: &configv1.ResumePoint{Epoch: st.GetEpoch(), Revision: st.GetRevision() + 1}})
		ahead := s.Etcd.Commit(t, servertest.Write{Namespace: "other", Environment: "development", Layer: own, Key: "a", JSON: `1`})
		m := w.next(t)
		if m.GetCheckpoint() == nil || m.GetState().GetRevision() < ahead {
			t.Fatalf("resumed at %d of %d with %v", ahead, st.GetRevision(), m)
		}
		w.close()
	}
}

// After a resume the steps go on without a gap.
func TestResumeGoesOn(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	st := s.settle(t, s.Set(t, own, "a", `"1"`)).GetState()
	w := s.watch(t, &configv1.WatchRequest{Resume: &configv1.ResumePoint{Epoch: st.GetEpoch(), Revision: st.GetRevision()}})
	first := w.next(t)
	revision := s.Set(t, own, "a", `"2"`)
	m := w.news(t)
	if m.GetDelta().GetFromRevision() != first.GetState().GetRevision() || flat(m.GetDelta().GetEntries()) != "a=2@SERVICE_ENVIRONMENT" || m.GetState().GetRevision() != revision {
		t.Errorf("after %v came %v", first, m)
	}
}
