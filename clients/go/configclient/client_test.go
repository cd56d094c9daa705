package configclient_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
)

func TestReads(t *testing.T) {
	begin := time.Now()
	s := configtest.Start(t, configtest.Values{"database.pool_size": 20, "name": "x", "list": []int{1, 2}, "null": nil, "database.url": "u"})
	t.Logf("start took %s", time.Since(begin))
	c := s.Client(t)
	if got := c.Status(); got != configclient.Valid {
		t.Errorf("status %s", got)
	}
	if got := configclient.Get(c, "database.pool_size", 10); got != 20 {
		t.Errorf("got %d", got)
	}
	_, err := c.Get("database.pool_siz")
	var e *configclient.Error
	if !errors.As(err, &e) || !errors.Is(err, configclient.ErrKeyMissing) || e.Nearest() != "database.pool_size" {
		t.Error(err)
	}
	t.Log(err)
	all, err := c.Snapshot("database")
	if err != nil || len(all) != 2 {
		t.Error(all, err)
	}
	changes := make(chan configclient.Change, 10)
	stop, err := c.OnChange("database.*", func(ch configclient.Change) { changes <- ch })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	v := configclient.NewValue(c, "database.pool_size", 1)
	s.Set(t, "database.pool_size", 25)
	t.Log(<-changes, v.Get())
	s.Stop(t)
	for c.Status() != configclient.Stale {
		time.Sleep(time.Millisecond)
	}
	s.Set(t, "database.pool_size", 26)
	s.Restart(t)
	t.Log(<-changes, v.Get(), c.Status())
	c.Close()
	t.Log(c.Status(), c.WaitReady(context.Background()))
}

func BenchmarkValue(b *testing.B) {
	s := configtest.Start(b, configtest.Values{"database.pool_size": 20})
	c := s.Client(b)
	v := configclient.NewValue(c, "database.pool_size", 1)
	b.Run("Value", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v.Get()
		}
	})
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			configclient.Get(c, "database.pool_size", 1)
		}
	})
	b.Run("Lookup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Lookup("database.pool_size")
		}
	})
}
