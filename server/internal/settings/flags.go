package settings

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// AddFlags makes a flag of every field. The usage of a flag names its environment
// variable.
func (s *Settings) AddFlags(flags *pflag.FlagSet) { s.addFlags(flags, all) }

// AddStoreFlags makes a flag of every field that says how etcd is reached.
func (s *Settings) AddStoreFlags(flags *pflag.FlagSet) { s.addFlags(flags, ofStore) }

// Which settings are meant, by their flags.
func all(string) bool          { return true }
func ofStore(flag string) bool { return strings.HasPrefix(flag, "etcd-") }

func (s *Settings) addFlags(flags *pflag.FlagSet, which func(flag string) bool) {
	s.each(func(f reflect.StructField, v reflect.Value) {
		if !which(f.Tag.Get("flag")) {
			return
		}
		name, def := f.Tag.Get("flag"), f.Tag.Get("default")
		usage := fmt.Sprintf("%s [%s]", f.Tag.Get("help"), f.Tag.Get("env"))
		switch p := v.Addr().Interface().(type) {
		case *string:
			flags.StringVar(p, name, def, usage)
		case *bool:
			flags.BoolVar(p, name, def == "true", usage)
		case *int:
			n, err := strconv.Atoi(def)
			if err != nil {
				panic("settings: the default of --" + name + " is no number") // held by a test
			}
			flags.IntVar(p, name, n, usage)
		case *time.Duration:
			d, err := time.ParseDuration(def)
			if err != nil {
				panic("settings: the default of --" + name + " is no duration") // held by a test
			}
			flags.DurationVar(p, name, d, usage)
		case *[]string:
			flags.StringSliceVar(p, name, split(def), usage)
		default:
			panic("settings: no flag for the type of " + f.Name) // held by a test
		}
	})
}

// Load fills what no flag set from the environment, and checks everything. An empty
// variable counts as not set. lookup is os.LookupEnv.
func (s *Settings) Load(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	if err := s.fill(flags, lookup, all); err != nil {
		return err
	}
	return s.Check()
}

// LoadStore is Load for the flags of AddStoreFlags.
func (s *Settings) LoadStore(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	if err := s.fill(flags, lookup, ofStore); err != nil {
		return err
	}
	if err := s.checkEndpoints(); err != nil {
		return err
	}
	return s.checkTLS()
}

func (s *Settings) fill(flags *pflag.FlagSet, lookup func(string) (string, bool), which func(flag string) bool) error {
	s.explicit = map[string]bool{}
	var failed error
	s.each(func(f reflect.StructField, _ reflect.Value) {
		name, env := f.Tag.Get("flag"), f.Tag.Get("env")
		if !which(name) {
			return
		}
		if flags.Changed(name) {
			s.explicit[name] = true
			return
		}
		text, ok := lookup(env)
		if !ok || text == "" || failed != nil {
			return
		}
		s.explicit[name] = true
		// Of a list the flag would read the first line only.
		lines := f.Type.Kind() == reflect.Slice && strings.Contains(strings.TrimSpace(text), "\n")
		if err := flags.Set(name, text); err != nil || lines {
			failed = unreadable(f, text)
		}
	})
	return failed
}

// FlagError says what is wrong with a flag on the command line in the words that Load
// uses for the environment. Errors that are not about a setting's value stay as they
// are.
func (s *Settings) FlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	s.each(func(f reflect.StructField, _ reflect.Value) {
		if f.Tag.Get("flag") == invalid.GetFlag().Name {
			err = unreadable(f, invalid.GetValue())
		}
	})
	return err
}

func unreadable(f reflect.StructField, text string) error {
	return wrong(f.Tag.Get("flag"), f.Tag.Get("env"), "is %s; accepted: %s", snapshot.Quote(text), accepted(f.Type))
}

func (s *Settings) each(do func(reflect.StructField, reflect.Value)) {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			do(f, v.Field(i))
		}
	}
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func accepted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[bool]():
		return "true or false"
	case reflect.TypeFor[int]():
		return "a whole number"
	case reflect.TypeFor[time.Duration]():
		return "a duration, as in 30s"
	case reflect.TypeFor[[]string]():
		return "a list, separated by commas"
	}
	return "text"
}
