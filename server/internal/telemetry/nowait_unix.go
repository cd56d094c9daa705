//go:build unix

package telemetry

import "syscall"

// noWait keeps the opening of a pipe from waiting for its reader.
const noWait = syscall.O_NONBLOCK
