package etcdstore_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/config-service/config-service/server/internal/etcdstore"
)

// TestALargeCommitFindsRoomBesideKeyframes: what is written along never makes a commit
// within its limits one that the store does not take.
func TestALargeCommitFindsRoomBesideKeyframes(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for n := range 49 {
		l.commit(t, fmt.Sprintf("small=%d", n))
	}
	var list []etcdstore.Edit
	for bytes := 0; ; {
		random := make([]byte, 6000)
		_, _ = rand.Read(random) // never fails
		text := base64.StdEncoding.EncodeToString(random)
		e := etcdstore.Edit{Environment: "production", Key: fmt.Sprintf("key%d", len(list)), Value: value(t, fmt.Sprintf("%q", text))}
		if bytes += len(e.Key) + len(e.Value.JSON()); bytes > etcdstore.MaxChangeBytes {
			break
		}
		list = append(list, e)
	}
	out, err := l.large(t, list)
	if err != nil || out.Versions[0].Number != 50 {
		t.Fatalf("%v, %v", out.Versions, err)
	}
	l.commit(t, "small=50")
	same(t, "what the history gives", l.at(t, 51), l.live(t, "production"))
	same(t, "what the history gives", l.at(t, 49), map[string]string{"small": "48"})
}
