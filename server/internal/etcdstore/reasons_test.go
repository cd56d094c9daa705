package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Whatever ends a session, its reason is a series from the start.
func TestEveryReasonIsAnnounced(t *testing.T) {
	errs := []error{errEpoch, errSilent, errRefused, context.DeadlineExceeded, errors.New("any other")}
	for code := codes.OK + 1; code <= codes.Unauthenticated; code++ {
		errs = append(errs, status.Error(code, "x"))
	}
	for _, err := range errs {
		if reason := reasonOf(fmt.Errorf("watch: %w", err)); !slices.Contains(restartReasons, reason) {
			t.Errorf("%v gives the reason %q, which is not announced", err, reason)
		}
	}
}
