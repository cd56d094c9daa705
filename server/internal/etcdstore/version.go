package etcdstore

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

// minimumVersions are the first releases, per minor, without known faults that reach
// a reader. Older ones are warned about; a newer minor has them all.
var minimumVersions = []version{{3, 5, 33}, {3, 6, 14}, {3, 7, 1}}

type version struct{ major, minor, patch int }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

// tooOld returns the release to go to at least; false when v will do.
func tooOld(v version) (version, bool) {
	for _, m := range minimumVersions {
		if v.major == m.major && v.minor == m.minor {
			return m, v.patch < m.patch
		}
	}
	oldest := minimumVersions[0]
	return oldest, v.major < oldest.major || (v.major == oldest.major && v.minor < oldest.minor)
}

// look completes the first proof of a session by what the member says of itself, and
// warns once about a release of etcd with known faults.
func (s *session) look(ctx context.Context, p *proof) {
	release := s.status(ctx, p)
	if s.versions || release == "" {
		return
	}
	s.versions = true
	var v version
	if _, err := fmt.Sscanf(release, "%d.%d.%d", &v.major, &v.minor, &v.patch); err != nil {
		return
	}
	if need, old := tooOld(v); old {
		s.cfg.Log.Warn("etcd is older than the first release without known faults", "version", v.String(), "at_least", need.String())
	}
}

// status adds the raft index to a proof and returns the release of etcd. The member
// answered the proof before, so it has applied all that any other had when that was
// sent. What it does not tell is left out: that is no fault. It does not use the
// client's Status, which opens another connection.
func (s *session) status(ctx context.Context, p *proof) (release string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	st, err := etcdserverpb.NewMaintenanceClient(s.client.ActiveConnection()).Status(ctx, &etcdserverpb.StatusRequest{})
	if err != nil {
		return ""
	}
	p.index = st.GetRaftAppliedIndex()
	return st.GetVersion()
}
