package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	// slowLogin hints at a bcrypt cost above 6, where each step doubles the time.
	slowLogin = 15 * time.Millisecond
	// manyRevisions is how long a history is that would have been compacted.
	manyRevisions = 10_000
	// defaultQuota is etcd's own.
	defaultQuota = 2 << 30
)

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func (b *bootstrap) find(format string, args ...any) {
	b.findings = append(b.findings, fmt.Sprintf(format, args...))
}

// look finds what is better changed about an etcd that is protected. What cannot be seen
// is said too.
func (b *bootstrap) look(ctx context.Context, client *clientv3.Client, password string) {
	for _, check := range []func(context.Context, *clientv3.Client) error{
		func(ctx context.Context, client *clientv3.Client) error { return b.lookAtLogins(ctx, client, password) },
		b.lookAtUsers, b.lookAtHistory, b.lookAtSpace, b.lookAtMembers,
	} {
		ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
		if err := check(ctx, client); err != nil {
			b.find("could not be seen: %v", err)
		}
		cancel()
	}
	if b.TLS == nil {
		b.find("etcd is reached over plaintext: passwords and configuration travel in the clear; change: give etcd a certificate (--cert-file, --key-file) and use https:// endpoints")
	}
}

func (b *bootstrap) lookAtLogins(ctx context.Context, client *clientv3.Client, password string) error {
	var took []time.Duration
	for range 3 {
		began := b.Now()
		if err := b.login(ctx, client, rootUser, password); err != nil {
			return err
		}
		took = append(took, b.Now().Sub(began))
	}
	slices.Sort(took)
	if took[1] > slowLogin {
		b.find("a login takes etcd %s: its bcrypt cost seems to be above 6, and a member that restarts has every sidecar log in again; change: start etcd with --bcrypt-cost 4, since the secrets of config-service have 128 random bits, which need no slow hash", took[1].Round(time.Millisecond))
	}
	return nil
}

// lookAtUsers finds who may do everything. Before authentication was on, anybody could make
// such a user.
func (b *bootstrap) lookAtUsers(ctx context.Context, client *clientv3.Client) error {
	list, err := client.UserList(ctx)
	if err != nil {
		return fmt.Errorf("the users of etcd: %w", err)
	}
	for _, user := range list.Users {
		if user == rootUser || user == ControlUser {
			continue
		}
		got, err := client.UserGet(ctx, user)
		if err != nil {
			return fmt.Errorf("the roles of etcd's users: %w", err)
		}
		if slices.Contains(got.Roles, rootRole) {
			b.find("the user %s of etcd has the role root, and may do everything; change: 'etcdctl user delete', unless you know who it is", snapshot.Quote(user))
		}
	}
	return nil
}

func (b *bootstrap) lookAtHistory(ctx context.Context, client *clientv3.Client) error {
	now, err := client.Get(ctx, entriesPrefix, clientv3.WithLimit(1), clientv3.WithKeysOnly())
	if err != nil {
		return fmt.Errorf("the length of etcd's history: %w", err)
	}
	if now.Header.GetRevision() <= manyRevisions {
		return nil // too short to tell
	}
	if _, err := client.Get(ctx, entriesPrefix, clientv3.WithRev(1), clientv3.WithLimit(1), clientv3.WithKeysOnly()); err == nil {
		b.find("etcd keeps its whole history, %d revisions: it will run full; change: start etcd with --auto-compaction-mode=periodic --auto-compaction-retention=1h", now.Header.GetRevision())
	}
	return nil
}

func (b *bootstrap) lookAtSpace(ctx context.Context, client *clientv3.Client) error {
	for _, endpoint := range client.Endpoints() {
		status, err := client.Status(ctx, endpoint)
		if err != nil {
			return fmt.Errorf("the space of etcd at %s: %w", endpoint, err)
		}
		if status.DbSizeQuota == defaultQuota {
			b.find("%s has the default quota of 2 GiB, of which %d MiB are used; consider: --quota-backend-bytes=8589934592 (8 GiB)", endpoint, status.DbSize>>20)
		}
	}
	alarms, err := client.AlarmList(ctx)
	if err != nil {
		return fmt.Errorf("the alarms of etcd: %w", err)
	}
	for _, a := range alarms.Alarms {
		switch a.Alarm {
		case etcdserverpb.AlarmType_NOSPACE:
			b.find("member %x has the alarm NOSPACE: etcd takes no writes; change: compact, 'etcdctl defrag', raise --quota-backend-bytes, then 'etcdctl alarm disarm'", a.MemberID)
		default:
			b.find("member %x has the alarm %s", a.MemberID, a.Alarm)
		}
	}
	return nil
}

func (b *bootstrap) lookAtMembers(ctx context.Context, client *clientv3.Client) error {
	list, err := client.MemberList(ctx)
	if err != nil {
		return fmt.Errorf("the members of etcd: %w", err)
	}
	switch n := len(list.Members); {
	case n == 1:
		b.find("etcd has one member: its loss is the loss of the store; change: 3 members")
	case n%2 == 0:
		b.find("etcd has %d members, and survives no more losses than with %d; change: an odd number", n, n-1)
	}
	return nil
}
