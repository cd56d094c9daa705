package telemetry

import (
	"path"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Calls are the metrics of calls, over gRPC and REST, by the names that dashboards know from go-grpc-middleware's.
// That looks for every counter by its labels in every call, which was a twentieth of a Get; here a method's are found
// once. It is safe for concurrent use.
type Calls struct {
	started, handled, received, sent *prometheus.CounterVec
	seconds                          *prometheus.HistogramVec

	methods sync.Map // of *CallsOf, by full method name
}

// NewCalls returns the metrics of calls, not yet registered.
func NewCalls() *Calls {
	labels := []string{"grpc_type", "grpc_service", "grpc_method"}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &Calls{
		started:  counter("grpc_server_started_total", "Calls begun.", labels...),
		handled:  counter("grpc_server_handled_total", "Calls, by their result.", append(labels, "grpc_code")...),
		received: counter("grpc_server_msg_received_total", "Messages received.", labels...),
		sent:     counter("grpc_server_msg_sent_total", "Messages sent.", labels...),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "grpc_server_handling_seconds",
			Help:    "How long calls took.",
			Buckets: []float64{.0001, .0005, .001, .005, .025, .1, .5, 1, 5},
		}, labels),
	}
}

// Describe is for the registry.
func (c *Calls) Describe(ch chan<- *prometheus.Desc) {
	for _, one := range c.all() {
		one.Describe(ch)
	}
}

// Collect is for the registry.
func (c *Calls) Collect(ch chan<- prometheus.Metric) {
	for _, one := range c.all() {
		one.Collect(ch)
	}
}

func (c *Calls) all() []prometheus.Collector {
	return []prometheus.Collector{c.started, c.handled, c.received, c.sent, c.seconds}
}

// CallsOf are the metrics of the calls of one method.
type CallsOf struct {
	calls                       *Calls
	labels                      []string
	started, received, sent, ok prometheus.Counter
	seconds                     prometheus.Observer
}

// Of returns the metrics of a method by its full name, which stays for ever: it is one that there is. What streams says
// so by its info.
func (c *Calls) Of(method string, stream *grpc.StreamServerInfo) *CallsOf {
	if m, ok := c.methods.Load(method); ok {
		return m.(*CallsOf)
	}
	kind := "unary"
	switch {
	case stream == nil:
	case stream.IsClientStream && stream.IsServerStream:
		kind = "bidi_stream"
	case stream.IsClientStream:
		kind = "client_stream"
	default:
		kind = "server_stream"
	}
	service, name := path.Split(strings.TrimPrefix(method, "/"))
	m := &CallsOf{calls: c, labels: []string{kind, strings.TrimSuffix(service, "/"), name}}
	m.started, m.received, m.sent = c.started.WithLabelValues(m.labels...), c.received.WithLabelValues(m.labels...), c.sent.WithLabelValues(m.labels...)
	m.ok, m.seconds = m.handled(codes.OK), c.seconds.WithLabelValues(m.labels...)
	kept, _ := c.methods.LoadOrStore(method, m)
	return kept.(*CallsOf)
}

func (m *CallsOf) handled(code codes.Code) prometheus.Counter {
	return m.calls.handled.WithLabelValues(m.labels[0], m.labels[1], m.labels[2], code.String())
}

// Began counts a call.
func (m *CallsOf) Began() { m.started.Inc() }

// Received counts a message of a caller's.
func (m *CallsOf) Received() { m.received.Inc() }

// Sent counts a message to a caller.
func (m *CallsOf) Sent() { m.sent.Inc() }

// Ended counts the end of a call, whose error is a status.
func (m *CallsOf) Ended(err error, took time.Duration) {
	if err == nil {
		m.ok.Inc()
	} else {
		m.handled(status.Code(err)).Inc()
	}
	m.seconds.Observe(took.Seconds())
}
