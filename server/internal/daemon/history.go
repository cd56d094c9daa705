package daemon

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/settings"
)

// maxCommitMessage is how large a request to the control role may be: a commit of 640 KiB of
// keys and values, however they are encoded.
const maxCommitMessage = 4 << 20

// newHistory returns what changes configuration; nil: this role does not.
func (d *Daemon) newHistory() *etcdstore.History {
	if d.settings.Role != settings.RoleControl {
		return nil
	}
	return etcdstore.NewHistory(etcdstore.HistoryConfig{
		Endpoints: d.settings.EtcdEndpoints,
		Access:    storeAccess(d.settings, d.access),
		Keep:      d.settings.HistoryKeep,
		KeepFor:   d.settings.HistoryKeepFor,
		Protection: func(namespace, environment string) policy.Protection {
			return d.currentPolicy().Protection(namespace, environment)
		},
		Log: d.log,
		Now: time.Now,
	})
}

// keepHistory lets go of old versions until ctx ends, which is after the calls of the
// listeners; then the connections close.
func (d *Daemon) keepHistory(ctx context.Context) {
	d.history.Run(ctx)
	d.history.Close()
}

// requests is how large requests may be in this role.
func (d *Daemon) requests() []grpc.ServerOption {
	if d.history == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.MaxRecvMsgSize(maxCommitMessage)}
}
