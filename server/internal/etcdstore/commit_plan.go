package etcdstore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Limits of a commit and of a scope.
const (
	MaxChanges           = 4000
	MaxChangeBytes       = 640 << 10 // of keys and values
	MaxCommitScopes      = 20
	MaxScopeKeys         = 10_000
	MaxScopeBytes        = 1 << 20
	MaxSharedKeys        = 2000
	MaxSharedBytes       = 512 << 10
	maxFindings          = 200 // of one kind that are named one by one; see plan.add
	externalRecordBudget = MaxChangeBytes
)

// keyChange is a key that does not hold the same before and after.
type keyChange struct {
	key      string
	old, new *Stored // nil: it is not there
}

func (c *keyChange) size() int {
	size := len(c.key)
	if c.new != nil {
		size += c.new.size()
	}
	return size
}

// changesBetween are the differences, by key.
func changesBetween(from scopeState, to map[string]Stored) []keyChange {
	var out []keyChange
	for key, s := range to {
		if e, ok := from[key]; !ok {
			out = append(out, keyChange{key: key, new: &s})
		} else if e.Stored != s {
			out = append(out, keyChange{key: key, old: &e.Stored, new: &s})
		}
	}
	for key, e := range from {
		if _, ok := to[key]; !ok {
			out = append(out, keyChange{key: key, old: &e.Stored})
		}
	}
	slices.SortFunc(out, func(a, b keyChange) int { return strings.Compare(a.key, b.key) })
	return out
}

// Difference is a key that does not hold the same on two sides; nil: it is not there.
type Difference struct {
	Environment string
	Key         string
	Old, New    *Stored
	// Forgotten says that what was on the old side is not known any more.
	Forgotten bool
}

// FindingKind is what a Finding is about. The numbers are those of the wire.
type FindingKind int32

// The kinds.
const (
	FoundConflict FindingKind = 1 + iota
	FoundLimit
	FoundNoChange
	FoundExternal
	FoundHidden
	FoundUnusable
	FoundSchema
	FoundRemoved
	FoundTypeChanged
	FoundManyKeys
	FoundManyServices
)

// Finding is what somebody should know of a plan; Refusal is set when the commit would be
// refused for it, and NeedsAcceptance when it would be unless its kind is accepted.
type Finding struct {
	Kind            FindingKind
	Namespace       string // empty: that of the request
	Environment     string
	Key             string
	Message         string
	Refusal         error
	NeedsAcceptance bool
}

// scopePlan is what a commit does to one scope.
type scopePlan struct {
	read    *scopeReading
	version int64 // that it comes after: that of the head, or of what is to be written down first
	changes []keyChange
	hidden  map[string]bool // keys whose value is not shown to who changes them
	keys    int
	bytes   int64
	origin  string // of a rollback: tells the version that comes back from all others

	protection policy.Protection
	typedLast  string // the message of the newest version that somebody made; see lookBack
}

// plan is what a commit does, or why it does not.
type plan struct {
	scopes   []*scopePlan
	findings []Finding
	found    map[foundGroup]int // how many there are, named or not
	risks    []risk             // what has to be accepted, named or not
	affected []Affected         // of a dry run, or when the plan is protected
}

func (p *plan) refusal() error {
	for i := range p.findings {
		if p.findings[i].Refusal != nil {
			return p.findings[i].Refusal
		}
	}
	return nil
}

func (p *plan) changed() bool {
	return slices.ContainsFunc(p.scopes, func(s *scopePlan) bool { return len(s.changes) > 0 })
}

func (p *plan) find(kind FindingKind, id snapshot.ScopeID, key, message string, refusal error) {
	p.add(Finding{Kind: kind, Environment: id.Environment, Key: key, Message: message, Refusal: refusal})
}

// newScopePlan applies edits to what a scope holds. Setting what is hidden from who does it
// is always a change.
func newScopePlan(read *scopeReading, version int64, edits []Edit, hide func(environment, key string) bool) *scopePlan {
	p := &scopePlan{read: read, version: version, keys: read.count(), bytes: read.bytes}
	for _, e := range edits {
		c := keyChange{key: e.Key}
		if old, ok := read.find(e.Key); ok {
			c.old = &old
		}
		if !e.Delete {
			c.new = &e.stored
		}
		if hide != nil && hide(read.id.Environment, e.Key) {
			p.hide(e.Key)
		}
		if c.old == c.new || c.old != nil && c.new != nil && *c.old == *c.new && !p.hidden[e.Key] {
			continue
		}
		if c.old != nil {
			p.keys--
			p.bytes -= int64(len(c.key) + c.old.size())
		}
		if c.new != nil {
			p.keys++
			p.bytes += int64(c.size())
		}
		p.changes = append(p.changes, c)
	}
	slices.SortFunc(p.changes, func(a, b keyChange) int { return strings.Compare(a.key, b.key) })
	return p
}

func (s *scopePlan) hide(key string) {
	if s.hidden == nil {
		s.hidden = map[string]bool{}
	}
	s.hidden[key] = true
}

// after is what the scope would hold.
func (s *scopePlan) after() map[string]Stored {
	out := maps.Clone(s.read.live())
	for i := range s.changes {
		if c := &s.changes[i]; c.new == nil {
			delete(out, c.key)
		} else {
			out[c.key] = *c.new
		}
	}
	return out
}

// checkLimits refuses a scope beyond its limits, unless it becomes smaller: it may be
// beyond them already by what was written past this service.
func (p *plan) checkLimits(s *scopePlan) {
	id, maxKeys, maxBytes := s.read.id, MaxScopeKeys, int64(MaxScopeBytes)
	if id.Namespace == snapshot.SharedNamespace {
		maxKeys, maxBytes = MaxSharedKeys, MaxSharedBytes
	}
	if s.keys > maxKeys && s.keys > s.read.count() {
		p.limit(id, fmt.Sprintf("would have %d keys; accepted: at most %d in a scope of %s", s.keys, maxKeys, id.Namespace))
	}
	if s.bytes > maxBytes && s.bytes > s.read.bytes {
		p.limit(id, fmt.Sprintf("would have %d bytes of keys and values; accepted: at most %d in a scope of %s", s.bytes, maxBytes, id.Namespace))
	}
}

func (p *plan) limit(id snapshot.ScopeID, what string) {
	err := &LimitError{Scope: id, What: what}
	p.find(FoundLimit, id, "", err.Error(), err)
}

// look finds what the author should know of keys: those that would be hidden, and what
// cannot be used.
func (p *plan) look(s *scopePlan) {
	after := make(map[string]bool, s.keys)
	for key := range s.read.live() {
		after[key] = true
	}
	for i := range s.changes {
		after[s.changes[i].key] = s.changes[i].new != nil
	}
	hidden := map[string]bool{}
	for i := range s.changes {
		c := &s.changes[i]
		if c.new == nil {
			continue
		}
		if _, problem := c.new.Value(); problem != "" {
			if s.hidden[c.key] { // what is wrong with it says something of it
				problem = "is unusable"
			}
			p.find(FoundUnusable, s.read.id, c.key, "the value that comes back "+problem, nil)
		}
		for above := range parents(c.key) {
			if after[above] && !hidden[above] {
				hidden[above] = true
				p.find(FoundHidden, s.read.id, above, fmt.Sprintf("key %s would have %s below it, which hides it", above, c.key), nil)
			}
		}
	}
	keys := slices.Sorted(maps.Keys(after))
	for i := range s.changes {
		c := &s.changes[i]
		if c.new == nil || hidden[c.key] {
			continue
		}
		at, _ := slices.BinarySearch(keys, c.key+".")
		for ; at < len(keys) && strings.HasPrefix(keys[at], c.key+"."); at++ {
			if after[keys[at]] {
				hidden[c.key] = true
				p.find(FoundHidden, s.read.id, c.key, fmt.Sprintf("key %s has %s below it, which hides it", c.key, keys[at]), nil)
				break
			}
		}
	}
}

// parents are the keys above a key: `a.b` and `a` for `a.b.c`.
func parents(key string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for {
			dot := strings.LastIndexByte(key, '.')
			if dot < 0 {
				return
			}
			key = key[:dot]
			if !yield(key) {
				return
			}
		}
	}
}

// differences are what the plan changes, by environment and key.
func (p *plan) differences() []Difference {
	var out []Difference
	for _, s := range p.scopes {
		for _, c := range s.changes {
			out = append(out, Difference{Environment: s.read.id.Environment, Key: c.key, Old: c.old, New: c.new})
		}
	}
	return out
}

// hash stands for the plan: the versions that it starts from, what it does, and what has
// to be accepted. Where nothing is protected it depends on nothing but the first two. What
// comes back in a rollback it has by the version that holds it, not by its values: these can
// be hidden from who gets the hash, and could be guessed by it.
func (p *plan) hash(namespace string) string {
	sum := sha256.New()
	enc := json.NewEncoder(sum)                 // its texts are quoted: nothing runs into what follows
	_ = enc.Encode([]string{"plan", namespace}) // a hash takes everything
	for _, s := range p.scopes {
		_ = enc.Encode([]any{s.read.id.Environment, s.version, len(s.changes)})
		if s.origin != "" {
			_ = enc.Encode([]string{"origin", s.origin})
		}
		for i := range s.changes {
			c := recorded(s.changes[i].key, s.changes[i].new)
			if s.origin != "" {
				c = recordedChange{Key: c.Key, Deleted: c.Deleted}
			}
			_ = enc.Encode([]any{c, s.changes[i].old != nil})
		}
	}
	for _, r := range p.risks {
		_ = enc.Encode([]any{"risk", r.kind, r.namespace, r.environment, r.key})
		if r.kind == FoundManyServices {
			for _, a := range p.affected {
				_ = enc.Encode([]string{a.Scope.Namespace, a.Scope.Environment})
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:32]
}
