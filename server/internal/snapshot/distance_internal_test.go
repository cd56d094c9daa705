package snapshot

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// levenshtein is the distance by its definition.
func levenshtein(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	d := levenshtein(a[1:], b[1:])
	if a[0] != b[0] {
		d++
	}
	return min(d, 1+levenshtein(a[1:], b), 1+levenshtein(a, b[1:]))
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"", "", 1, 0},
		{"", "abc", 3, 3},
		{"abc", "", 2, 3},
		{"kitten", "sitting", 3, 3},
		{"kitten", "sitting", 2, 3},
		{"a", "b", 1, 1},
		{"abcdef", "uvwxyz", 1, 2},
		{strings.Repeat("a", 253), strings.Repeat("a", 252), 3, 1},
		{strings.Repeat("a", 253), "a", 3, 4},
		{"a", strings.Repeat("a", 253), 3, 4},
	} {
		if got := editDistance(test.a, test.b, test.limit); got != test.want {
			t.Errorf("editDistance(%.10q, %.10q, %d) = %d, want %d", test.a, test.b, test.limit, got, test.want)
		}
	}
}

func TestEditDistanceAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	word := func() string {
		b := make([]byte, rnd.IntN(7))
		for i := range b {
			b[i] = "abc"[rnd.IntN(3)]
		}
		return string(b)
	}
	for range 3000 {
		a, b, limit := word(), word(), 1+rnd.IntN(maxDistance)
		if got, want := editDistance(a, b, limit), min(levenshtein(a, b), limit+1); got != want {
			t.Fatalf("editDistance(%q, %q, %d) = %d, want %d (seed %d)", a, b, limit, got, want, seed)
		}
	}
}
