// Package etcdstore is the only user of etcd. Its Source reads the configuration and
// keeps following it; layout.go says where things lie.
package etcdstore

import (
	"strings"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// entriesPrefix is above every entry:
// /config-service/v1/entries/<environment>/<namespace>/<key> holds the JSON value
// itself, so that `etcdctl put` works. The environment comes first: a process that
// serves production never has to hold development.
const entriesPrefix = "/config-service/v1/entries/"

// servicesPrefix is above the record of every registered service:
// /config-service/v1/services/<environment>/<namespace>. Beside it room is kept for
// scopes/<environment>/<namespace>, the head of a scope, history/<environment>/<namespace>/
// and schemas/<namespace>. No service may read any of these but its own schema.
const (
	servicesPrefix = "/config-service/v1/services/"
	headsPrefix    = "/config-service/v1/scopes/"
	historyPrefix  = "/config-service/v1/history/"
	schemasPrefix  = "/config-service/v1/schemas/"
)

func serviceKey(id snapshot.ScopeID) string {
	return servicesPrefix + id.Environment + "/" + id.Namespace
}

// EntryKey is where a key of a scope lies.
func EntryKey(id snapshot.ScopeID, key string) string { return scopePrefix(id) + key }

func scopePrefix(id snapshot.ScopeID) string {
	return entriesPrefix + id.Environment + "/" + id.Namespace + "/"
}

// keyRange is a range of etcd keys that holds whole scopes. It ends at a slash, so
// `pay` never sees `payments`.
type keyRange struct{ start, end string }

func scopeRange(id snapshot.ScopeID) keyRange { return below(scopePrefix(id)) }

// below is the range of all that begins with a prefix, which ends with a slash.
func below(prefix string) keyRange {
	return keyRange{prefix, prefix[:len(prefix)-1] + "0"} // '0' follows '/'
}

// everything is the range of all entries. What lies in it need not be in a scope; see
// isScope.
func everything() keyRange { return below(entriesPrefix) }

// isScope says whether a scope's names are such that somebody can ask for it, or for
// what it is a layer of.
func isScope(id snapshot.ScopeID) bool {
	return (id.Namespace == snapshot.SharedNamespace || snapshot.CheckNamespace(id.Namespace) == nil) &&
		(id.Environment == snapshot.AllEnvironments || snapshot.CheckEnvironment(id.Environment) == nil)
}

// parseEntryKey splits an etcd key into scope and key. Whether these are well formed
// is not its business.
func parseEntryKey(raw string) (snapshot.ScopeID, string, bool) {
	rest, ok := strings.CutPrefix(raw, entriesPrefix)
	if !ok {
		return snapshot.ScopeID{}, "", false
	}
	environment, rest, ok := strings.Cut(rest, "/")
	if !ok {
		return snapshot.ScopeID{}, "", false
	}
	namespace, key, ok := strings.Cut(rest, "/")
	return snapshot.ScopeID{Namespace: namespace, Environment: environment}, key, ok
}
