package configclient

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// decode makes a T of a value. Fields of a struct that an object does not name stay as
// they are in base. What it returns shares nothing with the value; with base it shares
// what was not replaced.
//
//	bool, string             the same, nothing parsed
//	int, uint and their kin  a whole number that fits
//	float32, float64         a number
//	time.Duration            seconds, or a text such as "1h30m"
//	[]E, map[string]E        a list, an object
//	struct                   an object; names of fields by their json tags
//	*E                       null, or an E
//	any                      every value
//	what unmarshals itself   as encoding/json has it
func decode[T any](value any, base T) (out T, err error) {
	defer func() {
		if recover() != nil { // a type that unmarshals itself
			err = &mismatch{found: kindOf(value), wanted: fmt.Sprintf("a %T, which panicked", base)}
		}
	}()
	out = base
	err = decodeInto(reflect.ValueOf(&out).Elem(), value, "")
	return out, err
}

var durationType = reflect.TypeFor[time.Duration]()

func decodeInto(into reflect.Value, value any, path string) error {
	bad := func(wanted string) error { return &mismatch{path, kindOf(value), wanted} }
	if into.Type() == durationType {
		d, ok := asDuration(value)
		if !ok {
			return bad("a duration")
		}
		into.SetInt(int64(d))
		return nil
	}
	if into.Kind() == reflect.Pointer {
		if value == nil {
			into.SetZero()
			return nil
		}
		into.Set(reflect.New(into.Type().Elem()))
		return decodeInto(into.Elem(), value, path)
	}
	if itself, err := unmarshalItself(into, value); itself {
		if err != nil {
			return bad("a " + into.Type().String()) // err may quote the value
		}
		return nil
	}
	switch into.Kind() {
	case reflect.Interface:
		if into.NumMethod() > 0 {
			return bad("a " + into.Type().String())
		}
		if into.SetZero(); value != nil {
			into.Set(reflect.ValueOf(copied(value)))
		}
		return nil
	case reflect.Slice:
		return decodeList(into, value, path)
	case reflect.Map:
		return decodeMap(into, value, path)
	case reflect.Struct:
		fields, ok := value.(map[string]any)
		if !ok {
			return bad(string(object))
		}
		return decodeStruct(into, fields, path)
	}
	if wanted := decodeScalar(into, value); wanted != "" {
		return bad(wanted)
	}
	return nil
}

// decodeScalar returns what was wanted when the value is not of that type.
func decodeScalar(into reflect.Value, value any) (wanted string) {
	f, isNumber := value.(float64)
	n, isWhole := 0, false
	if isNumber {
		n, isWhole = wholeInt(f)
	}
	switch into.Kind() {
	case reflect.Bool:
		b, ok := value.(bool)
		if !ok {
			return string(boolean)
		}
		into.SetBool(b)
	case reflect.String:
		s, ok := value.(string)
		if !ok {
			return string(text)
		}
		into.SetString(s)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if !isWhole || into.OverflowInt(int64(n)) {
			return wantedNumber(isNumber && kindOf(f) == whole, into)
		}
		into.SetInt(int64(n))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if !isWhole || n < 0 || into.OverflowUint(uint64(n)) {
			return wantedNumber(isNumber && kindOf(f) == whole, into)
		}
		into.SetUint(uint64(n))
	case reflect.Float32, reflect.Float64:
		if !isNumber || into.OverflowFloat(f) {
			return wantedNumber(isNumber, into)
		}
		into.SetFloat(f)
	default:
		return "a " + into.Type().String() + ", which no JSON value is"
	}
	return ""
}

func wantedNumber(tooLarge bool, into reflect.Value) string {
	switch {
	case tooLarge:
		return "one that fits its " + into.Kind().String()
	case into.CanFloat():
		return string(number)
	}
	return string(whole)
}

func decodeList(into reflect.Value, value any, path string) error {
	items, ok := value.([]any)
	if !ok {
		return &mismatch{path, kindOf(value), string(list)}
	}
	out := reflect.MakeSlice(into.Type(), len(items), len(items))
	for i, item := range items {
		if err := decodeInto(out.Index(i), item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	into.Set(out)
	return nil
}

func decodeMap(into reflect.Value, value any, path string) error {
	items, ok := value.(map[string]any)
	if !ok || into.Type().Key().Kind() != reflect.String {
		return &mismatch{path, kindOf(value), string(object)}
	}
	out := reflect.MakeMapWithSize(into.Type(), len(items))
	for name, item := range items {
		element := reflect.New(into.Type().Elem()).Elem()
		if err := decodeInto(element, item, path+"."+name); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), element)
	}
	into.Set(out)
	return nil
}

// decodeStruct fills the fields that an object names. Names that no field has are left
// out, as those that a newer version of the program knows.
func decodeStruct(into reflect.Value, value map[string]any, path string) error {
	for i := range into.NumField() {
		field := into.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
			if err := decodeStruct(into.Field(i), value, path); err != nil {
				return err
			}
			continue
		case !field.IsExported() || name == "-":
			continue
		case name == "":
			name = field.Name
		}
		item, ok := value[name]
		if !ok {
			continue
		}
		if err := decodeInto(into.Field(i), item, path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// unmarshalItself decodes into a type that knows how, as netip.Addr or slog.Level.
func unmarshalItself(into reflect.Value, value any) (itself bool, err error) {
	if !into.CanAddr() || into.Type().PkgPath() == "" {
		return false, nil
	}
	target := into.Addr().Interface()
	if s, isText := value.(string); isText {
		if u, ok := target.(encoding.TextUnmarshaler); ok {
			return true, u.UnmarshalText([]byte(s))
		}
	}
	u, ok := target.(json.Unmarshaler)
	if !ok || value == nil {
		return false, nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return true, err
	}
	return true, u.UnmarshalJSON(data)
}
