package configclient

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// kind is what a JSON value is; its text is for people.
type kind string

const (
	null    kind = "null"
	boolean kind = "a boolean"
	whole   kind = "a whole number"
	number  kind = "a number"
	text    kind = "a string"
	list    kind = "a list"
	object  kind = "an object"
)

func kindOf(value any) kind {
	switch v := value.(type) {
	case bool:
		return boolean
	case float64:
		if isWhole(v) {
			return whole
		}
		return number
	case string:
		return text
	case []any:
		return list
	case map[string]any:
		return object
	}
	return null
}

// covers says whether every value of kind b stands behind one of kind a that came later:
// a whole number is also a number.
func covers(a, b kind) bool { return a == b || a == whole && b == number }

// mismatch is a value of another type than the program wants. It does not hold the value.
type mismatch struct {
	path   string // within the value: "" or as `servers[3].port`
	found  kind
	wanted string
}

func (m *mismatch) Error() string {
	if m.path == "" {
		return fmt.Sprintf("is %s where the program wants %s", m.found, m.wanted)
	}
	return fmt.Sprintf("has %s at %s where the program wants %s", m.found, quote(strings.TrimPrefix(m.path, ".")), m.wanted)
}

// The forms that typed getters read, text included: what does not fit a double is stored
// as a string.

func asInt(value any) (int, bool) {
	switch v := value.(type) {
	case float64:
		return wholeInt(v)
	case string:
		n, err := strconv.Atoi(v)
		return n, err == nil && v[0] != '+'
	}
	return 0, false
}

// maxWhole is the last whole number that a double tells from its neighbours.
const maxWhole = 1<<53 - 1

func isWhole(f float64) bool { return f == math.Trunc(f) && math.Abs(f) <= maxWhole }

// wholeInt is a whole number that fits an int.
func wholeInt(f float64) (int, bool) {
	const beyond = 1 << (strconv.IntSize - 1)
	return int(f), isWhole(f) && f >= -beyond && f < beyond
}

func asFloat(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && strings.Trim(v, "0123456789.eE+-") == "" && v[0] != '+'
	}
	return 0, false
}

func asBool(value any) (is, ok bool) {
	switch value {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	}
	return false, false
}

// durationForm is what all clients read, which is not all that Go reads: `+1s`, `1µs`, `.5s`
// and a bare `0` are its own.
var durationForm = regexp.MustCompile(`^-?([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`)

func asDuration(value any) (time.Duration, bool) {
	switch v := value.(type) {
	case float64:
		ns := math.Round(v * float64(time.Second))
		return time.Duration(ns), ns >= math.MinInt64 && ns < math.MaxInt64
	case string:
		d, err := time.ParseDuration(v)
		return d, err == nil && durationForm.MatchString(v)
	}
	return 0, false
}
