package endpoint

import (
	"io"
	"syscall"

	"google.golang.org/grpc/mem"
)

// readOnReady waits until there is something to read, and only then takes a buffer.
func readOnReady(c *conn, size int, pool mem.BufferPool) (buf *[]byte, n int, err error) {
	if c.raw == nil {
		return c.readWaiting(size, pool)
	}
	failed := c.raw.Read(func(fd uintptr) bool {
		buf = pool.Get(size)
		for {
			n, err = syscall.Read(int(fd), *buf)
			if err != syscall.EINTR {
				break
			}
		}
		if n > 0 {
			return true
		}
		pool.Put(buf)
		buf, n = nil, 0
		return err != syscall.EAGAIN
	})
	switch {
	case failed != nil: // a deadline, or closed
		return nil, 0, failed
	case err != nil:
		return nil, 0, err
	case buf == nil:
		return nil, 0, io.EOF
	}
	return buf, n, nil
}
