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
	err     error // why there is no message
}

// share encodes a message. One that cannot be encoded fails when it is sent.
func share(m *configv1.WatchResponse, err error) *shared {
	s := &shared{WatchResponse: m, err: err}
	if err == nil {
		s.encoded, _ = proto.Marshal(m)
	}
	return s
}

// Encoded returns the message in protobuf, not to be written to; nil when it is to be
// encoded by whoever sends it.
func (s *shared) Encoded() []byte { return s.encoded }
