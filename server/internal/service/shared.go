package service

import (
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// shared is a message that many streams send: it is encoded once, for all of them. It
// is never written to.
type shared struct {
	*configv1.WatchResponse
	encoded []byte
}

// share encodes a message. One that cannot be encoded fails when it is sent.
func share(m *configv1.WatchResponse) *shared {
	encoded, err := proto.Marshal(m)
	if err != nil {
		encoded = nil
	}
	return &shared{m, encoded}
}

// Encoded returns the message in protobuf, not to be written to; nil when it is to be
// encoded by whoever sends it.
func (s *shared) Encoded() []byte { return s.encoded }
