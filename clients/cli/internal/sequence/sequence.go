// Package sequence orders changes that one commit cannot take into several, so that what the
// commits before the last leave is within the limits of the scopes.
package sequence

import (
	"maps"
	"slices"
	"strings"

	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// The most that one commit is given; somewhat less than a server takes.
const (
	maxChanges      = 4_000
	maxCommitBytes  = 600 << 10
	maxEnvironments = 20
)

// Held is what the scopes of a namespace hold, by environment.
type Held map[string]tree.Content

// After is what they hold after changes. Held stays as it is.
func (h Held) After(changes []*adminv1.Change) Held {
	out := maps.Clone(h)
	own := map[string]bool{}
	for _, c := range changes {
		at := c.GetEnvironment()
		if !own[at] {
			own[at], out[at] = true, tree.Content{}
			maps.Copy(out[at], h[at])
		}
		if c.GetDelete() {
			delete(out[at], c.GetKey())
		} else {
			out[at][c.GetKey()] = c.GetSet()
		}
	}
	return out
}

// Fits says whether one commit can take changes.
func Fits(changes []*adminv1.Change) bool { return len(pack(changes, alone)) <= 1 }

// Orders are the ways to make commits of changes that leave no scope beyond a limit on the
// way, the best first. There is one at least, if what is left at the end fits.
//
//  1. Keys with the same first name stay together: what belongs together moves together.
//  2. First deletions, then values that become smaller, then all else: there is always room.
//  3. First what is set: a key that takes the place of another is there before that goes.
func Orders(namespace string, now Held, changes []*adminv1.Change) [][][]*adminv1.Change {
	byName := slices.Clone(changes)
	slices.SortFunc(byName, byKey)
	roomFirst := slices.Clone(byName)
	slices.SortStableFunc(roomFirst, func(a, b *adminv1.Change) int { return room(now, a) - room(now, b) })
	setFirst := slices.Clone(byName)
	slices.SortStableFunc(setFirst, func(a, b *adminv1.Change) int { return deletes(a) - deletes(b) })
	var out [][][]*adminv1.Change
	for _, order := range [][][]*adminv1.Change{pack(byName, together), pack(roomFirst, alone), pack(setFirst, alone)} {
		if withinLimits(namespace, now, order) {
			out = append(out, order)
		}
	}
	return out
}

func byKey(a, b *adminv1.Change) int {
	if a.GetEnvironment() != b.GetEnvironment() {
		return strings.Compare(a.GetEnvironment(), b.GetEnvironment())
	}
	return strings.Compare(a.GetKey(), b.GetKey())
}

func room(now Held, c *adminv1.Change) int {
	old := now[c.GetEnvironment()][c.GetKey()]
	switch {
	case c.GetDelete():
		return 0
	case old != nil && len(tree.JSON(c.GetSet())) < len(tree.JSON(old)):
		return 1
	}
	return 2
}

func deletes(c *adminv1.Change) int {
	if c.GetDelete() {
		return 1
	}
	return 0
}

// alone and together say whether a change belongs to the one before it.
func alone(_, _ *adminv1.Change) bool { return false }

func together(a, b *adminv1.Change) bool {
	return a.GetEnvironment() == b.GetEnvironment() && firstName(a.GetKey()) == firstName(b.GetKey())
}

func firstName(key string) string {
	name, _, _ := strings.Cut(key, ".")
	return name
}

// load is what a commit holds, as far as it is limited.
type load struct {
	changes, bytes int
	environments   map[string]bool
}

func (l *load) add(changes []*adminv1.Change) {
	for _, c := range changes {
		l.changes++
		l.bytes += len(c.GetKey()) + len(tree.JSON(c.GetSet())) // null for a deletion
		l.environments[c.GetEnvironment()] = true
	}
}

func (l *load) fits() bool {
	return l.changes <= 1 || l.changes <= maxChanges && l.bytes <= maxCommitBytes && len(l.environments) <= maxEnvironments
}

// pack makes commits of changes in their order. Changes that belong together are in one
// commit, if one can take them.
func pack(changes []*adminv1.Change, belongs func(a, b *adminv1.Change) bool) [][]*adminv1.Change {
	var out [][]*adminv1.Change
	now := newLoad(nil)
	for _, unit := range units(changes, belongs) {
		with := newLoad(now)
		if with.add(unit); len(out) == 0 || !with.fits() {
			with = newLoad(nil)
			with.add(unit)
			out = append(out, nil)
		}
		now = with
		out[len(out)-1] = append(out[len(out)-1], unit...)
	}
	return out
}

// units are changes that belong together, and single ones where these are too many for a
// commit.
func units(changes []*adminv1.Change, belongs func(a, b *adminv1.Change) bool) [][]*adminv1.Change {
	var out [][]*adminv1.Change
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && belongs(changes[n-1], changes[n]) {
			n++
		}
		whole := newLoad(nil)
		if whole.add(changes[:n]); whole.fits() {
			out = append(out, changes[:n])
		} else {
			for i := range n {
				out = append(out, changes[i:i+1])
			}
		}
		changes = changes[n:]
	}
	return out
}

func newLoad(like *load) *load {
	l := &load{environments: map[string]bool{}}
	if like != nil {
		l.changes, l.bytes = like.changes, like.bytes
		maps.Copy(l.environments, like.environments)
	}
	return l
}

// withinLimits says whether no commit takes a scope beyond a limit; the last is left to
// the server. A scope may be beyond one already, if it becomes smaller.
func withinLimits(namespace string, now Held, order [][]*adminv1.Change) bool {
	keys, bytes := tree.Limits(namespace)
	at := map[string]*size{}
	for environment, content := range now {
		at[environment] = sizeOf(content)
	}
	for _, changes := range order[:max(0, len(order)-1)] {
		before := map[string]size{}
		for _, c := range changes {
			environment := c.GetEnvironment()
			if at[environment] == nil {
				at[environment] = &size{}
			}
			if _, ok := before[environment]; !ok {
				before[environment] = *at[environment]
			}
			at[environment].change(now[environment], c)
		}
		for environment, was := range before {
			is := at[environment]
			if is.keys > keys && is.keys > was.keys || is.bytes > bytes && is.bytes > was.bytes {
				return false
			}
		}
	}
	return true
}

type size struct{ keys, bytes int }

func sizeOf(c tree.Content) *size {
	s := &size{keys: len(c)}
	for key, value := range c {
		s.bytes += len(key) + len(tree.JSON(value))
	}
	return s
}

// change counts a change of a key; each key changes once.
func (s *size) change(held tree.Content, c *adminv1.Change) {
	if old, ok := held[c.GetKey()]; ok {
		s.keys--
		s.bytes -= len(c.GetKey()) + len(tree.JSON(old))
	}
	if !c.GetDelete() {
		s.keys++
		s.bytes += len(c.GetKey()) + len(tree.JSON(c.GetSet()))
	}
}
