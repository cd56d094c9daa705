package etcdstore

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Registry with another clock, with what is called before each change of the store, and
// one sweep of what Run does.

func (r *Registry) OnStep(step func(string)) { r.step = step }

func (r *Registry) Sweep(ctx context.Context) error { return r.sweep(ctx) }

// BootstrapStepping is Bootstrap with what is called before each change of the store.
func BootstrapStepping(ctx context.Context, cfg BootstrapConfig, step func(string)) ([]string, error) {
	return (&bootstrap{BootstrapConfig: cfg, step: step}).run(ctx)
}

// Client is the client that the next call uses.
func (r *Registry) Client(ctx context.Context) (*clientv3.Client, func(), error) {
	c, release, err := r.stores.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	return c.client, release, nil
}

// Reach is what a connection finds that is lost before anything is listed over it.
func (s *Source) Reach(ctx context.Context) (others bool, err error) {
	sn, err := s.dial(ctx, s.cfg.Endpoints[0], s.newest())
	if err != nil {
		return false, err
	}
	defer sn.close()
	return sn.reach(ctx)
}

// Newest makes a release of the future the first without known holes, until the function
// that it returns is called. No other test may run meanwhile.
func Newest() (restore func()) {
	before := minimumVersions
	minimumVersions = []version{{99, 0, 0}}
	return func() { minimumVersions = before }
}
