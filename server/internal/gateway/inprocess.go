package gateway

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
)

// inProcess is a channel whose streams end as those of grpc-go do: what a server-streaming
// call could not send, because the server had answered before, is no error. The generated
// code counts on that, and the answer comes with the first message that is asked for.
type inProcess struct{ grpc.ClientConnInterface }

func (c inProcess) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	if err != nil || desc.ClientStreams {
		return s, err
	}
	return lateRequest{s}, nil
}

type lateRequest struct{ grpc.ClientStream }

func (s lateRequest) SendMsg(m any) error {
	if err := s.ClientStream.SendMsg(m); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
