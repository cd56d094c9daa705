package configclient

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestPause(t *testing.T) {
	const ms = time.Millisecond
	for _, one := range []struct {
		failures         int
		atLeast, low, up time.Duration
	}{
		{0, 0, 50 * ms, 100 * ms},
		{1, 0, 100 * ms, 200 * ms},
		{4, 0, 800 * ms, 1600 * ms},
		{5, 0, time.Second, 2 * time.Second},
		{1 << 30, 0, time.Second, 2 * time.Second},
		{0, 5 * time.Second, 5 * time.Second, 6500 * ms},
		{9, time.Second, time.Second, 2 * time.Second},
	} {
		low, up := pause(one.failures, one.atLeast, 0), pause(one.failures, one.atLeast, 1)
		if low != one.low || up != one.up {
			t.Errorf("after %d failures, at least %s: %s to %s, want %s to %s", one.failures, one.atLeast, low, up, one.low, one.up)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		time.Second: time.Second, time.Hour: longestRetry, -time.Second: 0,
	} {
		s, err := status.New(codes.Unavailable, "").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(asked)})
		if err != nil {
			t.Fatal(err)
		}
		if got := retryAfter(s.Err()); got != want {
			t.Errorf("%s: %s, want %s", asked, got, want)
		}
	}
}

// A token leaves the machine over TLS alone.
func TestATokenOverTLSMayGoAnywhere(t *testing.T) {
	c := &Client{set: settings{address: "config.example:9080", tokenFile: "unread", limits: usualLimits()}}
	if _, err := newWatch(c); err == nil {
		t.Error("a token would be sent in plain text")
	}
	c.set.dial = []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(nil))}
	if _, err := newWatch(c); err != nil {
		t.Error(err)
	}
}
