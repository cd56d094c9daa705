package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// listen registers the runner's own listener, before the first of the scenario.
func (r *run) listen() error {
	r.listens = true
	answer, err := r.driver.do(map[string]any{"do": "on_change", "id": markerID, "pattern": marker})
	if err == nil && answer["error"] != nil {
		err = fmt.Errorf("got %s", show(answer))
	}
	return err
}

// fetchEvents takes what the listeners were told since the last time.
func (r *run) fetchEvents() error {
	answer, err := r.driver.do(map[string]any{"do": "events"})
	if err != nil {
		return err
	}
	list, ok := answer["events"].([]any)
	if !ok {
		return never{fmt.Errorf("got %s", show(answer))}
	}
	for _, one := range list {
		event, ok := one.(map[string]any)
		switch {
		case !ok:
			return never{fmt.Errorf("%s is no event", show(one))}
		case number(event["id"]) == markerID:
			r.marks = append(r.marks, fmt.Sprint(event["new"]))
		case event["key"] != marker:
			r.events = append(r.events, event)
			if err := r.follows(event); err != nil {
				return never{err}
			}
		}
	}
	return nil
}

// follows says whether an event begins where the listener's last one of the key ended.
func (r *run) follows(event map[string]any) error {
	name := fmt.Sprint(event["id"], " ", event["key"])
	last, kind := r.chain[name], event["kind"]
	r.chain[name] = event
	absent := last != nil && last["kind"] == "DELETED"
	switch {
	case kind == "CHANGED" && show(event["old"]) == show(event["new"]):
		return fmt.Errorf("%s is no change", show(event))
	case last == nil:
		return nil
	case absent != (kind == "ADDED"), !absent && show(last["new"]) != show(event["old"]):
		return fmt.Errorf("after %s, the same listener was told %s", show(last), show(event))
	}
	return nil
}

// lastEvents waits for events, in any order, and drops all there are: what lies between
// two states is not promised. Those dropped are of the same listeners and keys.
func (r *run) lastEvents(s *step) error {
	return until(r.bound(s), func() error {
		if err := r.fetchEvents(); err != nil {
			return err
		}
		for _, event := range r.events {
			if !slices.ContainsFunc(s.Told, func(want map[string]any) bool { return r.concerns(want, event) }) {
				return never{fmt.Errorf("unexpected event: %s", show(event))}
			}
		}
		for _, want := range s.Told {
			if !slices.ContainsFunc(r.events, func(event map[string]any) bool { return r.fields(want, event) == "" }) {
				return fmt.Errorf("%s was not told; told were %s", show(want), show(r.events))
			}
		}
		r.events = nil
		return nil
	})
}

// concerns says whether an event is of the listener and the key of an expected one.
func (r *run) concerns(want, event map[string]any) bool {
	of := map[string]any{}
	for _, field := range []string{"id", "key"} {
		if value, named := want[field]; named {
			of[field] = value
		}
	}
	return r.fields(of, event) == ""
}

// nextEvents compares the next events with those expected, in order. One that is not
// expected fails at once.
func (r *run) nextEvents(s *step) error {
	err := until(r.bound(s), func() error {
		if err := r.fetchEvents(); err != nil {
			return err
		}
		for i, want := range s.Events[:min(len(s.Events), len(r.events))] {
			if d := r.fields(want, r.events[i]); d != "" {
				return never{fmt.Errorf("event %d: %s", i+1, d)}
			}
		}
		if missing := len(s.Events) - len(r.events); missing > 0 {
			return fmt.Errorf("%d of %d are missing", missing, len(s.Events))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w; told were %s", err, show(r.events))
	}
	r.events = slices.Delete(r.events, 0, len(s.Events))
	return nil
}

// noMoreEvents decides that no other event comes: a change that is made afterwards has
// been told, or, when the client is closed, has reached the sidecar.
func (r *run) noMoreEvents() error {
	r.marked++
	mark := strconv.Itoa(r.marked)
	if err := r.commit([]write{{Set: map[string]any{marker: r.marked}}}); err != nil {
		return err
	}
	if r.closed {
		if err := r.arrived(); err != nil {
			return err
		}
		if err := r.fetchEvents(); err != nil {
			return err
		}
	} else if err := until(r.client.patience, func() error { return r.told(mark) }); err != nil {
		return err
	}
	if len(r.events) > 0 {
		return fmt.Errorf("unexpected events: %s", show(r.events))
	}
	return nil
}

func (r *run) told(mark string) error {
	if err := r.fetchEvents(); err != nil {
		return err
	}
	if !slices.Contains(r.marks, mark) {
		return fmt.Errorf("the runner's own change was not told; told were %s", show(r.events))
	}
	return nil
}

// fetchLogs takes what the client logged since the last time. Below INFO is its own
// affair.
func (r *run) fetchLogs() error {
	answer, err := r.driver.do(map[string]any{"do": "logs"})
	if err != nil {
		return err
	}
	list, ok := answer["logs"].([]any)
	if !ok {
		return never{fmt.Errorf("got %s", show(answer))}
	}
	for _, one := range list {
		entry, ok := one.(map[string]any)
		if !ok {
			return never{fmt.Errorf("%s is no log entry", show(one))}
		}
		r.said = append(r.said, text(entry["message"]))
		if entry["level"] != "DEBUG" {
			r.logs = append(r.logs, entry)
		}
	}
	return nil
}

// nextLog compares the next message with the one expected: its level, one of several
// with a bar between, and words in it.
func (r *run) nextLog(s *step) error {
	err := until(r.bound(s), func() error {
		if err := r.fetchLogs(); err != nil {
			return err
		}
		if len(r.logs) == 0 {
			return errors.New("nothing was logged")
		}
		level, message := text(r.logs[0]["level"]), text(r.logs[0]["message"])
		if !slices.Contains(strings.Split(s.Log, "|"), level) {
			return never{fmt.Errorf("expected %s, got %s: %s", s.Log, level, message)}
		}
		if word := lacks(message, s.Says); word != "" {
			return never{fmt.Errorf("the log does not hold %q: %s", word, message)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.logs = r.logs[1:]
	return nil
}

func (r *run) noMoreLogs() error {
	if err := r.fetchLogs(); err != nil {
		return err
	}
	if len(r.logs) > 0 {
		return fmt.Errorf("unexpected logs: %s", show(r.logs))
	}
	return nil
}
