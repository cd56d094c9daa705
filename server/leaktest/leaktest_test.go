package leaktest_test

import (
	"testing"
	"time"

	"github.com/config-service/config-service/server/leaktest"
)

// tests end with a code, and leave a goroutine behind that takes its time to end.
type tests struct{ code int }

func (m tests) Run() int {
	go func() { <-time.After(time.Second) }()
	return m.code
}

func TestWhatEndsInTheEndIsNoLeak(t *testing.T) {
	for _, code := range []int{0, 7} {
		if got := leaktest.Run(tests{code}); got != code {
			t.Errorf("tests that end with %d end with %d", code, got)
		}
	}
}
