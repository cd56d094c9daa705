package configclient

import (
	"fmt"
	"strings"
)

const (
	maxNameBytes = 63
	maxKeyBytes  = 253
	shownBytes   = 64 // of a given text, in an error or a log line
)

const (
	keyGrammar     = "names of A-Z, a-z, 0-9, '_' and '-', joined by single dots, at most 253 bytes"
	labelGrammar   = "1 to 63 of a-z, 0-9 and '-', not starting or ending with '-'"
	patternGrammar = `a key, a key and ".*" for everything below it, or "*"`
)

func isKey(s string) bool {
	if len(s) > maxKeyBytes {
		return false
	}
	for name := range strings.SplitSeq(s, ".") {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isLetter(r) }) {
			return false
		}
	}
	return true
}

func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// isLabel says whether s is the name of a namespace or an environment.
func isLabel(s string) bool {
	if s == "" || len(s) > maxNameBytes || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}

// isBelow says whether a key lies below another one.
func isBelow(key, above string) bool {
	return len(key) > len(above) && key[len(above)] == '.' && key[:len(above)] == above
}

// pattern selects keys. The zero value selects none.
type pattern struct {
	key   string
	below bool // everything below key; with an empty key everything
}

func parsePattern(s string) (pattern, bool) {
	if s == "*" {
		return pattern{below: true}, true
	}
	key, below := strings.CutSuffix(s, ".*")
	return pattern{key, below}, isKey(key)
}

func (p pattern) matches(key string) bool {
	switch {
	case !p.below:
		return key == p.key
	case p.key == "":
		return true
	}
	return isBelow(key, p.key)
}

// quote makes a given text safe to repeat: quoted, escaped, and cut.
func quote(s string) string {
	if len(s) > shownBytes {
		return fmt.Sprintf("%+q...", strings.ToValidUTF8(s[:shownBytes], ""))
	}
	return fmt.Sprintf("%+q", s)
}

const (
	maxDistance   = 3
	similarBudget = 2000 // comparisons of one search
)

// nearest is the key of nearly the same spelling, or "".
func nearest(key string, c *content) string {
	limit := min(maxDistance, max(1, len(key)/3))
	folded := strings.ToLower(key)
	best, budget := "", similarBudget
	for other := range c.entries {
		if diff := len(other) - len(key); diff > limit || -diff > limit {
			continue
		}
		if budget--; budget < 0 {
			break
		}
		d := distance(folded, strings.ToLower(other))
		if d < limit || d == limit && (best == "" || other < best) {
			best, limit = other, d
		}
	}
	return best
}

// distance is that of Levenshtein.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
