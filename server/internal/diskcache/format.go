package diskcache

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// A file is lines of text. The first one is the header, as JSON; then comes a line for
// each item, in the order of the header's scopes; the last one is the checksum of all
// before it. There is exactly one way to write a content down, so a file that is read
// and written again has the same bytes. Later versions of the format keep the members
// format and version of the header, and the checksum.
const (
	formatName    = "config-service last known good"
	formatVersion = 1

	// maxFile is far more than four scopes within their limits need, and bounds what a
	// file can make this process read.
	maxFile     = 64 << 20
	maxHeader   = 4 << 10
	maxSequence = 1<<53 - 1

	checksumName = "sha256\t"
	checksumSize = len(checksumName) + 2*sha256.Size + 1

	absent       = "-"                      // of a value or a problem that is not there
	shortestLine = len("\tk\t0\t0\t-\t-\n") // after the name of the scope
)

type header struct {
	Format      string        `json:"format"`
	Version     int           `json:"version"`
	Namespace   string        `json:"namespace"`
	Environment string        `json:"environment"`
	Sequence    int64         `json:"sequence"`
	Saved       time.Time     `json:"saved"`
	Epoch       string        `json:"epoch"`
	Cluster     string        `json:"cluster"` // as etcdctl prints it
	Term        uint64        `json:"term"`
	Index       uint64        `json:"index"`
	Revision    int64         `json:"revision"`
	Verified    time.Time     `json:"verified,omitzero"`
	Scopes      []scopeHeader `json:"scopes"`
}

type scopeHeader struct {
	Scope string `json:"scope"`
	Items int    `json:"items"`
}

func newHeader(id snapshot.ScopeID, content snapshot.Content, sequence int64, saved time.Time) header {
	h := header{
		Format:      formatName,
		Version:     formatVersion,
		Namespace:   id.Namespace,
		Environment: id.Environment,
		Sequence:    sequence,
		Saved:       saved.UTC().Round(0),
		Epoch:       content.Epoch,
		Cluster:     strconv.FormatUint(content.Cluster, 16),
		Term:        content.Term,
		Index:       content.Index,
		Revision:    content.Revision,
		Verified:    content.Verified.UTC().Round(0),
	}
	for _, scope := range snapshot.LayersOf(id) {
		h.Scopes = append(h.Scopes, scopeHeader{scope.String(), len(content.Scopes[scope].Items())})
	}
	return h
}

// encode writes a content down. It refuses whatever decode would.
func encode(id snapshot.ScopeID, content snapshot.Content, sequence int64, saved time.Time) ([]byte, error) {
	size, err := check(id, content)
	if err != nil {
		return nil, err
	}
	line, err := json.Marshal(newHeader(id, content, sequence, saved))
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if size += len(line) + 1 + checksumSize; len(line) > maxHeader || size > maxFile {
		return nil, fmt.Errorf("has a header of %d bytes and about %d bytes in all; accepted: at most %d and %d", len(line), size, maxHeader, maxFile)
	}
	out := append(make([]byte, 0, size), line...)
	out = append(out, '\n')
	for _, scope := range snapshot.LayersOf(id) {
		name := scope.String()
		for _, it := range content.Scopes[scope].Items() {
			out = appendItem(out, name, it)
		}
	}
	return append(out, checksum(out)...), nil
}

// check says why a content cannot be kept, or how many bytes its items take at most.
func check(id snapshot.ScopeID, content snapshot.Content) (size int, err error) {
	if err := checkState(content); err != nil {
		return 0, err
	}
	for _, scope := range snapshot.LayersOf(id) {
		held, ok := content.Scopes[scope]
		if !ok {
			return 0, fmt.Errorf("lacks scope %s; accepted: all four of %s", scope, id)
		}
		if _, err := snapshot.NewScope(held.Items()); err != nil {
			return 0, fmt.Errorf("scope %s: %w", scope, err)
		}
		for _, it := range held.Items() {
			if err := checkItem(it, content.Revision); err != nil {
				return 0, fmt.Errorf("scope %s, key %s: %w", scope, snapshot.Quote(it.Key), err)
			}
			const numbersAndTabs, longestEscape = 50, len(`\U0010ffff`)
			size += len(scope.String()) + len(it.Key) + numbersAndTabs + len(it.Value.JSON()) + longestEscape*len(it.Problem)
		}
	}
	return size, nil
}

func checkState(content snapshot.Content) error {
	if content.Epoch == "" || !utf8.ValidString(content.Epoch) {
		return errors.New("has no epoch in UTF-8; accepted: a configuration that is loaded")
	}
	if content.Revision < 1 {
		return fmt.Errorf("has revision %d; accepted: at least 1", content.Revision)
	}
	return nil
}

func checkItem(it *snapshot.Item, newest int64) error {
	switch {
	case it.Value.IsZero() && it.Problem == "":
		return errors.New("has neither a value nor a problem; accepted: one of them, or both")
	case it.Value.IsZero() != (it.Revision == 0) || (it.Problem == "") != (it.ProblemRevision == 0):
		return errors.New("has a revision without its value or problem, or the other way round; accepted: both or 0")
	case it.Revision < 0 || it.ProblemRevision < 0 || it.ModRevision() > newest:
		return fmt.Errorf("has revision %d and problem revision %d; accepted: up to %d, that of the whole", it.Revision, it.ProblemRevision, newest)
	case strings.IndexByte(it.Value.JSON(), '\t') >= 0 || strings.IndexByte(it.Value.JSON(), '\n') >= 0:
		return errors.New("has a value with a raw tab or newline; accepted: canonical JSON")
	}
	return nil
}

func appendItem(out []byte, scope string, it *snapshot.Item) []byte {
	out = append(append(out, scope...), '\t')
	out = append(append(out, it.Key...), '\t')
	out = append(strconv.AppendInt(out, it.Revision, 10), '\t')
	out = append(strconv.AppendInt(out, it.ProblemRevision, 10), '\t')
	if it.Value.IsZero() {
		out = append(out, absent...)
	} else {
		out = append(out, it.Value.JSON()...)
	}
	out = append(out, '\t')
	if it.Problem == "" {
		out = append(out, absent...)
	} else {
		out = strconv.AppendQuote(out, it.Problem)
	}
	return append(out, '\n')
}

// checksum is the last line, after what is before it.
func checksum(before []byte) []byte {
	sum := sha256.Sum256(before)
	return append(hex.AppendEncode([]byte(checksumName), sum[:]), '\n')
}
