package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// suitsFor is how long it is believed that the store keeps services apart.
const suitsFor = time.Minute

// suit says why the store cannot keep services apart, or nil. What etcd permits is all
// there is between the credentials of two services: so here it is not enough to warn.
func (s *stores) suit(ctx context.Context, c *connection) error {
	s.mu.Lock()
	fresh := !c.suits.IsZero() && s.cfg.Now().Sub(c.suits) < suitsFor
	s.mu.Unlock()
	if fresh {
		return nil
	}
	if err := suitable(ctx, c.client); err != nil {
		return err
	}
	s.mu.Lock()
	c.suits = s.cfg.Now()
	s.mu.Unlock()
	return nil
}

func suitable(ctx context.Context, client *clientv3.Client) error {
	on, err := authenticates(ctx, client)
	if err != nil {
		return err
	}
	if !on {
		return fmt.Errorf("%w: authentication is not turned on in etcd; 'config-service bootstrap' does it", ErrUnsuitable)
	}
	return newEnough(ctx, client)
}

func authenticates(ctx context.Context, client *clientv3.Client) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	status, err := client.AuthStatus(ctx)
	if err != nil {
		return false, fmt.Errorf("ask etcd whether authentication is on: %w", err)
	}
	return status.Enabled, nil
}

// newEnough looks at every member among the endpoints: an old one serves as well as the
// others. Some may be away, but not all.
func newEnough(ctx context.Context, client *clientv3.Client) error {
	var errs []error
	known := false
	for _, endpoint := range client.Endpoints() {
		v, err := versionOf(ctx, client, endpoint)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		known = true
		if need, old := tooOld(v); old {
			return fmt.Errorf("%w: %s is etcd %s, whose permissions have known holes; accepted: %s or newer", ErrUnsuitable, endpoint, v, need)
		}
	}
	if !known {
		return fmt.Errorf("ask etcd for its release: %w", errors.Join(errs...))
	}
	return nil
}

func versionOf(ctx context.Context, client *clientv3.Client, endpoint string) (version, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	status, err := client.Status(ctx, endpoint)
	if err != nil {
		return version{}, err
	}
	return parseVersion(status.Version)
}
