package conformance

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// What a wrong client would answer. Each takes an honest answer and changes it.

func staleValue(l *liar, request, answer map[string]any) {
	if request["do"] != "get" && request["do"] != "snapshot" {
		return
	}
	key := fmt.Sprint(request["do"], request["key"], request["prefix"])
	if first, there := l.first[key]; there && answer["error"] == nil {
		answer["value"] = first
	} else if answer["error"] == nil {
		l.first[key] = answer["value"]
	}
}

func lostEvent(l *liar, _, answer map[string]any) {
	var kept []any
	for _, event := range eventsOf(answer) {
		if l.odd = !l.odd; !l.odd {
			kept = append(kept, event)
		}
	}
	if answer["events"] != nil {
		answer["events"] = append([]any{}, kept...)
	}
}

func doubledEvent(_ *liar, _, answer map[string]any) {
	var all []any
	for _, event := range eventsOf(answer) {
		all = append(all, event, event)
	}
	if all != nil {
		answer["events"] = all
	}
}

// eventForNoChange tells the runner's own change to the scenario's listener, as a client
// does that takes every message for a change.
func eventForNoChange(_ *liar, _, answer map[string]any) {
	all := eventsOf(answer)
	for _, event := range all {
		if invented := maps.Clone(event.(map[string]any)); number(invented["id"]) == markerID {
			invented["id"], invented["key"], invented["old"] = 1, "b", invented["new"]
			answer["events"] = append(all, invented)
		}
	}
}

func wrongOld(_ *liar, _, answer map[string]any) {
	for _, event := range eventsOf(answer) {
		event := event.(map[string]any)
		event["old"], event["kind"] = nil, "ADDED"
	}
}

func eventsAfterClose(l *liar, request, answer map[string]any) {
	l.odd = l.odd || request["do"] == "close"
	if l.odd && answer["events"] != nil {
		answer["events"] = []any{map[string]any{"id": 1, "key": "a", "kind": "CHANGED", "old": 1, "new": 2, "revision": 1}}
	}
}

func alwaysValid(_ *liar, request, answer map[string]any) {
	if request["do"] == "status" {
		answer["value"] = "VALID"
	}
}

func defaultForError(_ *liar, request, answer map[string]any) {
	if request["do"] == "get" && answer["error"] != nil {
		clear(answer)
		answer["value"] = request["default"]
	}
}

func rename(from, to string) func(*liar, map[string]any, map[string]any) {
	return func(_ *liar, _, answer map[string]any) {
		if answer["error"] == from {
			answer["error"] = to
		}
	}
}

func nullIsAbsent(_ *liar, request, answer map[string]any) {
	value, there := answer["value"]
	if request["do"] == "get" && there && value == nil {
		clear(answer)
		answer["error"], answer["message"] = "KeyMissing", "there is no "+text(request["key"])
	}
}

func maskedIsNull(_ *liar, request, answer map[string]any) {
	if request["do"] == "get" && strings.Contains(text(answer["message"]), "masked") {
		clear(answer)
		answer["value"] = nil
	}
}

func deletedLivesOn(l *liar, request, answer map[string]any) {
	key := text(request["key"])
	if request["do"] != "get" || key == "" {
		return
	}
	if last, there := l.first[key]; there && answer["error"] == "KeyMissing" {
		clear(answer)
		answer["value"] = last
	} else if answer["error"] == nil {
		l.first[key] = answer["value"]
	}
}

func defaultForEver(_ *liar, request, answer map[string]any) {
	if def, there := request["default"]; there && request["do"] == "get" {
		answer["value"] = def
	}
}

func settingsIgnored(_ *liar, request, answer map[string]any) {
	if request["do"] == "open" {
		clear(answer)
	}
}

func fileIsLive(_ *liar, request, answer map[string]any) {
	if request["do"] == "status" && answer["value"] == "STALE" {
		answer["value"] = "VALID"
	}
}

func loggedTwice(_ *liar, _, answer map[string]any) {
	if logs, ok := answer["logs"].([]any); ok {
		answer["logs"] = append(append([]any{}, logs...), logs...)
	}
}

func valueInLog(l *liar, request, answer map[string]any) {
	if request["do"] == "get" && answer["error"] == nil {
		l.first["value"] = answer["value"]
	}
	logs, _ := answer["logs"].([]any)
	for _, entry := range logs {
		entry := entry.(map[string]any)
		entry["message"] = fmt.Sprint(entry["message"], ": ", l.first["value"])
	}
}

func textIsParsed(_ *liar, request, answer map[string]any) {
	if request["do"] != "get" || request["key"] != "digits" || answer["error"] != nil {
		return
	}
	if _, isNumber := request["default"].(float64); isNumber {
		answer["value"] = 5
	}
}

func wholeBecomesFloat(_ *liar, request, answer map[string]any) {
	if request["do"] == "get" && number(answer["value"]) >= 0 {
		answer["value"] = rawNumber(fmt.Sprint(answer["value"], ".0"))
	}
}

// rawNumber is a number as it is written.
type rawNumber string

// MarshalJSON implements json.Marshaler.
func (n rawNumber) MarshalJSON() ([]byte, error) {
	_, err := strconv.ParseFloat(string(n), 64)
	return []byte(n), err
}

// halfStep answers a snapshot of which one key is older than the others.
func halfStep(l *liar, request, answer map[string]any) {
	values, ok := answer["value"].(map[string]any)
	if request["do"] != "snapshot" || !ok {
		return
	}
	const key = "database.port"
	if last := l.first[key]; last != nil && show(last) != show(values[key]) {
		l.first[key], values[key] = values[key], last
		return
	}
	l.first[key] = values[key]
}

func strongestLayer(_ *liar, _, answer map[string]any) {
	if answer["layer"] != nil {
		answer["layer"] = "SERVICE_ENVIRONMENT"
	}
}

func hearsThePast(l *liar, request, answer map[string]any) {
	if request["do"] == "on_change" && number(request["id"]) != markerID {
		l.odd = true
	}
	if l.odd && answer["events"] != nil {
		l.odd = false
		past := map[string]any{"id": 1, "key": "a", "kind": "CHANGED", "old": 1, "new": 2, "revision": 1}
		answer["events"] = append([]any{past}, eventsOf(answer)...)
	}
}

func alwaysReady(_ *liar, request, answer map[string]any) {
	if request["do"] == "wait_ready" {
		clear(answer)
		answer["value"] = true
	}
}

func namesNothing(_ *liar, _, answer map[string]any) {
	if answer["error"] != nil {
		answer["message"] = "no such key"
	}
}

func kindLost(_ *liar, _, answer map[string]any) {
	for _, event := range eventsOf(answer) {
		if event := event.(map[string]any); event["old"] == nil && event["new"] != nil {
			event["kind"] = "ADDED"
		}
	}
}
