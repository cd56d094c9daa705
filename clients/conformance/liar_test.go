package conformance

import (
	"os"
	"testing"
)

const (
	lieEnv    = "CONFORMANCE_LIE"
	honestEnv = "CONFORMANCE_HONEST_DRIVER"
)

func tellLies(lie, honest string) int { return 1 }

var _ = testing.Short
var _ = os.Args
