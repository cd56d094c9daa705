package settings

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

// unixPrefix begins the address of a Unix socket.
const unixPrefix = "unix:"

// checkAddress says why an address cannot be listened on, or nil.
func checkAddress(addr string) error {
	const accepted = "accepted: HOST:PORT, or unix:/path"
	if path, ok := strings.CutPrefix(addr, unixPrefix); ok {
		if !strings.HasPrefix(path, "/") {
			return errors.New("the path of a Unix socket is not absolute; " + accepted)
		}
		return nil
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return errors.New(accepted)
	}
	return nil
}

// IsLocal says whether only this machine can reach an address: loopback or a Unix
// socket. A name is local when it is `localhost`.
func IsLocal(addr string) bool {
	if IsSocket(addr) {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// IsSocket says whether an address is a Unix socket.
func IsSocket(addr string) bool { return strings.HasPrefix(addr, unixPrefix) }

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
