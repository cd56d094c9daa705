package telemetry

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The names and labels are those that dashboards know.
func TestCalls(t *testing.T) {
	c := NewCalls()
	get := c.Of("/p.v1.Service/Get", nil)
	for _, err := range []error{nil, nil, status.Error(codes.NotFound, "no"), errors.New("no status")} {
		get.Began()
		get.Received()
		if err == nil {
			get.Sent()
		}
		get.Ended(err, 2*time.Millisecond)
	}
	watch := c.Of("/p.v1.Service/Watch", &grpc.StreamServerInfo{IsServerStream: true})
	watch.Began()
	if c.Of("/p.v1.Service/Watch", &grpc.StreamServerInfo{IsServerStream: true}) != watch {
		t.Error("the metrics of a method are made again")
	}
	c.Of("/r.v1.Reflection/Info", &grpc.StreamServerInfo{IsServerStream: true, IsClientStream: true}).Began()
	const want = `
# HELP grpc_server_started_total Calls begun.
# TYPE grpc_server_started_total counter
grpc_server_started_total{grpc_method="Get",grpc_service="p.v1.Service",grpc_type="unary"} 4
grpc_server_started_total{grpc_method="Info",grpc_service="r.v1.Reflection",grpc_type="bidi_stream"} 1
grpc_server_started_total{grpc_method="Watch",grpc_service="p.v1.Service",grpc_type="server_stream"} 1
# HELP grpc_server_handled_total Calls, by their result.
# TYPE grpc_server_handled_total counter
grpc_server_handled_total{grpc_code="NotFound",grpc_method="Get",grpc_service="p.v1.Service",grpc_type="unary"} 1
grpc_server_handled_total{grpc_code="OK",grpc_method="Get",grpc_service="p.v1.Service",grpc_type="unary"} 2
grpc_server_handled_total{grpc_code="OK",grpc_method="Info",grpc_service="r.v1.Reflection",grpc_type="bidi_stream"} 0
grpc_server_handled_total{grpc_code="OK",grpc_method="Watch",grpc_service="p.v1.Service",grpc_type="server_stream"} 0
grpc_server_handled_total{grpc_code="Unknown",grpc_method="Get",grpc_service="p.v1.Service",grpc_type="unary"} 1
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "grpc_server_started_total", "grpc_server_handled_total"); err != nil {
		t.Error(err)
	}
	if n := testing.AllocsPerRun(10, func() { c.Of("/p.v1.Service/Get", nil).Ended(nil, time.Second) }); n > 0 {
		t.Errorf("counting a call allocates %v times", n)
	}
}
