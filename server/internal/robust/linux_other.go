//go:build !linux

package robust

import (
	"errors"
	"net"
	"syscall"
)

// Elsewhere than on Linux children do not die with their parent, no member can be
// isolated, and no packet dropped.

func dieWithParent() *syscall.SysProcAttr { return nil }

func peerProcess(net.Conn) int { return 0 }

// DropAvailable says why Proxy.Drop cannot work here; nil when it can.
func DropAvailable() error { return errors.New("dropping packets needs Linux") }

func dropPackets(any, bool) error { return DropAvailable() }
