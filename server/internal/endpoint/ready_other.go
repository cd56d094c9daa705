//go:build !linux

package endpoint

import "google.golang.org/grpc/mem"

func readOnReady(c *conn, size int, pool mem.BufferPool) (*[]byte, int, error) {
	return c.readWaiting(size, pool)
}
