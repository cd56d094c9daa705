package telemetry_test

import (
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/telemetry"
)

func TestRarely(t *testing.T) {
	now := time.Unix(1, 0)
	r := telemetry.NewRarely(10*time.Second, func() time.Time { return now })
	for _, step := range []struct {
		after   time.Duration
		skipped int
		ok      bool
	}{{0, 0, true}, {0, 0, false}, {9 * time.Second, 0, false}, {time.Second, 2, true}, {time.Second, 0, false}, {time.Hour, 1, true}} {
		now = now.Add(step.after)
		if skipped, ok := r.Pass(); skipped != step.skipped || ok != step.ok {
			t.Errorf("after %s: %d %t, want %d %t", step.after, skipped, ok, step.skipped, step.ok)
		}
	}
}
