package etcdstore

import (
	"context"
	"slices"
	"time"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// cleanUpTimeout bounds what is taken back after a call that failed. What it does not get
// done is Run's.
const cleanUpTimeout = 2 * callTimeout

// issuance is a token on its way into the store.
type issuance struct {
	*registryStore
	id      snapshot.ScopeID
	by      string
	token   string // its id
	rotates bool   // else it is the first one
	overlap time.Duration
}

// issue makes a token: the record says so, then etcd gets the user, then the token is in
// use, and the others end as they have to.
func (s *registryStore) issue(ctx context.Context, g policy.Grant, rotates bool, overlap time.Duration) (Service, string, error) {
	token, id, _, err := identity.NewToken(s.cfg.Rand)
	if err != nil {
		return Service{}, "", err
	}
	i := issuance{s, scopeOf(g), g.Holder().Name(), id, rotates, overlap}
	if _, err := s.update(ctx, i.id, i.announce); err != nil {
		return Service{}, "", err
	}
	_, secret, _ := identity.CutToken(token)
	rec, err := i.complete(ctx, secret)
	if err != nil {
		i.takeBack(ctx)
		return Service{}, "", err
	}
	return rec.service(i.id, s.cfg.Now()), token, nil
}

// announce writes down that the token is being made.
func (i *issuance) announce(rec *record) error {
	now := i.cfg.Now().UTC()
	if rec.find(i.token) != nil {
		return nil
	}
	if err := i.mayBegin(rec, now); err != nil {
		return err
	}
	if rec.absent() {
		rec.Created, rec.CreatedBy = now, i.by
	}
	rec.Tokens = append(rec.Tokens, tokenRecord{ID: i.token, Created: now, CreatedBy: i.by, State: creating})
	return nil
}

func (i *issuance) mayBegin(rec *record, now time.Time) error {
	used := len(rec.inUse(now)) > 0
	switch {
	case i.rotates && (!used || rec.Deleting != nil):
		return ErrNotRegistered
	case !i.rotates && used:
		return ErrRegistered
	case rec.Deleting != nil:
		return ErrDeleting
	}
	return nil
}

func (i *issuance) complete(ctx context.Context, secret string) (*record, error) {
	user := userName(i.id, i.token)
	if err := i.ensureRole(ctx, i.id); err != nil {
		return nil, err
	}
	if err := i.ensureUser(ctx, user, secret); err != nil {
		return nil, err
	}
	if _, err := i.ensureRolesOf(ctx, user, roleName(i.id)); err != nil {
		return nil, err
	}
	rec, err := i.update(ctx, i.id, i.activate)
	if err != nil {
		return nil, err
	}
	return i.finish(ctx, i.id, rec)
}

// activate puts the token to use, and lets the others end. Of several first tokens only
// one gets here: the others find it in use.
func (i *issuance) activate(rec *record) error {
	now := i.cfg.Now().UTC()
	t := rec.find(i.token)
	switch {
	case t == nil || t.State == ending || rec.Deleting != nil:
		return errEnded
	case t.State == active:
		return nil
	case !i.rotates && len(rec.inUse(now)) > 0:
		return ErrRegistered
	}
	t.State = active
	if !i.rotates {
		return nil
	}
	ends := now.Add(i.overlap)
	for n := range rec.Tokens {
		other := &rec.Tokens[n]
		switch {
		case other.ID == i.token || other.State != active:
		case i.overlap <= 0:
			other.State = ending
		case other.Expires == nil || other.Expires.After(ends):
			other.Expires = &ends
		}
	}
	return nil
}

// takeBack ends a token that was not put to use. When that fails too, Run does it.
func (i *issuance) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	rec, err := i.update(ctx, i.id, func(rec *record) error {
		rec.end(func(t *tokenRecord) bool { return t.ID == i.token && t.State == creating })
		return nil
	})
	if err == nil {
		rec, err = i.finish(ctx, i.id, rec)
	}
	if err == nil && rec.find(i.token) == nil { // who ended it may have come before there was a user
		err = i.deleteUser(ctx, userName(i.id, i.token))
	}
	if err != nil {
		i.cfg.Log.Debug("a token that was not put to use is left for later", "token", i.token, "error", err)
	}
}

// finish deletes the users of tokens that are ending, and then their rows.
func (s *registryStore) finish(ctx context.Context, id snapshot.ScopeID, rec *record) (*record, error) {
	ended := rec.are(ending)
	if len(ended) == 0 {
		return rec, nil
	}
	for _, token := range ended {
		if err := s.deleteUser(ctx, userName(id, token)); err != nil {
			return nil, err
		}
	}
	return s.update(ctx, id, func(rec *record) error {
		rec.Tokens = slices.DeleteFunc(rec.Tokens, func(t tokenRecord) bool {
			return t.State == ending && slices.Contains(ended, t.ID)
		})
		return nil
	})
}
