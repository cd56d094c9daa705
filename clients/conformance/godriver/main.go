// Command godriver lets the conformance scenarios drive the Go client: a request on each
// line of stdin, its answer on a line of stdout.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
)

// request is what a scenario asks for; each `do` reads the fields it needs.
type request struct {
	Do          string
	Addr        string
	Namespace   string
	Environment string
	Timeout     *float64
	CacheFile   string `json:"cache_file"`
	TokenFile   string `json:"token_file"`
	Key         string
	Default     json.RawMessage // nil: none
	Type        string
	Prefix      string
	ID          int
	Pattern     string
	Behave      string
}

type answer map[string]any

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "godriver:", err)
		os.Exit(1)
	}
}

// serve answers every request in turn, until there are no more.
func serve(in io.Reader, out io.Writer) error {
	d := newDriver()
	defer d.close()
	lines, write := bufio.NewReader(in), json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("a request: %w", err)
		}
		if err := write.Encode(d.answer(r)); err != nil {
			return err
		}
	}
}

// driver owns one client at a time.
type driver struct {
	client *configclient.Client
	stops  map[int]func()
	told   *events
	log    *logs
}

func newDriver() *driver {
	return &driver{stops: map[int]func(){}, told: newEvents(), log: &logs{}}
}

func (d *driver) answer(r request) answer {
	if r.Do == "open" {
		return d.open(r)
	}
	if r.Do == "logs" {
		return answer{"logs": d.log.take()}
	}
	if d.client == nil {
		return answer{"error": "Unsupported", "message": "no client is open"}
	}
	switch r.Do {
	case "get":
		return d.get(r)
	case "contains":
		_, err := d.client.Get(r.Key)
		if errors.Is(err, configclient.ErrKeyMissing) {
			return answer{"value": false}
		}
		return outcome(true, err)
	case "snapshot":
		return outcome(d.client.Snapshot(r.Prefix))
	case "detail":
		return d.detail(r)
	case "wait_ready":
		return d.waitReady(r)
	case "status":
		return answer{"value": d.client.Status(), "namespace": d.client.Namespace(), "environment": d.client.Environment()}
	case "on_change":
		stop, err := d.client.OnChange(r.Pattern, d.told.listener(r.ID, r.Behave))
		if err != nil {
			return failure(err)
		}
		d.stops[r.ID] = stop
		return answer{}
	case "off_change":
		if stop := d.stops[r.ID]; stop != nil {
			stop()
		}
		return answer{}
	case "unblock":
		d.told.unblock()
		return answer{}
	case "events":
		return answer{"events": d.told.take()}
	case "close":
		d.client.Close()
		return answer{}
	}
	return answer{"error": "Unsupported", "message": "unknown request " + r.Do}
}

func (d *driver) open(r request) answer {
	d.close()
	options := []configclient.Option{
		configclient.WithAddress(r.Addr), configclient.WithNamespace(r.Namespace), configclient.WithEnvironment(r.Environment),
		configclient.WithCacheFile(r.CacheFile), configclient.WithTokenFile(r.TokenFile), configclient.WithLogger(d.log.logger()),
	}
	if r.Timeout != nil {
		options = append(options, configclient.WithTimeout(seconds(*r.Timeout)))
	}
	client, err := configclient.Open(context.Background(), options...)
	if err != nil {
		return failure(err)
	}
	d.client = client
	return answer{}
}

func (d *driver) close() {
	if d.client != nil {
		d.told.unblock()
		d.client.Close()
	}
}

func (d *driver) waitReady(r request) answer {
	timeout := 0.0
	if r.Timeout != nil {
		timeout = *r.Timeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), seconds(timeout))
	defer cancel()
	err := d.client.WaitReady(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return answer{"value": false}
	}
	return outcome(true, err)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// outcome is a value, or the error in its place.
func outcome(value any, err error) answer {
	if err != nil {
		return failure(err)
	}
	return answer{"value": value}
}

// failure names an error as all drivers do.
func failure(err error) answer {
	name := "Error"
	for _, one := range []struct {
		kind error
		name string
	}{
		{configclient.ErrKeyMissing, "KeyMissing"},
		{configclient.ErrUnavailable, "ConfigUnavailable"},
		{configclient.ErrDenied, "ConfigDenied"},
		{configclient.ErrInvalidKey, "InvalidKey"},
		{configclient.ErrInvalidPattern, "InvalidPattern"},
		{configclient.ErrWrongType, "WrongType"},
	} {
		if errors.Is(err, one.kind) {
			name = one.name
		}
	}
	if setting := (*configclient.SettingError)(nil); errors.As(err, &setting) {
		name = "InvalidSetting"
	}
	return answer{"error": name, "message": err.Error()}
}

// isWhole says whether a JSON number is written as a whole one.
func isWhole(data json.RawMessage) bool { return !strings.ContainsAny(string(data), ".eE") }
