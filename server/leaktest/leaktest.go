// Package leaktest holds the tests of a package to leaving no goroutine behind.
package leaktest

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines may take to end. goleak itself waits for 0.4 s, which is
// not enough for a machine that does other things as well.
const patience = time.Minute

// Main runs the tests, and fails when there are goroutines that do not end.
func Main(m goleak.TestingM) { os.Exit(Run(m)) }

// Run is Main for who has to do something after that. It returns the exit code.
func Run(m goleak.TestingM) int {
	code := m.Run()
	if code != 0 {
		return code
	}
	err := goleak.Find()
	for end := time.Now().Add(patience); err != nil && time.Now().Before(end); {
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		return 1
	}
	return 0
}
