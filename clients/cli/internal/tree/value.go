package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/structpb"
)

// ParseJSON reads a value. It refuses what a server refuses: numbers that a double cannot
// hold, repeated names, too many levels or bytes. The error begins with a verb and does
// not show the value.
func ParseJSON(text []byte) (*structpb.Value, error) {
	v, _, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	return v, checkValue(v)
}

// parseJSON returns also how far it came.
func parseJSON(text []byte) (v *structpb.Value, at int, err error) {
	if !utf8.Valid(text) {
		return nil, len(validUTF8(text)), errors.New("is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if v, err = readJSON(dec, 0); err != nil {
		return nil, int(dec.InputOffset()), err
	}
	at = int(dec.InputOffset())
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, at, errNotJSON
	}
	return v, at, nil
}

// validUTF8 is what stands before the first byte that is not UTF-8.
func validUTF8(text []byte) []byte {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return text[:at]
		}
		at += size
	}
	return text
}

var errNotJSON = errors.New("is no JSON")

// checkValue holds a whole value to its limits.
func checkValue(v *structpb.Value) error {
	if n := len(JSON(v)); n > maxValue {
		return fmt.Errorf("has %d bytes as JSON; accepted: at most %d", n, maxValue)
	}
	return nil
}

func readJSON(dec *json.Decoder, depth int) (*structpb.Value, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, errNotJSON
	}
	switch t := token.(type) {
	case nil:
		return structpb.NewNullValue(), nil
	case bool:
		return structpb.NewBoolValue(t), nil
	case string:
		return structpb.NewStringValue(t), nil
	case json.Number:
		n, err := parseNumber(string(t))
		return structpb.NewNumberValue(n), err
	case json.Delim:
		if depth == maxDepth {
			return nil, errDepth
		}
		if t == '[' {
			return readJSONList(dec, depth+1)
		}
		return readJSONMap(dec, depth+1)
	}
	return nil, errNotJSON
}

var errDepth = fmt.Errorf("is nested deeper than %d levels", maxDepth)

func readJSONList(dec *json.Decoder, depth int) (*structpb.Value, error) {
	list := &structpb.ListValue{}
	for dec.More() {
		item, err := readJSON(dec, depth)
		if err != nil {
			return nil, err
		}
		list.Values = append(list.Values, item)
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotJSON
	}
	return structpb.NewListValue(list), nil
}

func readJSONMap(dec *json.Decoder, depth int) (*structpb.Value, error) {
	fields := map[string]*structpb.Value{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, errNotJSON
		}
		name, ok := token.(string)
		if !ok {
			return nil, errNotJSON
		}
		if fields[name] != nil {
			return nil, errors.New("has the same name twice in one object")
		}
		if fields[name], err = readJSON(dec, depth); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotJSON
	}
	return structpb.NewStructValue(&structpb.Struct{Fields: fields}), nil
}

// number is the grammar of JSON.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// parseNumber reads a number that every client gets unchanged.
func parseNumber(text string) (float64, error) {
	if !number.MatchString(text) {
		return 0, errors.New("is a number that readers take differently; accepted: a number as JSON has it, or a text in double quotes")
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return 0, errors.New("has a number beyond the range of a double; accepted: a text in double quotes")
	case !strings.ContainsAny(text, ".eE"):
		if f > maxInteger || f < -maxInteger {
			return 0, errors.New("has an integer beyond +-(2^53-1); accepted: a text in double quotes")
		}
	case decimal(text) != decimal(strconv.FormatFloat(f, 'e', -1, 64)):
		return 0, errors.New("has a decimal that a double cannot hold; accepted: a text in double quotes")
	}
	return f, nil
}

// decimalForm is a number as sign, digits without zeros at either end, and the power of
// ten of the last digit: equal for equal numbers, however they are written.
type decimalForm struct {
	negative bool
	digits   string
	exponent int
}

func decimal(text string) decimalForm {
	var d decimalForm
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	d.exponent, _ = strconv.Atoi(exponent) // a bad or absent exponent is 0; ParseFloat has judged the text
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
