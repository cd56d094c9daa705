package etcdstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Delete removes all there is of the granted scope; of a grant without an environment,
// of the namespace in every environment. It returns how many keys of configuration, and
// how many tokens that were in use, there were. ErrDenied says that the holder may not do
// it everywhere; then nothing was removed.
func (r *Registry) Delete(ctx context.Context, g policy.Grant) (keys, tokens int64, err error) {
	if g.Action() != policy.Administer {
		return 0, 0, policy.ErrDenied
	}
	if err := snapshot.CheckNamespace(g.Namespace()); err != nil {
		return 0, 0, fmt.Errorf("the namespace %w", err)
	}
	s, release, err := r.connect(ctx, true)
	if err != nil {
		return 0, 0, err
	}
	defer release()
	environments, err := s.granted(ctx, g)
	if err != nil {
		return 0, 0, err
	}
	found := false
	by := g.Holder().Name()
	for _, environment := range environments {
		there, k, t, err := s.deleteScope(ctx, snapshot.ScopeID{Namespace: g.Namespace(), Environment: environment}, by)
		if err != nil {
			return keys, tokens, err
		}
		found, keys, tokens = found || there, keys+k, tokens+t
	}
	if g.Environment() == "" {
		there, err := s.deleteSchema(ctx, g.Namespace())
		if err != nil {
			return keys, tokens, err
		}
		found = found || there
	}
	if !found {
		return 0, 0, ErrNotRegistered
	}
	return keys, tokens, nil
}

// granted returns the environments in which the grant is to delete: its own, or all
// there are, each of which its holder has to be allowed. Whether something is there is
// told to nobody who is not.
func (s *registryStore) granted(ctx context.Context, g policy.Grant) ([]string, error) {
	if g.Environment() != "" {
		if err := snapshot.CheckEnvironment(g.Environment()); err != nil {
			return nil, fmt.Errorf("the environment %w", err)
		}
		return []string{g.Environment()}, nil
	}
	if _, err := g.In(g.Namespace(), snapshot.AllEnvironments); err != nil {
		return nil, err
	}
	environments, err := s.environmentsOf(ctx, g.Namespace())
	if err != nil {
		return nil, err
	}
	for _, environment := range environments {
		if _, err := g.In(g.Namespace(), environment); err != nil {
			return nil, err
		}
	}
	return environments, nil
}

// environmentsOf finds every environment in which something of a namespace lies.
func (s *registryStore) environmentsOf(ctx context.Context, namespace string) ([]string, error) {
	var found []string
	for _, root := range []string{servicesPrefix, entriesPrefix, headsPrefix, historyPrefix} {
		rng := below(root)
		for start := rng.start; ; {
			resp, err := s.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithLimit(1), clientv3.WithKeysOnly())
			if err != nil {
				return nil, err
			}
			if len(resp.Kvs) == 0 {
				break
			}
			environment, _, _ := strings.Cut(strings.TrimPrefix(string(resp.Kvs[0].Key), root), "/")
			start = root + environment + "0" // past all of that environment
			if slices.Contains(found, environment) {
				continue
			}
			there, err := s.any(ctx, snapshot.ScopeID{Namespace: namespace, Environment: environment})
			if err != nil {
				return nil, err
			}
			if there {
				found = append(found, environment)
			}
		}
	}
	users, err := s.users(ctx, namespace+".")
	for _, user := range users {
		if parts := strings.Split(user, "."); len(parts) == 3 && !slices.Contains(found, parts[1]) {
			found = append(found, parts[1])
		}
	}
	slices.Sort(found)
	return found, err
}

// contents are what deleting a scope removes from the store, entries first.
func contents(id snapshot.ScopeID) []clientv3.Op {
	rest := id.Environment + "/" + id.Namespace
	entries, history := scopeRange(id), below(historyPrefix+rest+"/")
	return []clientv3.Op{
		clientv3.OpDelete(entries.start, clientv3.WithRange(entries.end)),
		clientv3.OpDelete(headsPrefix + rest),
		clientv3.OpDelete(history.start, clientv3.WithRange(history.end)),
		clientv3.OpDelete(serviceKey(id)),
	}
}

// any says whether there is a record or content of a scope.
func (s *registryStore) any(ctx context.Context, id snapshot.ScopeID) (bool, error) {
	for _, op := range contents(id) {
		resp, err := s.get(ctx, string(op.KeyBytes()), clientv3.WithRange(string(op.RangeBytes())), clientv3.WithCountOnly())
		if err != nil {
			return false, err
		}
		if resp.Count > 0 {
			return true, nil
		}
	}
	return false, nil
}

// deleteScope removes a scope and says what there was. First the record says so: nobody
// makes a token meanwhile, and Run goes on when this is interrupted.
func (s *registryStore) deleteScope(ctx context.Context, id snapshot.ScopeID, by string) (there bool, keys, tokens int64, err error) {
	if there, err = s.any(ctx, id); err != nil {
		return false, 0, 0, err
	}
	if users, err := s.users(ctx, userPrefix(id)); err != nil || (!there && len(users) == 0) {
		return false, 0, 0, err
	}
	ended := map[string]bool{}
	if _, err = s.update(ctx, id, func(rec *record) error {
		now := s.cfg.Now().UTC()
		for _, t := range rec.inUse(now) {
			ended[t.ID] = true
		}
		if rec.absent() {
			rec.Created, rec.CreatedBy = now, by
		}
		rec.end(func(*tokenRecord) bool { return true })
		if rec.Deleting == nil {
			rec.Deleting = &deletion{Since: now, By: by}
		}
		return nil
	}); err != nil {
		return true, 0, 0, err
	}
	keys, err = s.erase(ctx, id)
	return true, keys, int64(len(ended)), err
}

// erase removes what a record says is being deleted: users, role, and content together
// with the record.
func (s *registryStore) erase(ctx context.Context, id snapshot.ScopeID) (keys int64, err error) {
	for range updateTries {
		rec, err := s.load(ctx, id)
		if err != nil || rec.Deleting == nil { // somebody else has done it
			return 0, err
		}
		users, err := s.users(ctx, userPrefix(id))
		if err != nil {
			return 0, err
		}
		for _, user := range users {
			if err := s.deleteUser(ctx, user); err != nil {
				return 0, err
			}
		}
		if err := s.deleteRole(ctx, roleName(id)); err != nil {
			return 0, err
		}
		s.step("content")
		var resp *clientv3.TxnResponse
		if err := s.ask(ctx, "delete "+id.String(), func(ctx context.Context) (err error) {
			resp, err = s.client.Txn(ctx).
				If(clientv3.Compare(clientv3.ModRevision(serviceKey(id)), "=", rec.revision)).
				Then(contents(id)...).Commit()
			return err
		}); err != nil {
			return 0, err
		}
		if resp.Succeeded {
			return resp.Responses[0].GetResponseDeleteRange().GetDeleted(), nil
		}
	}
	return 0, fmt.Errorf("%s: %w", id, errContended)
}

// deleteSchema removes what a namespace has beside its scopes.
func (s *registryStore) deleteSchema(ctx context.Context, namespace string) (there bool, err error) {
	s.step("schema")
	rng, requests := below(schemasPrefix+namespace+"/"), below(requestsPrefix+namespace+"/")
	err = s.ask(ctx, "delete the schema of "+namespace, func(ctx context.Context) error {
		resp, err := s.client.Txn(ctx).Then(
			clientv3.OpDelete(schemasPrefix+namespace),
			clientv3.OpDelete(rng.start, clientv3.WithRange(rng.end)),
			clientv3.OpDelete(requests.start, clientv3.WithRange(requests.end))).Commit() // answers to commits, which end by themselves
		if err == nil {
			for _, one := range resp.Responses[:2] {
				there = there || one.GetResponseDeleteRange().GetDeleted() > 0
			}
		}
		return err
	})
	return there, err
}
