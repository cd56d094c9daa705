package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// matcher compares what a driver said with what a scenario expects.
type matcher struct {
	revisions map[string]int64 // by the name of the write
}

// same says how a value differs from the one expected; "" when it does not. A whole
// number is expected as one: 3 is not 3.0.
func (m matcher) same(want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return differ(want, got)
		}
		return m.fields(w, g)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return differ(want, got)
		}
		for i := range w {
			if d := m.same(w[i], g[i]); d != "" {
				return fmt.Sprintf("[%d]: %s", i, d)
			}
		}
		return ""
	case int, float64:
		if !sameNumber(w, got) {
			return differ(want, got)
		}
		return ""
	}
	if want != got {
		return differ(want, got)
	}
	return ""
}

func differ(want, got any) string { return fmt.Sprintf("expected %s, got %s", show(want), show(got)) }

func sameNumber(want, got any) bool {
	number, ok := got.(json.Number)
	if !ok {
		return false
	}
	if w, whole := want.(int); whole {
		g, err := strconv.ParseInt(number.String(), 10, 64)
		return err == nil && g == int64(w)
	}
	g, err := number.Float64()
	return err == nil && math.Abs(g-want.(float64)) <= 1e-12*math.Abs(g)
}

// fields compares the fields that are named; others may be there. The revision may be
// that of a named write, the age within a bound.
func (m matcher) fields(want map[string]any, got map[string]any) string {
	for field, w := range want {
		g, there := got[field]
		if !there {
			return fmt.Sprintf("%s: expected %s, got nothing", field, show(w))
		}
		text, isText := w.(string)
		var d string
		switch {
		case field == "revision" && isText:
			d = m.written(text, g)
		case field == "age" && isText:
			d = within(text, g)
		case field == "entries":
			d = m.each(w, g)
		default:
			d = m.same(w, g)
		}
		if d != "" {
			return field + ": " + d
		}
	}
	return ""
}

// written compares a revision with that of a named write; with ">=" before the name it
// may be a later one, as other writes raise it, too.
func (m matcher) written(name string, got any) string {
	least, atLeast := strings.CutPrefix(name, ">=")
	at, known := m.revisions[least]
	if !known {
		return fmt.Sprintf("no write was named %q", least)
	}
	if atLeast && number(got) >= int(at) {
		return ""
	}
	return m.same(int(at), got)
}

// each compares lists of objects by the fields that are named.
func (m matcher) each(want, got any) string {
	w, ok := want.([]any)
	g, isList := got.([]any)
	if !ok || !isList || len(w) != len(g) {
		return differ(want, got)
	}
	for i := range w {
		one, ok := w[i].(map[string]any)
		entry, isObject := g[i].(map[string]any)
		if !ok || !isObject {
			return differ(w[i], g[i])
		}
		if d := m.fields(one, entry); d != "" {
			return d
		}
	}
	return ""
}

// within compares a number with a bound such as "<60" or ">=3600". It is never
// negative.
func within(bound string, got any) string {
	number, ok := got.(json.Number)
	if !ok {
		return fmt.Sprintf("expected a number %s, got %s", bound, show(got))
	}
	g, err := number.Float64()
	if err != nil {
		return err.Error()
	}
	limit, err := strconv.ParseFloat(strings.TrimLeft(bound, "<>="), 64)
	if err != nil {
		return err.Error()
	}
	holds := false
	switch strings.TrimRight(bound, "0123456789.") {
	case "<":
		holds = g < limit
	case ">=":
		holds = g >= limit
	default:
		return fmt.Sprintf("%q is no bound", bound)
	}
	if !holds || g < 0 {
		return fmt.Sprintf("expected a number %s, got %s", bound, number)
	}
	return ""
}

// lacks returns the first of the words that a text does not hold, in any case of
// letters; "" when it holds all. A word may be one of several, with a bar between.
func lacks(text string, words []string) string {
	text = strings.ToLower(text)
	for _, word := range words {
		holds := func(one string) bool { return strings.Contains(text, strings.ToLower(one)) }
		if !slices.ContainsFunc(strings.Split(word, "|"), holds) {
			return word
		}
	}
	return ""
}

// show writes a value as JSON, shortened.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(text) > 600 {
		return string(text[:600]) + "..."
	}
	return string(text)
}
