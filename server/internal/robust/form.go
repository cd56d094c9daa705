package robust

import "time"

// Form is in which form a campaign runs, and so how strictly its times are judged. What is
// true is judged alike in both.
type Form string

// The forms. The long one, which is the zero value, holds every goal as it is.
const (
	Long  Form = ""
	Short Form = "short"
)

// In the short form, which runs beside other tests on slow, shared and loaded machines, a
// time says nothing of the product unless it is far off: a goal is printed beside it, and
// only what takes missing times the goal, and missingLeast, counts as not happening at all.
const (
	missing      = 8
	missingLeast = 30 * time.Second
)

// Limit is how long something with a goal may take.
func (f Form) Limit(goal time.Duration) time.Duration {
	if f == Short {
		return max(missing*goal, missingLeast)
	}
	return goal
}

// Most is how often something with a goal may happen.
func (f Form) Most(goal int) int {
	if f == Short {
		return missing * goal
	}
	return goal
}
