package main

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
)

// get reads a key by the call that a program would use.
func (d *driver) get(r request) answer {
	if r.Type != "" {
		return d.typed(r)
	}
	if r.Default == nil {
		entry, err := d.client.Get(r.Key)
		return outcome(entry.Value, err)
	}
	if bad := d.invalid(r.Key); bad != nil {
		return bad
	}
	return read(r, reader{
		func(def string) any { return configclient.Get(d.client, r.Key, def) },
		func(def int) any { return configclient.Get(d.client, r.Key, def) },
		func(def float64) any { return configclient.Get(d.client, r.Key, def) },
		func(def bool) any { return configclient.Get(d.client, r.Key, def) },
		func(def []any) any { return configclient.Get(d.client, r.Key, def) },
		func(def map[string]any) any { return configclient.Get(d.client, r.Key, def) },
		func() any { return configclient.Get[any](d.client, r.Key, nil) },
	}, func(value any) answer { return answer{"value": value} })
}

func (d *driver) detail(r request) answer {
	if r.Default == nil {
		detail, err := d.client.Detail(r.Key)
		if err != nil {
			return failure(err)
		}
		return detailed(detail)
	}
	if bad := d.invalid(r.Key); bad != nil {
		return bad
	}
	return read(r, reader{
		func(def string) any { return detailed(configclient.GetDetail(d.client, r.Key, def)) },
		func(def int) any { return detailed(configclient.GetDetail(d.client, r.Key, def)) },
		func(def float64) any { return detailed(configclient.GetDetail(d.client, r.Key, def)) },
		func(def bool) any { return detailed(configclient.GetDetail(d.client, r.Key, def)) },
		func(def []any) any { return detailed(configclient.GetDetail(d.client, r.Key, def)) },
		func(def map[string]any) any { return detailed(configclient.GetDetail(d.client, r.Key, def)) },
		func() any { return detailed(configclient.GetDetail[any](d.client, r.Key, nil)) },
	}, func(value any) answer { return value.(answer) })
}

func detailed[T any](d configclient.Detail[T]) answer {
	return answer{"value": d.Value, "layer": d.Layer, "revision": d.Revision, "source": d.Source, "age": d.Age.Seconds()}
}

// invalid is the answer for a key that no configuration can have. A read with a default
// cannot fail in Go: it logs such a key and answers the default.
func (d *driver) invalid(key string) answer {
	if _, err := d.client.Get(key); errors.Is(err, configclient.ErrInvalidKey) {
		return failure(err)
	}
	return nil
}

// reader is a read with a default of each type that JSON has.
type reader struct {
	text   func(string) any
	whole  func(int) any
	number func(float64) any
	bool   func(bool) any
	list   func([]any) any
	object func(map[string]any) any
	null   func() any
}

// read calls what the type of the default asks for.
func read(r request, with reader, say func(any) answer) answer {
	var def any
	if err := json.Unmarshal(r.Default, &def); err != nil {
		return answer{"error": "Unsupported", "message": err.Error()}
	}
	switch def := def.(type) {
	case string:
		return say(with.text(def))
	case float64:
		if isWhole(r.Default) {
			return say(with.whole(int(def)))
		}
		return say(with.number(def))
	case bool:
		return say(with.bool(def))
	case []any:
		return say(with.list(def))
	case map[string]any:
		return say(with.object(def))
	}
	return say(with.null())
}

// typed reads by one of the typed getters.
func (d *driver) typed(r request) answer {
	c := d.client
	switch r.Type {
	case "str":
		return getter(r, c.String)
	case "int":
		return getter(r, c.Int)
	case "float":
		return getter(r, c.Float)
	case "bool":
		return getter(r, c.Bool)
	case "list":
		return getter(r, c.List)
	case "json":
		return getter(r, c.JSON)
	case "duration":
		return getter(r, func(key string, def ...float64) (float64, error) {
			var defaults []time.Duration
			for _, s := range def {
				defaults = append(defaults, seconds(s))
			}
			value, err := c.Duration(key, defaults...)
			return value.Seconds(), err
		})
	}
	return answer{"error": "Unsupported", "message": "unknown type " + r.Type}
}

func getter[T any](r request, get func(string, ...T) (T, error)) answer {
	if r.Default == nil {
		return outcome(get(r.Key))
	}
	var def T
	if err := json.Unmarshal(r.Default, &def); err != nil {
		return answer{"error": "Unsupported", "message": "a default of another type"}
	}
	return outcome(get(r.Key, def))
}
