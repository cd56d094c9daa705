package diskcache

import (
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// OnStep has f called before each step of a save.
func (c *Cache) OnStep(f func(step string)) { c.step = f }

// Decode reads the bytes of a file.
func Decode(data []byte, id snapshot.ScopeID) (content snapshot.Content, sequence int64, saved time.Time, err error) {
	s, err := unseal(data, id)
	if err == nil {
		content, err = s.content(id)
	}
	return content, s.header.Sequence, s.header.Saved, err
}

// Encode makes the bytes of a file.
func Encode(id snapshot.ScopeID, content snapshot.Content, sequence int64, saved time.Time) ([]byte, error) {
	return encode(id, content, sequence, saved)
}

// Seal adds the checksum to the bytes before it.
func Seal(before []byte) []byte { return append(before[:len(before):len(before)], checksum(before)...) }

// ChecksumSize is the size of the last line.
const ChecksumSize = checksumSize
