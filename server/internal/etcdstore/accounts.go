package etcdstore

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Each token of a service is a user of etcd, with the secret as its password; all of them
// have the one role of the service, which reads the four ranges of its layers and the key of
// its schema. Namespaces and environments have no dots in them, so names cannot meet.

func userName(id snapshot.ScopeID, token string) string { return userPrefix(id) + token }

func userPrefix(id snapshot.ScopeID) string { return id.Namespace + "." + id.Environment + "." }

func roleName(id snapshot.ScopeID) string {
	return "config-service." + id.Environment + "." + id.Namespace
}

// readOf is what a service reads: the four ranges of its layers, and its schema.
func readOf(id snapshot.ScopeID) []keyRange {
	var ranges []keyRange
	for _, layer := range snapshot.LayersOf(id) {
		ranges = append(ranges, scopeRange(layer))
	}
	return append(ranges, ownSchema(id.Namespace))
}

// readOfShared is what the shared server reads.
func readOfShared() []keyRange { return []keyRange{everything(), schemasRange()} }

// ensureRole makes the role of a service, and sees that it permits reading what a service
// reads and nothing else.
func (s *registryStore) ensureRole(ctx context.Context, id snapshot.ScopeID) error {
	return s.ensureRoleReads(ctx, roleName(id), readOf(id))
}

// completeRole permits a role that is there what it lacks: one made by an earlier version. It
// says whether it lacked something. It makes no role, and takes nothing away.
func (s *registryStore) completeRole(ctx context.Context, role string, ranges []keyRange) (lacked bool, err error) {
	has, err := s.permissionsOf(ctx, role)
	if err != nil {
		return false, except(err, rpctypes.ErrRoleNotFound)
	}
	for _, rng := range ranges {
		if !slices.ContainsFunc(has, func(p *authpb.Permission) bool { return permits(p, rng) }) {
			lacked = true
			if err := s.permit(ctx, role, rng); err != nil {
				return true, except(err, rpctypes.ErrRoleNotFound)
			}
		}
	}
	return lacked, nil
}

// ensureRoleReads makes a role that permits reading the ranges and nothing else.
func (s *registryStore) ensureRoleReads(ctx context.Context, role string, ranges []keyRange) error {
	s.step("role")
	if err := s.ask(ctx, "make the role "+role, func(ctx context.Context) error {
		_, err := s.client.RoleAdd(ctx, role)
		return except(err, rpctypes.ErrRoleAlreadyExist)
	}); err != nil {
		return err
	}
	has, err := s.permissionsOf(ctx, role)
	if err != nil {
		return err
	}
	for _, p := range has {
		if !slices.ContainsFunc(ranges, func(rng keyRange) bool { return permits(p, rng) }) {
			if err := s.forbid(ctx, role, p); err != nil {
				return err
			}
		}
	}
	for _, rng := range ranges {
		if !slices.ContainsFunc(has, func(p *authpb.Permission) bool { return permits(p, rng) }) {
			if err := s.permit(ctx, role, rng); err != nil {
				return err
			}
		}
	}
	return nil
}

// permits says whether a permission is that of reading exactly this range.
func permits(p *authpb.Permission, rng keyRange) bool {
	return p.PermType == authpb.Permission_READ && string(p.Key) == rng.start && string(p.RangeEnd) == rng.end
}

func (s *registryStore) permissionsOf(ctx context.Context, role string) ([]*authpb.Permission, error) {
	var has []*authpb.Permission
	err := s.ask(ctx, "look at the role "+role, func(ctx context.Context) error {
		resp, err := s.client.RoleGet(ctx, role)
		if err == nil {
			has = resp.Perm
		}
		return err
	})
	return has, err
}

func (s *registryStore) permit(ctx context.Context, role string, rng keyRange) error {
	s.step("permission")
	return s.ask(ctx, "permit the role "+role+" to read", func(ctx context.Context) error {
		_, err := s.client.RoleGrantPermission(ctx, role, rng.start, rng.end, clientv3.PermissionType(clientv3.PermRead))
		return err
	})
}

func (s *registryStore) forbid(ctx context.Context, role string, p *authpb.Permission) error {
	s.step("permission")
	return s.ask(ctx, "take a permission from the role "+role, func(ctx context.Context) error {
		_, err := s.client.RoleRevokePermission(ctx, role, string(p.Key), string(p.RangeEnd))
		return except(err, rpctypes.ErrPermissionNotGranted)
	})
}

// ensureUser makes a user with a password; one that is there gets this password.
func (s *registryStore) ensureUser(ctx context.Context, user, password string) error {
	s.step("user")
	return s.ask(ctx, "make the user "+user, func(ctx context.Context) error {
		_, err := s.client.UserAdd(ctx, user, password)
		if errors.Is(err, rpctypes.ErrUserAlreadyExist) {
			_, err = s.client.UserChangePassword(ctx, user, password)
		}
		return err
	})
}

// ensureRolesOf sees that a user has one role and no other, and says whether it had to
// be granted.
func (s *registryStore) ensureRolesOf(ctx context.Context, user, role string) (added bool, err error) {
	roles, err := s.rolesOf(ctx, user)
	if err != nil {
		return false, err
	}
	for _, other := range roles {
		if other != role {
			if err := s.revokeRole(ctx, user, other); err != nil {
				return false, err
			}
		}
	}
	if slices.Contains(roles, role) {
		return false, nil
	}
	return true, s.grantRole(ctx, user, role)
}

func (s *registryStore) rolesOf(ctx context.Context, user string) (roles []string, err error) {
	err = s.ask(ctx, "look at the user "+user, func(ctx context.Context) error {
		resp, err := s.client.UserGet(ctx, user)
		if err == nil {
			roles = resp.Roles
		}
		return err
	})
	return roles, err
}

func (s *registryStore) grantRole(ctx context.Context, user, role string) error {
	s.step("grant")
	return s.ask(ctx, "grant the role "+role+" to the user "+user, func(ctx context.Context) error {
		_, err := s.client.UserGrantRole(ctx, user, role)
		return err
	})
}

func (s *registryStore) revokeRole(ctx context.Context, user, role string) error {
	s.step("revoke role")
	return s.ask(ctx, "take the role "+role+" from the user "+user, func(ctx context.Context) error {
		_, err := s.client.UserRevokeRole(ctx, user, role)
		return except(err, rpctypes.ErrRoleNotGranted)
	})
}

// deleteUser deletes a user, if it is there. etcd forgets its logins with it.
func (s *registryStore) deleteUser(ctx context.Context, user string) error {
	s.step("delete user")
	return s.ask(ctx, "delete the user "+user, func(ctx context.Context) error {
		_, err := s.client.UserDelete(ctx, user)
		return except(err, rpctypes.ErrUserNotFound)
	})
}

func (s *registryStore) deleteRole(ctx context.Context, role string) error {
	s.step("delete role")
	return s.ask(ctx, "delete the role "+role, func(ctx context.Context) error {
		_, err := s.client.RoleDelete(ctx, role)
		return except(err, rpctypes.ErrRoleNotFound)
	})
}

// users returns the users whose names begin with a prefix.
func (s *registryStore) users(ctx context.Context, prefix string) ([]string, error) {
	var users []string
	err := s.ask(ctx, "list the users", func(ctx context.Context) error {
		resp, err := s.client.UserList(ctx)
		if err != nil {
			return err
		}
		users = slices.DeleteFunc(resp.Users, func(u string) bool { return !strings.HasPrefix(u, prefix) })
		return nil
	})
	return users, err
}

// except is an error unless it is the one that is as good as success.
func except(err, fine error) error {
	if errors.Is(err, fine) {
		return nil
	}
	return err
}
