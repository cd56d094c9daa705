package snapshot

import (
	"slices"
	"strings"
)

// MaxSimilar is how many keys Similar returns at most.
const MaxSimilar = 5

// similarBudget bounds the comparisons of one call, so that asking for missing keys
// stays cheap whatever is stored.
const similarBudget = 2000

const maxDistance = 3

// Similar returns effective keys that a person who asked for key may have meant,
// nearest first: keys of nearly the same spelling, then keys below it.
func (f *Effective) Similar(key string) []string {
	type candidate struct {
		key      string
		distance int
	}
	var found []candidate
	limit := min(maxDistance, max(1, len(key)/3))
	folded := strings.ToLower(key)
	budget := similarBudget
	for _, e := range f.entries {
		if isBelow(e.Key, key) {
			found = append(found, candidate{e.Key, maxDistance + 1})
			continue
		}
		if diff := len(e.Key) - len(key); diff > limit || -diff > limit {
			continue
		}
		if budget--; budget < 0 {
			break
		}
		if d := editDistance(folded, strings.ToLower(e.Key), limit); d <= limit {
			found = append(found, candidate{e.Key, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	found = found[:min(len(found), MaxSimilar)]
	keys := make([]string, len(found))
	for i, c := range found {
		keys[i] = c.key
	}
	return keys
}

// editDistance is the Levenshtein distance of a and b, or limit+1 when it is larger.
// It fills only the band of the table that a distance within limit can use.
func editDistance(a, b string, limit int) int {
	over := limit + 1
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = min(j, over)
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-limit), min(len(b), i+limit)
		diagonal := row[from-1]
		if from == 1 {
			row[0] = min(i, over)
		} else {
			row[from-1] = over
		}
		best := row[from-1]
		for j := from; j <= to; j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], min(cost, over)
			best = min(best, row[j])
		}
		if best >= over {
			return over
		}
	}
	return row[len(b)]
}
