package etcdstore

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// VersionKind is how a version came to be. The numbers are those of the wire.
type VersionKind int32

// The kinds.
const (
	Committed VersionKind = 1 + iota
	RolledBack
	External
)

var kindNames = map[VersionKind]string{Committed: "commit", RolledBack: "rollback", External: "external"}

// MarshalText writes the kind as records have it.
func (k VersionKind) MarshalText() ([]byte, error) { return []byte(kindNames[k]), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *VersionKind) UnmarshalText(text []byte) error {
	for kind, name := range kindNames {
		if name == string(text) {
			*k = kind
			return nil
		}
	}
	return fmt.Errorf("%s is no kind of a version", snapshot.Quote(string(text)))
}

// externalAuthor is the author of what was written past this service.
const externalAuthor = "external"

// Version is one step in the history of a scope. It never changes.
type Version struct {
	Scope     snapshot.ScopeID
	Number    int64
	Kind      VersionKind
	Time      time.Time
	Author    string
	Message   string
	RequestID string
	To        int64 // of a rollback
	Set       int
	Deleted   int
	Revision  int64 // 0: not written yet
}

// Stored is what the store has for a key, usable or not. It never changes, and equal ones
// are equal.
type Stored struct {
	text   string
	digest string // of a text that is too large to be kept in a history
}

// storedOf takes what was read.
func storedOf(raw []byte) Stored {
	if len(raw) > snapshot.MaxValue {
		sum := sha256.Sum256(raw)
		return Stored{digest: fmt.Sprintf("%d bytes, sha256 %s", len(raw), hex.EncodeToString(sum[:]))}
	}
	return Stored{text: string(raw)}
}

// size is how many bytes it has in the store.
func (s Stored) size() (bytes int) {
	if s.digest == "" {
		return len(s.text)
	}
	_, _ = fmt.Sscanf(s.digest, "%d", &bytes) // as storedOf wrote it
	return bytes
}

// Value returns the value, or why there is none that could be used.
func (s Stored) Value() (v snapshot.Value, problem string) {
	if s.digest != "" {
		return v, fmt.Sprintf("has %s; accepted: at most %d bytes", s.digest, snapshot.MaxValue)
	}
	v, err := snapshot.ParseValue([]byte(s.text))
	if err != nil {
		return v, err.Error()
	}
	return v, ""
}

// versionRecord is what a version changed, as it lies in the store.
type versionRecord struct {
	Version   int64            `json:"version"`
	Kind      VersionKind      `json:"kind,omitzero"`
	Time      time.Time        `json:"time,omitzero"`
	Author    string           `json:"author,omitempty"`
	Message   string           `json:"message,omitempty"`
	RequestID string           `json:"request_id,omitempty"`
	To        int64            `json:"to_version,omitempty"`
	Commit    string           `json:"commit,omitempty"` // tells commits apart
	Changes   []recordedChange `json:"changes"`

	revision int64
}

// recordedChange is a key with what it holds since; in a keyframe also since when.
type recordedChange struct {
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value,omitempty"`
	Raw     []byte          `json:"raw,omitempty"` // what is not compact JSON
	Digest  string          `json:"digest,omitempty"`
	Deleted bool            `json:"deleted,omitempty"`

	Version int64      `json:"version,omitempty"`
	Author  string     `json:"author,omitempty"`
	Time    *time.Time `json:"time,omitempty"`
}

func recorded(key string, s *Stored) recordedChange {
	c := recordedChange{Key: key}
	switch {
	case s == nil:
		c.Deleted = true
	case s.digest != "":
		c.Digest = s.digest
	default:
		if v, err := snapshot.ParseValue([]byte(s.text)); err == nil && v.JSON() == s.text {
			c.Value = json.RawMessage(s.text)
		} else {
			c.Raw = []byte(s.text)
		}
	}
	return c
}

func (c *recordedChange) stored() Stored {
	if len(c.Value) > 0 {
		return Stored{text: string(c.Value)}
	}
	return Stored{text: string(c.Raw), digest: c.Digest}
}

func (r *versionRecord) info(id snapshot.ScopeID) Version {
	v := Version{
		Scope: id, Number: r.Version, Kind: r.Kind, Time: r.Time, Author: r.Author, Message: r.Message,
		RequestID: r.RequestID, To: r.To, Revision: r.revision,
	}
	for i := range r.Changes {
		if r.Changes[i].Deleted {
			v.Deleted++
		} else {
			v.Set++
		}
	}
	return v
}

// headRecord is where a scope stands, as it lies in the store.
type headRecord struct {
	Version int64       `json:"version"`
	Keys    int         `json:"keys"` // that were left; -1: some that were found are not in the history yet
	Bytes   int64       `json:"bytes"`
	Kind    VersionKind `json:"kind,omitzero"`
	Author  string      `json:"author,omitempty"`
	Time    time.Time   `json:"time,omitzero"`
	Commit  string      `json:"commit"`
}

// compressFrom is how large a record has to be for being compressed. Smaller ones can be
// read with the tools of the store.
const compressFrom = 4 << 10

// encodeStored writes JSON in which no text is changed, compressed when it is large.
func encodeStored(v any) ([]byte, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode for the store: %w", err)
	}
	plain.Truncate(plain.Len() - 1) // a newline
	if plain.Len() < compressFrom {
		return plain.Bytes(), nil
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(plain.Bytes()); err != nil {
		return nil, fmt.Errorf("compress for the store: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress for the store: %w", err)
	}
	return out.Bytes(), nil
}

// maxDecoded is above what any record of ours holds.
const maxDecoded = 64 << 20

func decodeStored(raw []byte, into any) error {
	if len(raw) > 2 && raw[0] == 0x1f && raw[1] == 0x8b {
		r, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
		if raw, err = io.ReadAll(io.LimitReader(r, maxDecoded)); err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}
