package etcdstore

import (
	"context"
	"fmt"
	"time"
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

// checkVersion warns once about a release of etcd with known faults. That it cannot
// be told is no fault.
func (s *session) checkVersion(ctx context.Context, endpoint string) {
	if s.versions {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	st, err := s.client.Status(ctx, endpoint)
	if err != nil {
		return
	}
	s.versions = true
	var v version
	if _, err := fmt.Sscanf(st.Version, "%d.%d.%d", &v.major, &v.minor, &v.patch); err != nil {
		return
	}
	if need, old := tooOld(v); old {
		s.cfg.Log.Warn("etcd is older than the first release without known faults", "version", v.String(), "at_least", need.String())
	}
}
