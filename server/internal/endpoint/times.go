package endpoint

import "time"

// Times are how long a server waits for its clients.
type Times struct {
	// Header: from the first byte of a connection, or of a request on it, to the end
	// of the request's headers; over gRPC to the end of the handshake.
	Header time.Duration
	// Idle: between two requests on an HTTP connection.
	Idle time.Duration
	// Stall: without taking a byte of what is written to them.
	Stall time.Duration
	// Ping: without a byte from a gRPC client before it is pinged. PingAnswer: from
	// then to its answer. MinPing: between two pings of its own.
	Ping, PingAnswer, MinPing time.Duration
}

// DefaultTimes are those of the product.
func DefaultTimes() Times {
	const ping, pingAnswer = 30 * time.Second, 10 * time.Second
	return Times{
		Header:     5 * time.Second,
		Idle:       2 * time.Minute,
		Stall:      ping + pingAnswer, // the same patience on both ports
		Ping:       ping,
		PingAnswer: pingAnswer,
		MinPing:    10 * time.Second,
	}
}

// Sooner returns the times with those for clients that do not read or answer divided
// by n.
func (t Times) Sooner(n int) Times {
	d := time.Duration(n)
	t.Stall, t.Ping, t.PingAnswer = t.Stall/d, t.Ping/d, t.PingAnswer/d
	return t
}
