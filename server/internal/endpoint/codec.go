package endpoint

import (
	"bytes"
	"errors"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/config-service/config-service/server/internal/fault"
)

// codec is protobuf. A request of ours that cannot be decoded is not an error here:
// grpc-go would answer it as INTERNAL, before any interceptor. It goes on, empty and
// marked, and the chain refuses it like any other malformed one.
type codec struct{ encoding.CodecV2 }

// undecodable is the mark: an unknown field.
var undecodable = protowire.AppendString(protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType), "undecodable")

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*measured); ok {
		return m.encode()
	}
	return c.CodecV2.Marshal(v)
}

func (c codec) Unmarshal(data mem.BufferSlice, into any) error {
	err := c.CodecV2.Unmarshal(data, into)
	if err == nil {
		return nil
	}
	request, ours := into.(scoped)
	if !ours {
		return err
	}
	proto.Reset(request)
	request.ProtoReflect().SetUnknown(undecodable)
	return nil
}

func decoded(request scoped) error {
	if bytes.Equal(request.ProtoReflect().GetUnknown(), undecodable) {
		return fault.Field("request", errors.New("cannot be decoded; accepted: the message of the contract in protobuf, its texts in UTF-8"))
	}
	return nil
}
