package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"
)

// awayEtcd is an address where no etcd answers.
type awayEtcd struct {
	addr  string
	close func() error
}

// refusing holds a port that nobody listens on: every connection is refused.
func refusing() (awayEtcd, error) {
	fd, addr, err := bound()
	if err != nil {
		return awayEtcd{}, err
	}
	return awayEtcd{addr, func() error { return syscall.Close(fd) }}, nil
}

// silent takes connections and says nothing. The system takes them; nobody accepts.
func silent() (awayEtcd, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return awayEtcd{}, err
	}
	return awayEtcd{l.Addr().String(), l.Close}, nil
}

// dropping answers no packet: its queue of connections is full.
func dropping() (awayEtcd, error) {
	fd, addr, err := bound()
	if err != nil {
		return awayEtcd{}, err
	}
	closers := []func() error{func() error { return syscall.Close(fd) }}
	a := awayEtcd{addr, func() error {
		var errs []error
		for _, one := range closers {
			errs = append(errs, one())
		}
		return errors.Join(errs...)
	}}
	if err := syscall.Listen(fd, 0); err != nil {
		return a, errors.Join(err, a.close())
	}
	for range 16 {
		conn, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return a, nil
		case err != nil:
			return a, errors.Join(err, a.close())
		}
		closers = append(closers, conn.Close)
	}
	return a, errors.Join(fmt.Errorf("%s takes connections without end", addr), a.close())
}

// bound returns a socket with a port of loopback that does not listen.
func bound() (fd int, addr string, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, "", err
	}
	syscall.CloseOnExec(fd)
	if err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, "", errors.Join(err, syscall.Close(fd))
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, "", errors.Join(err, syscall.Close(fd))
	}
	port := name.(*syscall.SockaddrInet4).Port // as it was bound
	return fd, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}
