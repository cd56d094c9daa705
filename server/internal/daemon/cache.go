package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/config-service/config-service/server/internal/diskcache"
)

// restore fills the replica with the last known good configuration, if there is one.
// That there is none, or none that may be used, stops nothing: it is logged, and the
// store has everything.
func (d *Daemon) restore() {
	if d.settings.CacheDir == "" {
		return
	}
	cache, err := diskcache.Open(d.settings.CacheDir, d.settings.Scope())
	if err != nil {
		d.metrics.CacheGood.Set(0)
		d.log.Error("the last known good configuration is neither read nor kept", "reason", err)
		return
	}
	d.cache = cache
	last, err := cache.Load()
	if errors.Is(err, diskcache.ErrEmpty) {
		return
	}
	if err != nil {
		d.log.Error("the last known good configuration is refused", "reason", err)
		return
	}
	if last.Refused != nil {
		d.log.Error("a generation of the last known good configuration is refused; the other one is used", "reason", last.Refused)
	}
	d.metrics.CacheAge.Since(last.Saved)
	d.replica.Restore(last.Content)
	d.log.Info("serving the last known good configuration until the store answers",
		"epoch", last.Content.Epoch, "revision", last.Content.Revision, "saved", last.Saved)
}

// keep saves what the replica holds until ctx ends.
func (d *Daemon) keep(ctx context.Context) {
	if d.cache == nil {
		return
	}
	d.cache.Follow(ctx, diskcache.Following{
		Current: d.replica.Content,
		Saved:   d.saved,
		Log:     d.log,
		Now:     time.Now,
	})
	if err := d.cache.Close(); err != nil {
		d.log.Warn("the cache cannot be closed", "error", err)
	}
}

func (d *Daemon) saved(at time.Time, err error) {
	if errors.Is(err, diskcache.ErrBusy) {
		return // a process that is about to end saves there still
	}
	if err != nil {
		d.metrics.CacheGood.Set(0)
		d.metrics.CacheWrites.WithLabelValues("failed").Inc()
		return
	}
	d.metrics.CacheGood.Set(1)
	d.metrics.CacheWrites.WithLabelValues("ok").Inc()
	d.metrics.CacheAge.Since(at)
}
