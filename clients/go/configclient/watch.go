package configclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// limits are how long the watch is patient.
type limits struct {
	connect time.Duration // to a connection
	first   time.Duration // from there to the first message
	silence time.Duration // between two messages: three checkpoints
	steady  time.Duration // a stream that lasted this long begins the delays anew
	refused time.Duration // stay away at least so long after a refusal
}

func usualLimits() limits {
	return limits{
		connect: 2 * time.Second,
		first:   10 * time.Second,
		silence: 45 * time.Second,
		steady:  2 * time.Second,
		refused: 5 * time.Second,
	}
}

const (
	maxMessage   = 8 << 20
	firstDelay   = 100 * time.Millisecond
	longestDelay = 2 * time.Second
	longestRetry = 10 * time.Second
)

// watch keeps the client current. All of it belongs to the goroutine of run.
type watch struct {
	client *Client
	token  *token
	// inStep says whether the client's view is what a stream can go on from.
	inStep   bool
	heard    time.Time  // when the present stream said something first; zero: not yet
	reported slog.Level // the worst of this outage in the log; below LevelWarn: nothing
}

// newWatch fails when no connection can ever be made with the settings.
func newWatch(c *Client) (*watch, error) {
	w := &watch{client: c}
	if c.set.tokenFile != "" {
		w.token = newToken(c.set)
	}
	conn, err := w.connect()
	if err != nil {
		accepted := "options that work with gRPC's NewClient"
		if w.token != nil && w.token.secure {
			accepted = "with a token, an address of loopback, a socket, or transport credentials of TLS"
		}
		return nil, &SettingError{"WithDialOptions", "the way to " + quote(c.set.address), fmt.Sprintf("cannot be used (%v)", err), accepted}
	}
	return w, conn.Close()
}

// connect returns what makes one connection, when it is used. When and how often is the
// affair of run: gRPC would at once make another when it is lost.
func (w *watch) connect() (*grpc.ClientConn, error) {
	set := w.client.set
	network, address, authority := "tcp", set.address, set.address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address, authority = "unix", path, "localhost"
	}
	var dialled atomic.Bool
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		if dialled.Swap(true) {
			return nil, errors.New("the connection is lost")
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dial),
		grpc.WithNoProxy(),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: set.limits.connect,
			Backoff:           backoff.Config{BaseDelay: set.limits.connect, MaxDelay: set.limits.connect}, // would prolong it
		}),
	}
	if w.token != nil {
		options = append(options, grpc.WithPerRPCCredentials(w.token))
	}
	return grpc.NewClient("passthrough:///"+authority, append(options, set.dial...)...)
}

// run follows one stream after the other until ctx ends.
func (w *watch) run(ctx context.Context) {
	defer close(w.client.watched)
	for failures, first := 0, true; ; first = false {
		w.heard = time.Time{}
		err := w.attempt(ctx)
		if ctx.Err() != nil {
			return
		}
		atLeast := w.lose(err)
		if first && w.client.now.Load().view == nil {
			close(w.client.failed)
		}
		if !w.heard.IsZero() && time.Since(w.heard) >= w.client.set.limits.steady {
			failures = 0
		}
		timer := time.NewTimer(pause(failures, atLeast, rand.Float64()))
		failures++
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// pause is how long to stay away after so many failures in a row; random is of [0, 1).
func pause(failures int, atLeast time.Duration, random float64) time.Duration {
	delay := float64(longestDelay)
	if failures < 10 {
		delay = min(delay, float64(firstDelay)*float64(int(1)<<failures))
	}
	return time.Duration(max(delay*(.5+.5*random), float64(atLeast)*(1+.3*random)))
}

// attempt follows one stream to its end, which is never nil.
func (w *watch) attempt(ctx context.Context) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			// A fault must not end the updates of a program that runs for months.
			err = &outOfStep{fmt.Sprintf("the watch failed at %s", panicked())}
			w.client.set.log.Error("the watch failed, and starts again", "panic", fmt.Sprintf("%T", problem), "at", panicked())
		}
	}()
	conn, err := w.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limits := w.client.set.limits
	alarm := time.AfterFunc(limits.connect+limits.first, func() { cancel(errors.New("it does not say anything")) })
	defer alarm.Stop()
	request, at := w.request()
	stream, err := configv1.NewConfigServiceClient(conn).Watch(ctx, request)
	for err == nil {
		var m *configv1.WatchResponse
		if m, err = stream.Recv(); err != nil {
			break
		}
		alarm.Reset(limits.silence)
		if at, err = w.apply(at, m); err != nil {
			return err
		}
	}
	if silent := context.Cause(ctx); silent != nil {
		return silent
	}
	return err
}

// request is what to ask for, and the view that the answer may go on from.
func (w *watch) request() (*configv1.WatchRequest, *view) {
	set := w.client.set
	request := &configv1.WatchRequest{Namespace: set.namespace, Environment: set.environment}
	if !w.inStep {
		return request, nil
	}
	at := w.client.now.Load().view
	request.Resume = &configv1.ResumePoint{Epoch: at.epoch, Revision: at.revision}
	return request, at
}

// apply publishes the view after a message.
func (w *watch) apply(at *view, m *configv1.WatchResponse) (*view, error) {
	c := w.client
	kept := c.now.Load().view
	next, err := advance(at, kept, m)
	if err != nil {
		return nil, err
	}
	if n, e := c.set.namespace, c.set.environment; n != "" && n != next.namespace || e != "" && e != next.environment {
		return nil, &outOfStep{"it answers for " + next.scope()}
	}
	if w.heard.IsZero() {
		w.heard = time.Now()
	}
	c.update(func(p *present) {
		p.view, p.confirmed, p.live, p.denial = next, true, true, nil
		if next.fresh {
			p.fresh = time.Now()
		}
	})
	w.inStep = true
	w.settle()
	if w.reported >= slog.LevelWarn {
		w.reported = slog.LevelInfo
		c.set.log.Info("the sidecar answers", "address", c.set.address, "scope", next.scope())
	}
	return next, nil
}

// settle notes that there are values or a refusal.
func (w *watch) settle() {
	select {
	case <-w.client.settled:
	default:
		close(w.client.settled)
	}
}

// lose notes that there is no stream any more, and why. It returns how long to stay away at
// least.
func (w *watch) lose(err error) time.Duration {
	c := w.client
	code := status.Code(err)
	if code == codes.InvalidArgument || code == codes.Unauthenticated || code == codes.PermissionDenied {
		w.deny(status.Convert(err))
		return c.set.limits.refused
	}
	if step := (*outOfStep)(nil); errors.As(err, &step) {
		w.inStep = false
	}
	c.update(func(p *present) { p.live, p.denial = false, nil })
	if w.heard.IsZero() {
		meanwhile := "the last values stay"
		if c.now.Load().view == nil {
			meanwhile = "there is no configuration yet"
		}
		w.report(slog.LevelWarn, "the sidecar does not answer; "+meanwhile, "problem", words(err))
	}
	return retryAfter(err)
}

func (w *watch) deny(refusal *status.Status) {
	c := w.client
	d := &denial{reason: reasonOf(refusal)}
	asked := ""
	for _, one := range []struct{ field, name string }{{"namespace", c.set.namespace}, {"environment", c.set.environment}} {
		if one.name != "" {
			asked += fmt.Sprintf(" for %s %s", one.field, quote(one.name))
		}
	}
	d.text = fmt.Sprintf("the sidecar at %s refuses to answer%s: %s: %s", c.set.address, asked, d.reason, refusal.Message())
	c.update(func(p *present) { p.live, p.denial = false, d })
	w.settle()
	w.report(slog.LevelError, "the sidecar refuses to answer", "reason", d.reason, "problem", refusal.Message(),
		"namespace", c.set.namespace, "environment", c.set.environment)
}

// report logs the first problem of an outage, and once more when it gets worse.
func (w *watch) report(level slog.Level, message string, args ...any) {
	if level > w.reported {
		w.reported = level
		w.client.set.log.Log(context.Background(), level, message, append([]any{"address", w.client.set.address}, args...)...)
	}
}

// reasonOf is the reason of the contract, else gRPC's code.
func reasonOf(s *status.Status) string {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "configservice" {
			return info.GetReason()
		}
	}
	return s.Code().String()
}

// words is an error for the log, short whatever a server says.
func words(err error) string {
	const enough = 300
	text := err.Error()
	if s, ok := status.FromError(err); ok {
		text = s.Code().String() + ": " + s.Message()
	}
	if errors.Is(err, io.EOF) {
		text = "the stream ended before it began"
	}
	if len(text) > enough {
		text = text[:enough] + "..."
	}
	return strings.ToValidUTF8(text, "")
}

// retryAfter is how long the sidecar asks to stay away.
func retryAfter(err error) time.Duration {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return min(max(0, info.GetRetryDelay().AsDuration()), longestRetry)
		}
	}
	return 0
}
