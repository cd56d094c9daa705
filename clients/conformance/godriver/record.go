package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/config-service/config-service/clients/go/configclient"
)

// events are what the listeners were told since they were last taken.
type events struct {
	mu      sync.Mutex // guards the rest
	list    []answer
	blocked chan struct{} // closed by unblock
}

func newEvents() *events { return &events{list: []answer{}, blocked: make(chan struct{})} }

func (e *events) listener(id int, behave string) func(configclient.Change) {
	return func(c configclient.Change) {
		e.mu.Lock()
		e.list = append(e.list, answer{"id": id, "key": c.Key, "kind": c.Kind, "old": c.Old, "new": c.New, "revision": c.Revision})
		blocked := e.blocked
		e.mu.Unlock()
		switch behave {
		case "throw":
			panic("as the scenario asks")
		case "block":
			<-blocked
		}
	}
}

func (e *events) unblock() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.blocked)
	e.blocked = make(chan struct{})
}

func (e *events) take() []answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = []answer{}
	return list
}

// logs are the lines that were logged since they were last taken.
type logs struct {
	mu   sync.Mutex // guards the rest
	list []answer
}

func (l *logs) logger() *slog.Logger { return slog.New(&handler{logs: l}) }

func (l *logs) take() []answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := append([]answer{}, l.list...)
	l.list = nil
	return list
}

// handler writes a record as one message, with what it names behind.
type handler struct {
	logs  *logs
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	message := r.Message
	add := func(a slog.Attr) bool {
		message += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	level := r.Level.String()
	if r.Level == slog.LevelWarn {
		level = "WARNING"
	}
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	h.logs.list = append(h.logs.list, answer{"level": level, "message": message})
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.logs, append(append([]slog.Attr{}, h.attrs...), attrs...)}
}

// WithGroup implements slog.Handler. The client makes no groups.
func (h *handler) WithGroup(string) slog.Handler { return h }
