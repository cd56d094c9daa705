package endpoint

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/config-service/config-service/server/internal/identity"
)

// unixPeer asks the kernel who connected to a Unix socket. It answers with what held when
// the connection was made: a process that hands it on, or changes its user, changes
// nothing.
func unixPeer(raw syscall.RawConn) *identity.UnixPeer {
	var cred *unix.Ucred
	err := raw.Control(func(fd uintptr) {
		cred, _ = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) // fails on a closed connection
	})
	if err != nil || cred == nil {
		return nil
	}
	return &identity.UnixPeer{UID: cred.Uid, GID: cred.Gid, PID: cred.Pid}
}
