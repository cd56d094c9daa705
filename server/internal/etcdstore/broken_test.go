package etcdstore_test

import (
	"errors"
	"testing"

	"github.com/config-service/config-service/server/internal/etcdstore"
)

// TestABrokenHistoryHidesNoChange: where records were removed nobody can tell which keys
// were changed past the service, so none that was is overwritten by who expects the version before.
func TestABrokenHistoryHidesNoChange(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1")
	l.commit(t, "a=2")
	if _, err := l.raw.Delete(within(t), "/config-service/v1/history/production/pay/0000000000000001"); err != nil {
		t.Fatal(err)
	}
	l.put(t, "production", "a", "7")
	_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{
		Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": 2}}, Edits: edits(t, "a=3"),
	})
	var conflict *etcdstore.ConflictError
	if !errors.As(err, &conflict) || conflict.Current.Number != 3 || conflict.Current.Author != "external" {
		t.Errorf("got %v", err)
	}
	same(t, "the scope", l.live(t, "production"), map[string]string{"a": "7"})
	l.commit(t, "a=3")
	same(t, "what the history gives", l.at(t, 4), map[string]string{"a": "3"})
}
