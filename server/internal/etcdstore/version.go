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

func parseVersion(release string) (v version, err error) {
	if _, err := fmt.Sscanf(release, "%d.%d.%d", &v.major, &v.minor, &v.patch); err != nil {
		return version{}, fmt.Errorf("etcd says that its release is %q", release)
	}
	return v, nil
}

// look completes the first proof of a session by what the member says of itself, and
// warns once about a release of etcd with known faults.
func (s *session) look(ctx context.Context, p *proof) {
	release := s.measure(ctx, p)
	if s.versions || release == "" {
		return
	}
	s.versions = true
	v, err := parseVersion(release)
	if err != nil {
		return
	}
	if need, old := tooOld(v); old {
		s.cfg.Log.Warn("etcd is older than the first release without known faults", "version", v.String(), "at_least", need.String())
	}
}

// measure adds to a proof how far the raft index is ahead of the revision, and returns
// the release of etcd. What the member does not tell is left out: that is no fault.
//
// The index is asked for after the revision of the proof and before another one, so that
// the truth lies between the two differences. A member raises the revision for a write
// just before the index, so the one it tells may be one less.
func (s *session) measure(ctx context.Context, p *proof) (release string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	first, err := s.status(ctx)
	if err != nil {
		return ""
	}
	second, err := s.status(ctx)
	if h := second.GetHeader(); err == nil && p.member == first.GetHeader().GetMemberId() && p.member == h.GetMemberId() {
		index := int64(first.GetRaftAppliedIndex())
		p.ahead = &ahead{least: index - h.GetRevision(), most: index + 1 - p.revision}
	}
	return first.GetVersion()
}

// status asks the member for what it says of itself. It does not use the client's
// Status, which opens another connection.
func (s *session) status(ctx context.Context) (*etcdserverpb.StatusResponse, error) {
	return etcdserverpb.NewMaintenanceClient(s.client.ActiveConnection()).Status(ctx, &etcdserverpb.StatusRequest{})
}
