package robust

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// DropAvailable says why Proxy.Drop cannot work here; nil when it can.
func DropAvailable() error { return nil }

// dropPackets attaches a filter to a socket that takes no packet, or removes it. It
// works below TCP, needs no privilege, and does what a firewall's DROP on the port
// does: no acknowledgement, no answer to a SYN.
func dropPackets(socket any, on bool) error {
	s, ok := socket.(syscall.Conn)
	if !ok {
		return errors.New("drop packets: not a socket")
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) {
		if on {
			takeNothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
			err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
				&unix.SockFprog{Len: 1, Filter: &takeNothing[0]})
			return
		}
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
		if errors.Is(err, unix.ENOENT) {
			err = nil // accepted before the filter was there
		}
	})
	return errors.Join(failed, err)
}
