package conformance

import "syscall"

// dieWithParent makes the kernel end a child when the runner ends, however that ends.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
