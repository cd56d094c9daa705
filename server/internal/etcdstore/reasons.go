package etcdstore

import "github.com/config-service/config-service/server/internal/telemetry"

// restartReasons are why a connection is given up: what reasonOf returns, without what
// a session mends by itself.
var restartReasons = []string{
	"epoch", "silent", "timeout", "unavailable", "unauthenticated", "permission_denied", "revoked", "error",
}

// relistReasons are why the whole configuration is read.
var relistReasons = []string{"first", "compacted", "differs", "epoch", "silent", "schemas"}

// announce makes every reason a series that begins at 0: of one that begins at 1
// nobody sees the rise.
func announce(m *telemetry.Metrics) {
	for _, reason := range restartReasons {
		m.StoreRestarts.WithLabelValues(reason)
	}
	for _, reason := range relistReasons {
		m.StoreRelists.WithLabelValues(reason)
	}
}
