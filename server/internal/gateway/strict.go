package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// checkJSON says what keeps a text from being one JSON value that means the same to every
// reader: a name that an object has twice, more nesting than maxDepth, more than one
// value, or what is no JSON at all, such as NaN.
func checkJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var open []level
	for began := false; !began || len(open) > 0; began = true {
		token, err := dec.Token()
		if err != nil {
			return notJSON(text, err)
		}
		if n := len(open); n > 0 {
			if name, twice := open[n-1].takes(token); twice {
				return fmt.Errorf("has the name %s twice in one object, up to byte %d", quoteName(name), dec.InputOffset())
			}
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if len(open) == maxDepth {
				return fmt.Errorf("is nested deeper than %d levels at byte %d", maxDepth, dec.InputOffset())
			}
			open = append(open, newLevel(token))
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
	}
	if rest := bytes.TrimLeft(text[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return fmt.Errorf("goes on after the JSON value, at byte %d", len(text)-len(rest)+1)
	}
	return nil
}

// notJSON says where a text that no token could be taken from stops to be JSON. The decoder
// itself counts from somewhere within.
func notJSON(text []byte, err error) error {
	var syntax *json.SyntaxError
	switch whole := new(json.RawMessage); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("ends in the middle of the JSON value, at byte %d", len(text))
	case errors.As(json.Unmarshal(text, whole), &syntax):
		return fmt.Errorf("is no JSON at byte %d", syntax.Offset)
	}
	return errors.New("is no JSON")
}

// level is an object or an array that has begun.
type level struct {
	names map[string]struct{} // nil: an array
	value bool                // the next token of an object begins a value
}

func newLevel(begin json.Token) level {
	if begin == json.Delim('{') {
		return level{names: map[string]struct{}{}}
	}
	return level{}
}

// takes notes the next token, and says whether it is a name that was there before. It sees
// the tokens of its own level, and the ends of those within.
func (l *level) takes(token json.Token) (name string, twice bool) {
	if l.names == nil {
		return "", false
	}
	if l.value || token == json.Delim('}') {
		l.value = false
		return "", false
	}
	name, _ = token.(string)
	_, twice = l.names[name]
	l.names[name] = struct{}{}
	l.value = true
	return name, twice
}
