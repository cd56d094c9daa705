package policy

import (
	"maps"
	"slices"
)

// Rows returns the methods that have a row.
func Rows() []string { return slices.Sorted(maps.Keys(methods)) }
