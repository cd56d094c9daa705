package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// restConn is a keep-alive connection of a client that does as little as it can, so
// that the server is what is measured. One goroutine owns it.
type restConn struct {
	conn net.Conn
	in   *bufio.Reader
}

// callTimeout bounds a whole round, so that a server that hangs fails the run.
const callTimeout = 5 * time.Minute

func dialREST(addr string) (*restConn, error) {
	conn, err := net.DialTimeout("tcp", addr, startTimeout)
	if err != nil {
		return nil, err
	}
	return &restConn{conn, bufio.NewReaderSize(conn, 16<<10)}, conn.SetDeadline(time.Now().Add(callTimeout))
}

var (
	ok            = []byte("HTTP/1.1 200 ")
	contentLength = []byte("Content-Length: ")
)

// call sends a request and reads its answer, which must be 200 and say its length.
func (c *restConn) call(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, ok) {
		return fmt.Errorf("REST answers %q", line)
	}
	length := -1
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 { // the empty line
			break
		}
		if after, found := bytes.CutPrefix(line, contentLength); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(after))); err != nil {
				return err
			}
		}
	}
	if length <= 0 {
		return errors.New("REST answers without a length")
	}
	_, err = c.in.Discard(length)
	return err
}
