package diskcache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// sealed is a file whose checksum and header are right. Its lines are still to be read.
type sealed struct {
	header header
	lines  []byte
}

// unseal judges a file as a whole: whether it is whole, of this format, and of this
// scope.
func unseal(data []byte, id snapshot.ScopeID) (sealed, error) {
	end := len(data) - checksumSize
	if end < 1 || data[end-1] != '\n' || !bytes.HasPrefix(data[end:], []byte(checksumName)) {
		return sealed{}, errors.New("does not end with its checksum: it is truncated or something follows; accepted: a whole file")
	}
	if !bytes.Equal(checksum(data[:end]), data[end:]) {
		return sealed{}, errors.New("does not match its checksum: it is damaged; accepted: a file as it was written")
	}
	line, lines, _ := bytes.Cut(data[:end], []byte{'\n'})
	if len(line) > maxHeader {
		return sealed{}, fmt.Errorf("has a header of %d bytes; accepted: at most %d", len(line), maxHeader)
	}
	h, err := parseHeader(line, id)
	return sealed{h, lines}, err
}

func parseHeader(line []byte, id snapshot.ScopeID) (header, error) {
	var kind struct {
		Format  string
		Version int
	}
	if err := json.Unmarshal(line, &kind); err != nil || kind.Format != formatName {
		return header{}, fmt.Errorf("is no file of this cache; accepted: a first line of JSON with the format %q", formatName)
	}
	if kind.Version != formatVersion {
		return header{}, fmt.Errorf("has version %d of the format; accepted: version %d", kind.Version, formatVersion)
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return header{}, fmt.Errorf("has a header that cannot be read; accepted: one that version %d writes", formatVersion)
	}
	if h.Namespace != id.Namespace || h.Environment != id.Environment {
		return header{}, fmt.Errorf("holds the configuration of %s in %s; accepted: that of %s",
			snapshot.Quote(h.Namespace), snapshot.Quote(h.Environment), id)
	}
	h.Saved, h.Verified = h.Saved.UTC(), h.Verified.UTC()
	if again, err := json.Marshal(h); err != nil || !bytes.Equal(again, line) {
		return header{}, fmt.Errorf("has a header with other members or another spelling; accepted: one that version %d writes", formatVersion)
	}
	if h.Sequence < 1 || h.Sequence > maxSequence {
		return header{}, fmt.Errorf("has sequence %d; accepted: 1 to %d", h.Sequence, maxSequence)
	}
	return h, nil
}

// content reads the lines. What it returns holds on to the lines' memory, which is
// about that of the items.
func (s sealed) content(id snapshot.ScopeID) (snapshot.Content, error) {
	cluster, err := strconv.ParseUint(s.header.Cluster, 16, 64)
	if err != nil || strconv.FormatUint(cluster, 16) != s.header.Cluster {
		return snapshot.Content{}, errors.New("has a cluster that is no id; accepted: up to 16 hexadecimal digits")
	}
	content := snapshot.Content{
		Epoch:    s.header.Epoch,
		Cluster:  cluster,
		Term:     s.header.Term,
		Index:    s.header.Index,
		Revision: s.header.Revision,
		Verified: s.header.Verified,
		Scopes:   make(map[snapshot.ScopeID]*snapshot.Scope, snapshot.LayerCount),
	}
	if err := checkState(content); err != nil {
		return snapshot.Content{}, err
	}
	layers := snapshot.LayersOf(id)
	if len(s.header.Scopes) != len(layers) {
		return snapshot.Content{}, fmt.Errorf("has %d scopes; accepted: the four of %s", len(s.header.Scopes), id)
	}
	lines := lineReader{rest: string(s.lines), newest: content.Revision}
	for i, scope := range layers {
		if content.Scopes[scope], err = lines.scope(scope, s.header.Scopes[i]); err != nil {
			return snapshot.Content{}, err
		}
	}
	if lines.rest != "" {
		return snapshot.Content{}, fmt.Errorf("has more lines than its header says, from line %d; accepted: as many", lines.number+2)
	}
	return content, nil
}

// lineReader takes the lines of items apart.
type lineReader struct {
	rest   string
	number int   // of lines read
	newest int64 // revision that an item can have
}

func (r *lineReader) scope(id snapshot.ScopeID, h scopeHeader) (*snapshot.Scope, error) {
	prefix := id.String()
	if h.Scope != prefix {
		return nil, fmt.Errorf("has scope %s; accepted: %s in its place", snapshot.Quote(h.Scope), prefix)
	}
	if most := len(r.rest) / (len(prefix) + shortestLine); h.Items < 0 || h.Items > most {
		return nil, fmt.Errorf("says that scope %s has %d items; accepted: 0 to %d, for which there is room", prefix, h.Items, most)
	}
	items := make([]*snapshot.Item, h.Items)
	for i := range items {
		line, rest, ok := strings.Cut(r.rest, "\n")
		if !ok {
			return nil, fmt.Errorf("ends within scope %s; accepted: as many lines as the header says", prefix)
		}
		r.rest = rest
		r.number++
		it, err := parseItem(line, prefix)
		if err == nil {
			err = checkItem(it, r.newest)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d, of scope %s: %w", r.number+1, prefix, err)
		}
		items[i] = it
	}
	scope, err := snapshot.NewScope(items)
	if err != nil {
		return nil, fmt.Errorf("scope %s: %w", prefix, err)
	}
	return scope, nil
}

func parseItem(line, scope string) (*snapshot.Item, error) {
	var fields [6]string
	for i := range fields {
		var more bool
		if fields[i], line, more = strings.Cut(line, "\t"); more != (i < len(fields)-1) {
			return nil, fmt.Errorf("accepted: %d fields with a tab between", len(fields))
		}
	}
	if fields[0] != scope {
		return nil, errors.New("is of another scope; accepted: the scopes in the order of the header")
	}
	it := &snapshot.Item{Key: fields[1]}
	var err error
	if it.Revision, err = parseRevision(fields[2]); err != nil {
		return nil, err
	}
	if it.ProblemRevision, err = parseRevision(fields[3]); err != nil {
		return nil, err
	}
	if fields[4] != absent {
		if it.Value, err = snapshot.CanonicalValue(fields[4]); err != nil {
			return nil, err
		}
	}
	if fields[5] != absent {
		it.Problem, err = strconv.Unquote(fields[5])
		if err != nil || it.Problem == "" || strconv.Quote(it.Problem) != fields[5] {
			return nil, errors.New("has a malformed problem; accepted: a quoted text")
		}
	}
	return it, nil
}

func parseRevision(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || (s[0] == '0' && n > 0) || (n == 0 && s != "0") || s[0] == '+' {
		return 0, errors.New("has a malformed revision; accepted: digits")
	}
	return n, nil
}
