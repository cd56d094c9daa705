package daemon_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/servertest"
)

// Of somebody who is not known no request is read: the answer comes before it is sent.
func TestARequestOfNobodyIsNotRead(t *testing.T) {
	t.Parallel()
	s := servertest.StartControl(t, servertest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, method := range adminv1.ConfigAdminService_ServiceDesc.Methods {
		stream, err := s.Conn(t).NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, "/"+adminv1.ConfigAdminService_ServiceDesc.ServiceName+"/"+method.MethodName)
		if err != nil {
			t.Fatal(err)
		}
		err = stream.RecvMsg(&adminv1.CommitResponse{})
		if st := status.Convert(err); st.Code() != codes.Unauthenticated || fault.ReasonOf(st) != "UNAUTHENTICATED" {
			t.Errorf("%s: %v", method.MethodName, err)
		}
		if ids := stream.Trailer().Get("x-request-id"); len(ids) == 0 {
			if header, _ := stream.Header(); len(header.Get("x-request-id")) == 0 {
				t.Errorf("%s: no request id", method.MethodName)
			}
		}
	}
	// Whole, and large.
	api := adminv1.NewConfigAdminServiceClient(s.Conn(t))
	commit := &adminv1.CommitRequest{Namespace: "pay", Environment: "production", Message: "m", Changes: []*adminv1.Change{
		{Key: "a", Operation: &adminv1.Change_Set{Set: structpb.NewStringValue(strings.Repeat("x", 200<<10))}},
	}}
	_, err := api.Commit(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer x"), commit)
	if st := status.Convert(err); st.Code() != codes.Unauthenticated || fault.ReasonOf(st) != "UNAUTHENTICATED" {
		t.Errorf("a large commit of nobody: %v", err)
	}
	if _, err := api.Commit(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+servertest.AdminToken), commit); err != nil {
		t.Errorf("a large commit of somebody: %v", err)
	}
}
