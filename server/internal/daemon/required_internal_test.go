package daemon

import (
	"log/slog"
	"strings"
	"testing"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// What is missing is said when it changes, with a bounded number of names, and not again.
func TestMissingKeysAreSaidOnce(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	r := &required{log: slog.New(slog.NewTextHandler(&log, nil))}
	many := strings.Fields("a b c d e f g h i j k l")
	for i, step := range []struct {
		state configv1.GetStatusResponse_SchemaState
		keys  []string
		says  string
	}{
		{configv1.GetStatusResponse_UNKNOWN, nil, ""},
		{configv1.GetStatusResponse_KNOWN, nil, ""},
		{configv1.GetStatusResponse_KNOWN, []string{"a"}, `level=WARN msg="keys that the service's schema requires are missing" count=1 keys=a`},
		{configv1.GetStatusResponse_KNOWN, []string{"a"}, ""},
		{configv1.GetStatusResponse_KNOWN, many, `count=12 keys="a, b, c, d, e, f, g, h, i, j, ..."`},
		{configv1.GetStatusResponse_NONE, nil, "level=INFO"},
		{configv1.GetStatusResponse_NONE, nil, ""},
		{configv1.GetStatusResponse_UNKNOWN, nil, ""},
	} {
		log.Reset()
		r.take(step.state, step.keys)
		if (log.Len() > 0) != (step.says != "") || !strings.Contains(log.String(), step.says) {
			t.Errorf("step %d says %q, want %q", i, log.String(), step.says)
		}
		if n, known := r.count(); known != (step.state != configv1.GetStatusResponse_UNKNOWN) || n != len(step.keys) {
			t.Errorf("step %d counts %d, %t", i, n, known)
		}
	}
}
