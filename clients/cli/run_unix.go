//go:build unix

package main

import "syscall"

// become makes this process another program. It returns only when that fails.
func become(path string, args, environment []string) error {
	return syscall.Exec(path, args, environment)
}
