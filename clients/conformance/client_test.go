package conformance

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// open opens a client in a new process, after the end of the one there is.
func (r *run) open(s *step) error {
	if r.driver != nil {
		if err := r.leave((*driver).end); err != nil {
			return err
		}
	}
	d, err := startDriver(r.client, s.Open.Env)
	if err != nil {
		return err
	}
	r.driver = d
	if err := r.request(s); err != nil {
		return err
	}
	r.opened, r.closed = s.Error == "", false
	return nil
}

// doClient ends the client's process, as the end of a program does or by SIGKILL, or
// asks the client to do something that has no answer.
func (r *run) doClient(s *step) error {
	if r.driver == nil {
		return errors.New("there is no client")
	}
	switch s.Client {
	case "end":
		return r.leave((*driver).end)
	case "kill":
		return r.leave(func(d *driver) error { d.kill(); return nil })
	case "close", "unblock":
		r.closed = r.closed || s.Client == "close"
		return r.request(s)
	}
	return fmt.Errorf("a client cannot %q", s.Client)
}

// leave ends the client's process. What it logged stays to be looked at.
func (r *run) leave(how func(*driver) error) error {
	d := r.driver
	if r.opened {
		if err := r.fetchLogs(); err != nil {
			return err
		}
	}
	r.driver, r.opened, r.listens, r.events, r.marks = nil, false, false, nil, nil
	clear(r.chain)
	return how(d)
}

// request asks the client and compares the answer.
func (r *run) request(s *step) error {
	request, err := r.requestOf(s)
	if err != nil {
		return err
	}
	if r.driver == nil {
		return errors.New("no client was opened")
	}
	if s.action == "on_change" && !r.listens && s.Error == "" {
		if err := r.listen(); err != nil {
			return err
		}
	}
	if s.Async {
		return r.driver.send(request)
	}
	began := time.Now()
	for range max(1, s.Repeat) {
		if err := r.expect(s, request); err != nil {
			return err
		}
	}
	if s.Repeat > 0 && time.Since(began) > hang {
		return fmt.Errorf("%d took longer than %s", s.Repeat, hang)
	}
	return nil
}

// requestOf returns what the driver is asked.
func (r *run) requestOf(s *step) (map[string]any, error) {
	q := map[string]any{"do": s.action}
	add := func(field string, value any, there bool) {
		if there {
			q[field] = value
		}
	}
	switch s.action {
	case "open":
		r.openRequest(s.Open, add)
	case "get", "detail", "contains":
		q["key"] = s.Get + s.Detail + s.Contains
		value, there, err := given(s.Default)
		if err != nil {
			return nil, err
		}
		add("default", value, there)
		add("type", s.Type, s.Type != "")
	case "snapshot":
		add("prefix", *s.Snapshot, *s.Snapshot != "")
	case "wait_ready":
		q["timeout"] = *s.WaitReady
	case "on_change":
		q["id"], q["pattern"] = s.ID, s.OnChange
		add("behave", s.Behave, s.Behave != "")
	case "off_change":
		q["id"] = s.OffChange
	case "client":
		q["do"] = s.Client
	}
	return q, nil
}

func (r *run) openRequest(o *open, add func(string, any, bool)) {
	url, addr, timeout := "http://"+r.rest.addr, r.grpc.addr, hang.Seconds()
	if o.URL != nil {
		url = *o.URL
	}
	if o.Addr != nil {
		addr = *o.Addr
	}
	if o.Timeout != nil {
		timeout = *o.Timeout
	}
	add("url", url, true)
	add("addr", addr, true)
	add("timeout", timeout, true)
	add("namespace", o.Namespace, o.Namespace != "")
	add("environment", o.Environment, o.Environment != "")
	add("cache_file", o.CacheFile, o.CacheFile != "")
	add("token_file", o.TokenFile, o.TokenFile != "")
}

// answer takes the answer to the oldest request that did not wait for it.
func (r *run) answer(s *step) error {
	if r.driver.waiting == 0 {
		return errors.New("no answer is due")
	}
	answer, err := r.driver.answer()
	if err != nil {
		return err
	}
	return r.compare(s, answer)
}

// expect asks until the answer is the one expected, or once.
func (r *run) expect(s *step, request map[string]any) error {
	bound := r.bound(s)
	if s.Eventually.IsZero() && s.EventuallyError == "" {
		bound = 0
	}
	before, hasBefore, err := given(s.Before)
	if err != nil {
		return err
	}
	return until(bound, func() error {
		answer, err := r.driver.do(request)
		if err != nil {
			return never{err}
		}
		err = r.compare(s, answer)
		if err != nil && hasBefore {
			if d := r.differs(s, before, answer); d != "" {
				return never{fmt.Errorf("%w; before that, %s", err, d)}
			}
		}
		return err
	})
}

// compare says how an answer differs from what the step expects.
func (r *run) compare(s *step, answer map[string]any) error {
	failure, message := text(answer["error"]), text(answer["message"])
	if message != "" {
		r.said = append(r.said, message)
	}
	if strings.Contains(message, "\n") {
		return never{fmt.Errorf("the message of %s is more than one line: %q", failure, message)}
	}
	if wanted := s.Error + s.EventuallyError; wanted != "" {
		if failure != wanted {
			return fmt.Errorf("expected %s, got %s", wanted, show(answer))
		}
		if word := lacks(message, s.Says); word != "" {
			return fmt.Errorf("the message of %s does not hold %q: %s", failure, word, message)
		}
		return nil
	}
	node := s.Expect
	if node.IsZero() {
		node = s.Eventually
	}
	want, there, err := given(node)
	if err != nil {
		return err
	}
	if !there {
		if failure != "" {
			return fmt.Errorf("got %s", show(answer))
		}
		return nil
	}
	if d := r.differs(s, want, answer); d != "" {
		return errors.New(d)
	}
	return nil
}

// differs compares the part of an answer that a step is about.
func (r *run) differs(s *step, want any, answer map[string]any) string {
	value, ok := answer["value"]
	if !ok {
		return fmt.Sprintf("expected %s, got %s", show(want), show(answer))
	}
	if all, isMap := value.(map[string]any); isMap && s.action == "snapshot" {
		delete(all, marker)
	}
	fields, isMap := want.(map[string]any)
	if isMap && (s.action == "detail" || s.action == "status") {
		return r.fields(fields, answer)
	}
	return r.same(want, value)
}

// text returns a string, or "".
func text(v any) string {
	s, _ := v.(string)
	return s
}

// number returns a whole number, or -1.
func number(v any) int {
	n, err := strconv.Atoi(fmt.Sprint(v))
	if err != nil {
		return -1
	}
	return n
}
