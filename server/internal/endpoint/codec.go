package endpoint

import (
	"bytes"
	"errors"
	"strings"

	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
)

// codec is protobuf. A request of ours that cannot be decoded is not an error here:
// grpc-go would answer it as INTERNAL, before any interceptor. It goes on, empty and
// marked, and the chain refuses it like any other malformed one.
//
// Buffers come from a pool with sizes that are close to each other. That of grpc-go has none
// between 32 KiB and 1 MiB, so that a message of 33 KiB would hold a megabyte for as
// long as its reader lets it wait.
type codec struct {
	encoding.CodecV2
	pool mem.BufferPool
}

func newCodec() codec {
	return codec{
		CodecV2: encoding.GetCodecV2(grpcproto.Name),
		pool:    mem.NewTieredBufferPool(256, 1<<10, 4<<10, 16<<10, 32<<10, 64<<10, 128<<10, 256<<10, 512<<10, 1<<20, 2<<20, 4<<20),
	}
}

// undecodable is the mark: an unknown field.
var undecodable = protowire.AppendString(protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType), "undecodable")

// ourPackages begins the names of our messages.
const ourPackages = "configservice."

// encoded is a message that was encoded before; it is sent to many.
type encoded interface {
	proto.Message
	Encoded() []byte
}

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case encoded:
		if data := m.Encoded(); data != nil {
			return mem.BufferSlice{mem.SliceBuffer(data)}, nil
		}
		return encode(m, proto.Size(m), c.pool)
	case *measured:
		if m.hold == nil {
			return encode(m.Message, m.size, c.pool)
		}
		return encode(m.Message, m.size, counted{c.pool, m})
	case proto.Message:
		return encode(m, proto.Size(m), c.pool)
	}
	return c.CodecV2.Marshal(v)
}

// encode encodes a message whose size was just asked for.
func encode(m proto.Message, size int, pool mem.BufferPool) (mem.BufferSlice, error) {
	opts := proto.MarshalOptions{UseCachedSize: true}
	if mem.IsBelowBufferPoolingThreshold(size) {
		data, err := opts.Marshal(m)
		return mem.BufferSlice{mem.SliceBuffer(data)}, err
	}
	buf := pool.Get(size)
	if _, err := opts.MarshalAppend((*buf)[:0], m); err != nil {
		pool.Put(buf)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(buf, pool)}, nil
}

// counted is the pool of one answer: grpc-go puts the buffer back when the client has
// taken it, or will not.
type counted struct {
	mem.BufferPool
	answer *measured
}

func (p counted) Put(buf *[]byte) {
	p.answer.of.release(p.answer.hold)
	p.BufferPool.Put(buf)
}

// oversized is what a request is made that is larger than its method takes, though the
// server takes it: validate refuses it.
var oversized = protowire.AppendVarint(protowire.AppendTag(nil, protowire.MaxValidNumber-1, protowire.VarintType), 1)

func (c codec) Unmarshal(data mem.BufferSlice, into any) error {
	if request, ok := into.(proto.Message); ok && data.Len() > maxRequestBytes && isOurs(request) && !takesValues(request) {
		proto.Reset(request)
		request.ProtoReflect().SetUnknown(oversized)
		return nil
	}
	err := c.CodecV2.Unmarshal(data, into)
	if err == nil {
		return nil
	}
	request, ok := into.(proto.Message)
	if !ok || !isOurs(request) {
		return err
	}
	proto.Reset(request)
	request.ProtoReflect().SetUnknown(undecodable)
	return nil
}

func isOurs(m proto.Message) bool {
	return strings.HasPrefix(string(m.ProtoReflect().Descriptor().FullName()), ourPackages)
}

// takesValues says whether a request carries configuration, and may be as large as the
// server takes.
func takesValues(m proto.Message) bool {
	switch m.(type) {
	case *adminv1.CommitRequest, *adminv1.PutSchemaRequest:
		return true
	}
	return false
}

func decoded(request proto.Message) error {
	if bytes.Equal(request.ProtoReflect().GetUnknown(), withheld) {
		return unauthenticated(errors.New("a call that was not known when it began"))
	}
	if bytes.Equal(request.ProtoReflect().GetUnknown(), oversized) {
		return fault.New(configv1.ErrorReason_TOO_LARGE, "the request is too large; accepted: at most %d bytes", maxRequestBytes)
	}
	if bytes.Equal(request.ProtoReflect().GetUnknown(), undecodable) {
		return fault.Field("request", errors.New("cannot be decoded; accepted: the message of the contract in protobuf, its texts in UTF-8"))
	}
	return nil
}
