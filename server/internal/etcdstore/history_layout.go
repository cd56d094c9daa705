package etcdstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Beside the entries, and changed in the same transaction as these:
//
//   - scopes/<environment>/<namespace> is the head of a scope: its newest version;
//   - history/<environment>/<namespace>/<version> is what a version changed, the version
//     in 16 digits; below it .../keyframe is all that the scope held then, now and again;
//   - requests/<namespace>/<request id> is the answer to a commit that had an id, for a
//     day, and .../<digest of the caller> that to another caller who took the same id. It
//     holds no value.
const requestsPrefix = "/config-service/v1/requests/"

func headKey(id snapshot.ScopeID) string { return headsPrefix + id.Environment + "/" + id.Namespace }

func historyRange(id snapshot.ScopeID) keyRange {
	return below(historyPrefix + id.Environment + "/" + id.Namespace + "/")
}

func recordKey(id snapshot.ScopeID, version int64) string {
	return fmt.Sprintf("%s%016d", historyRange(id).start, version)
}

const keyframeSuffix = "/keyframe"

func keyframeKey(id snapshot.ScopeID, version int64) string {
	return recordKey(id, version) + keyframeSuffix
}

// recordsBetween is the range of the records, and their keyframes, of two versions and
// all between.
func recordsBetween(id snapshot.ScopeID, first, last int64) keyRange {
	return keyRange{recordKey(id, first), recordKey(id, last) + "0"} // '0' follows '/'
}

// parseRecordKey returns the version of a key of a scope's history, and whether it is a
// keyframe. Whatever else lies there is none of ours.
func parseRecordKey(id snapshot.ScopeID, raw string) (version int64, keyframe, ok bool) {
	rest, ok := strings.CutPrefix(raw, historyRange(id).start)
	if !ok {
		return 0, false, false
	}
	digits, keyframe := strings.CutSuffix(rest, keyframeSuffix)
	version, err := strconv.ParseInt(digits, 10, 64)
	return version, keyframe, err == nil && version > 0 && raw == recordKeyOf(id, version, keyframe)
}

func recordKeyOf(id snapshot.ScopeID, version int64, keyframe bool) string {
	if keyframe {
		return keyframeKey(id, version)
	}
	return recordKey(id, version)
}

func requestKey(namespace, request string) string { return requestsPrefix + namespace + "/" + request }

func callerKey(namespace, request, caller string) string {
	sum := sha256.Sum256([]byte(caller))
	return requestKey(namespace, request) + "/" + hex.EncodeToString(sum[:16])
}
