package configclient

import "time"

// WithPatience shortens how long the watch waits for the first message, for the next one,
// and after a refusal.
func WithPatience(first, silence, refused time.Duration) Option {
	return func(s *settings) { s.limits.first, s.limits.silence, s.limits.refused = first, silence, refused }
}

// WithConnectTimeout shortens how long the watch waits for a connection.
func WithConnectTimeout(d time.Duration) Option {
	return func(s *settings) { s.limits.connect = d }
}

// Options are several as one.
func Options(options ...Option) Option {
	return func(s *settings) {
		for _, option := range options {
			option(s)
		}
	}
}

// Followers is how many Values the client refreshes.
func Followers(c *Client) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.values)
}
