//go:build !linux

package conformance

import "syscall"

// dieWithParent does nothing here: a runner that is killed leaves its children behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
