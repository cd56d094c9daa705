package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is a usable JSON value in canonical form: compact, names of an object
// sorted. The zero Value is no value at all, which is not the same as JSON null.
// Values never change.
type Value struct{ json string }

// JSON returns the canonical text; empty for the zero Value.
func (v Value) JSON() string { return v.json }

// IsZero says whether there is no value.
func (v Value) IsZero() bool { return v.json == "" }

// ParseValue reads a stored value. It refuses what could not travel unchanged to
// every client: text that is not JSON, numbers a double cannot hold, repeated names,
// unpaired surrogates, more than MaxValue bytes or MaxDepth levels. The errors say
// where and what is accepted, and never repeat a byte of the value.
func ParseValue(raw []byte) (Value, error) {
	if len(raw) > MaxValue {
		return Value{}, fmt.Errorf("has %d bytes; accepted: at most %d", len(raw), MaxValue)
	}
	if text := string(raw); plainText(text) {
		return Value{json: text}, nil // canonical as it is
	}
	if !utf8.Valid(raw) {
		return Value{}, errors.New("is not UTF-8")
	}
	if at := unpairedSurrogate(raw); at >= 0 {
		return Value{}, fmt.Errorf("has half of a surrogate pair at byte %d", at)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	decoded, err := readValue(dec, 0)
	if err != nil {
		return Value{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Value{}, fmt.Errorf("has more text after the JSON value, from about byte %d", dec.InputOffset())
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(decoded); err != nil {
		return Value{}, fmt.Errorf("cannot be encoded: %w", err)
	}
	return Value{json: strings.TrimSuffix(out.String(), "\n")}, nil
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, notJSON(dec)
	}
	switch t := tok.(type) {
	case json.Number:
		return readNumber(string(t), dec.InputOffset())
	case json.Delim:
		if depth == MaxDepth {
			return nil, fmt.Errorf("is nested deeper than %d levels at byte %d", MaxDepth, dec.InputOffset())
		}
		if t == '[' {
			return readArray(dec, depth+1)
		}
		return readObject(dec, depth+1)
	default:
		return tok, nil
	}
}

func readArray(dec *json.Decoder, depth int) (any, error) {
	items := []any{}
	for dec.More() {
		item, err := readValue(dec, depth)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(dec)
	}
	return items, nil
}

func readObject(dec *json.Decoder, depth int) (any, error) {
	fields := map[string]any{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, notJSON(dec)
		}
		name := tok.(string) // the decoder takes nothing else between { and :
		if _, dup := fields[name]; dup {
			return nil, fmt.Errorf("has the same name twice in one object, at byte %d", dec.InputOffset())
		}
		if fields[name], err = readValue(dec, depth); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(dec)
	}
	return fields, nil
}

func notJSON(dec *json.Decoder) error {
	return fmt.Errorf("is not JSON, from about byte %d (a text is written in double quotes)", dec.InputOffset())
}

func readNumber(text string, at int64) (any, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("has a number beyond the range of a double before byte %d; write it in double quotes", at)
	}
	if !strings.ContainsAny(text, ".eE") {
		if f > MaxInteger || f < -MaxInteger {
			return nil, fmt.Errorf("has an integer beyond +-(2^53-1) before byte %d; write it in double quotes", at)
		}
		return f, nil
	}
	if decimal(text) != decimal(strconv.FormatFloat(f, 'e', -1, 64)) {
		return nil, fmt.Errorf("has a decimal that a double cannot hold before byte %d; write it in double quotes", at)
	}
	if f > MaxInteger || f < -MaxInteger {
		// Written out in digits it would be an integer that is refused.
		return json.Number(strconv.FormatFloat(f, 'e', -1, 64)), nil
	}
	return f, nil
}

// decimal is a number as sign, digits without zeros at either end, and the power of
// ten of the last digit: equal for equal numbers, however they are written.
type decimalForm struct {
	negative bool
	digits   string
	exponent int
}

func decimal(text string) decimalForm {
	var d decimalForm
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, exp, _ := strings.Cut(strings.ToLower(text), "e")
	d.exponent, _ = strconv.Atoi(exp) // a bad or absent exponent is 0; ParseFloat has judged the text
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exponent -= len(fraction)
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	d.exponent += len(digits) - len(d.digits)
	if d.digits == "" {
		return decimalForm{}
	}
	return d
}

// unpairedSurrogate returns where raw holds an escaped half of a surrogate pair, or
// -1. The decoder would replace it silently.
func unpairedSurrogate(raw []byte) int {
	half := func(i int) (unit uint64) {
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0
		}
		unit, _ = strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		return unit
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		switch unit := half(i); {
		case unit >= 0xD800 && unit < 0xDC00:
			if low := half(i + 6); low < 0xDC00 || low > 0xDFFF {
				return i
			}
			i += 11
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return i
		default:
			i++
		}
	}
	return -1
}
