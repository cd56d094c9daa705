package service

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// clientLimit is what a gRPC client takes by default.
const clientLimit = 4 << 20

// effective is a configuration of many entries alike.
func effective(t *testing.T, count, keyBytes, valueBytes int, valid bool) []*snapshot.Entry {
	t.Helper()
	value, err := snapshot.ParseValue([]byte(`"` + strings.Repeat("v", valueBytes) + `"`))
	if err != nil {
		t.Fatal(err)
	}
	changes := make([]snapshot.Change, count)
	for i := range changes {
		key := fmt.Sprintf("k%06d", i)
		changes[i] = snapshot.Change{Key: key + strings.Repeat("k", max(keyBytes-len(key), 0)), Revision: 1 << 40, Value: value}
		if !valid {
			changes[i].Value, changes[i].Problem = snapshot.Value{}, "value is bad"
		}
	}
	var scope *snapshot.Scope
	id := snapshot.ScopeID{Namespace: strings.Repeat("n", 63), Environment: strings.Repeat("e", 63)}
	return snapshot.Resolve(id, [snapshot.LayerCount]*snapshot.Scope{scope.Apply(changes)}, 1<<40, 0, nil).Select(snapshot.NewSelection("", nil))
}

// Whatever the entries are like: an answer is refused as too large, or it fits what
// every client takes. And no answer is refused that is far below that.
func TestAnswersFitAClient(t *testing.T) {
	state := buildState(replica.State{
		Scope: snapshot.ScopeID{Namespace: strings.Repeat("n", 63), Environment: strings.Repeat("e", 63)},
		Epoch: strings.Repeat("e", 128), Revision: 1 << 62, Fresh: true,
	}).(*configv1.State)
	tests := []struct {
		name       string
		key, value int
		valid      bool
	}{
		{name: "large values", key: 20, value: 200_000, valid: true},
		{name: "values of a kilobyte", key: 20, value: 1000, valid: true},
		{name: "small values", key: 20, value: 60, valid: true},
		{name: "unusable values", key: 253},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			one, invalid, err := wireAll(effective(t, 1, tt.key, tt.value, tt.valid))
			if err != nil {
				t.Fatal(err)
			}
			most := clientLimit / proto.Size(&configv1.ListResponse{Entries: one, InvalidKeys: invalid})
			all := effective(t, most+1, tt.key, tt.value, tt.valid)
			for _, percent := range []int{90, 97, 98, 99, 100} {
				count := most * percent / 100
				entries, invalid, err := wireAll(all[:count])
				var refused *fault.Error
				if errors.As(err, &refused) && refused.Reason == configv1.ErrorReason_TOO_LARGE {
					if percent <= 97 {
						t.Errorf("%d entries are refused, which is %d %% of what fits", count, percent)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				size := max(
					proto.Size(&configv1.ListResponse{Entries: entries, InvalidKeys: invalid, State: state, ChangedRevision: 1 << 62}),
					proto.Size(&configv1.WatchResponse{State: state, Event: &configv1.WatchResponse_Snapshot{
						Snapshot: &configv1.Snapshot{Entries: entries, InvalidKeys: invalid},
					}}),
				)
				if size > clientLimit {
					t.Fatalf("%d entries make an answer of %d bytes; a client takes %d", count, size, clientLimit)
				}
			}
		})
	}
}

// A step names what changed, what became unusable and what is gone; all of it counts.
func TestStepsFitAClient(t *testing.T) {
	gone := make([]string, 17_000)
	for i := range gone {
		gone[i] = strings.Repeat("g", 250)
	}
	_, _, err := wireAll(nil, gone...)
	var refused *fault.Error
	if !errors.As(err, &refused) || refused.Reason != configv1.ErrorReason_TOO_LARGE {
		t.Errorf("a step with %d bytes of deleted keys: %v", len(gone)*250, err)
	}
	if _, _, err := wireAll(nil, gone[:16_000]...); err != nil {
		t.Error(err)
	}
}
