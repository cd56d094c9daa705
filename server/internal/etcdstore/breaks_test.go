package etcdstore

import "testing"

// A proof that was overtaken by changes while it was under way breaks nothing; one
// below what a quorum said before does.
func TestOnlyAQuorumThatGoesBackBreaksTheEpoch(t *testing.T) {
	s := &session{Source: &Source{revision: 100, floor: 50, cluster: 1, term: 3, ahead: 40}}
	for _, c := range []struct {
		name   string
		proof  proof
		breaks bool
	}{
		{"behind what was published since", proof{revision: 60, cluster: 1, term: 3}, false},
		{"below the proof before it", proof{revision: 49, cluster: 1, term: 3}, true},
		{"of another cluster", proof{revision: 200, cluster: 2, term: 3}, true},
		{"of a lower term", proof{revision: 200, cluster: 1, term: 2}, true},
		{"whose index is less far ahead", proof{revision: 200, cluster: 1, term: 3, ahead: &ahead{-90, 39}}, true},
		{"whose index may be as far ahead", proof{revision: 200, cluster: 1, term: 3, ahead: &ahead{30, 40}}, false},
		{"of a member that does not tell its index", proof{revision: 200, cluster: 1, term: 3}, false},
		{"of a later term", proof{revision: 200, cluster: 1, term: 4}, false},
	} {
		if got := s.breaks(c.proof); got != c.breaks {
			t.Errorf("a proof %s breaks the epoch: %v, want %v", c.name, got, c.breaks)
		}
	}
}
