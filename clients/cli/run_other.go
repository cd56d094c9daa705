//go:build !unix

package main

import (
	"errors"
	"os"
	"os/exec"

	"github.com/config-service/config-service/clients/cli/internal/problem"
)

// become runs another program, and ends as it does.
func become(path string, args, environment []string) error {
	c := exec.Command(path, args[1:]...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = environment, os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &problem.Error{Exit: exit.ExitCode()}
	}
	return err
}
