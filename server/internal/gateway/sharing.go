package gateway

import (
	"fmt"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// sharing hands the messages of a Watch from the service to the gateway without
// copying them: neither side writes to one. All others are copied.
type sharing struct{ inprocgrpc.ProtoCloner }

func (s sharing) Clone(in any) (any, error) {
	if m, ok := watchResponse(in); ok {
		return m, nil
	}
	return s.ProtoCloner.Clone(in)
}

func (s sharing) Copy(out, in any) error {
	to, ok := out.(*configv1.WatchResponse)
	if !ok {
		return s.ProtoCloner.Copy(out, in)
	}
	from, ok := watchResponse(in)
	if !ok {
		return fmt.Errorf("a %T on a Watch", in)
	}
	to.State, to.Event = from.GetState(), from.GetEvent()
	return nil
}

// watchResponse returns the message itself, also of one that wraps it.
func watchResponse(in any) (*configv1.WatchResponse, bool) {
	m, ok := in.(proto.Message)
	if !ok {
		return nil, false
	}
	r, ok := m.ProtoReflect().Interface().(*configv1.WatchResponse)
	return r, ok
}
