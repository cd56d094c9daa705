package etcdstore

import (
	"cmp"
	"slices"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// record is what the store keeps about a service, as JSON. A record that was never
// written has no revision.
type record struct {
	Created   time.Time     `json:"created"`
	CreatedBy string        `json:"created_by"`
	Tokens    []tokenRecord `json:"tokens"`
	Deleting  *deletion     `json:"deleting,omitempty"` // the service is being removed

	revision int64 // of the store's key; 0: there is none
}

// deletion says who removes a service since when.
type deletion struct {
	Since time.Time `json:"since"`
	By    string    `json:"by"`
}

// tokenRecord is a token without its secret.
type tokenRecord struct {
	ID        string     `json:"id"`
	Created   time.Time  `json:"created"`
	CreatedBy string     `json:"created_by"`
	Expires   *time.Time `json:"expires,omitempty"`
	State     tokenState `json:"state"`
}

// tokenState is how far a token is.
type tokenState string

// The states. Of a token that is creating or ending it is not known whether etcd has its
// user.
const (
	creating tokenState = "creating"
	active   tokenState = "active"
	ending   tokenState = "ending"
)

func (rec *record) absent() bool { return rec.revision == 0 }

func (t *tokenRecord) expired(now time.Time) bool { return t.Expires != nil && !t.Expires.After(now) }

// inUse are the tokens that open the store, oldest first.
func (rec *record) inUse(now time.Time) []tokenRecord {
	var tokens []tokenRecord
	for _, t := range rec.Tokens {
		if t.State == active && !t.expired(now) {
			tokens = append(tokens, t)
		}
	}
	slices.SortStableFunc(tokens, func(a, b tokenRecord) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return tokens
}

// find returns a token by its id, or nil.
func (rec *record) find(id string) *tokenRecord {
	for i := range rec.Tokens {
		if rec.Tokens[i].ID == id {
			return &rec.Tokens[i]
		}
	}
	return nil
}

// end marks tokens as ending.
func (rec *record) end(which func(*tokenRecord) bool) {
	for i := range rec.Tokens {
		if which(&rec.Tokens[i]) {
			rec.Tokens[i].State = ending
		}
	}
}

// are returns the ids of the tokens in a state.
func (rec *record) are(state tokenState) []string {
	var ids []string
	for _, t := range rec.Tokens {
		if t.State == state {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

func (rec *record) clone() *record {
	c := *rec
	c.Tokens = slices.Clone(rec.Tokens)
	return &c
}

// service is what callers see of the record.
func (rec *record) service(id snapshot.ScopeID, now time.Time) Service {
	s := Service{Scope: id, Created: rec.Created, CreatedBy: rec.CreatedBy}
	for _, t := range rec.inUse(now) {
		token := Token{ID: t.ID, Created: t.Created, CreatedBy: t.CreatedBy}
		if t.Expires != nil {
			token.Expires = *t.Expires
		}
		s.Tokens = append(s.Tokens, token)
	}
	return s
}
