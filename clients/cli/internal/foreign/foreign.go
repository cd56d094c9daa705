// Package foreign reads configuration as other tools keep it: texts by name. Its errors
// name the line, where a format has lines, and show no value.
package foreign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The formats.
const (
	Env        = "env"        // NAME=value lines, as of Docker and shells
	Properties = "properties" // of Java
	ConfigMap  = "configmap"  // a manifest of Kubernetes
	Consul     = "consul"     // what 'consul kv export' prints
)

// Formats are all of them.
func Formats() []string { return []string{Env, Properties, ConfigMap, Consul} }

// maxFile bounds what is read.
const maxFile = 10 << 20

// Read reads texts by key.
func Read(format string, r io.Reader) (map[string]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, errors.New("it has more than 10 MiB; accepted: less")
	case !utf8.Valid(text):
		return nil, errors.New("it is not UTF-8")
	}
	switch format {
	case Env:
		return readEnv(string(text))
	case Properties:
		return readProperties(string(text))
	case ConfigMap:
		return readConfigMap(text)
	case Consul:
		return readConsul(text)
	}
	return nil, fmt.Errorf("there is no format %q", format)
}

// collected are texts by key, each there once.
type collected map[string]string

func (c collected) put(line int, key, value string) error {
	if _, ok := c[key]; ok {
		return fmt.Errorf("line %d: %q is there twice", line, key)
	}
	c[key] = value
	return nil
}

var variable = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

func readEnv(text string) (map[string]string, error) {
	out := collected{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if name = strings.TrimSpace(name); !ok || !variable.MatchString(name) {
			return nil, fmt.Errorf("line %d: is no NAME=value", n) // a name may be part of a value here
		}
		value, err := envValue(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err := out.put(n, name, value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func envValue(s string) (string, error) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		value, _, _ := strings.Cut(s, " #")
		return strings.TrimSpace(value), nil
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == s[0]:
			if rest := strings.TrimSpace(s[i+1:]); rest != "" && rest[0] != '#' {
				return "", errors.New("has more text after the closing quote")
			}
			return out.String(), nil
		case c == '\\' && s[0] == '"' && i+1 < len(s):
			i++
			out.WriteByte(escaped(s[i]))
		default:
			out.WriteByte(c)
		}
	}
	return "", errors.New("has a quote that is not closed; accepted: a value on one line")
}

// escaped is the byte that a letter behind a backslash stands for.
func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'f':
		return '\f'
	}
	return c
}

func readProperties(text string) (map[string]string, error) {
	out := collected{}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		first := i + 1
		line := strings.TrimLeft(lines[i], blanks)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continues(line) && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + strings.TrimLeft(lines[i], blanks)
		}
		key, value, err := property(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", first, err)
		}
		if err := out.put(first, key, value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const blanks = " \t\f"

// property parts a line at the first =, : or blank that is not escaped.
func property(line string) (key, value string, err error) {
	at := 0
	for at < len(line) && !strings.ContainsRune("=:"+blanks, rune(line[at])) {
		if line[at] == '\\' && at+1 < len(line) {
			at++
		}
		at++
	}
	value = strings.TrimLeft(line[at:], blanks)
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], blanks)
	}
	if key, err = unescaped(line[:at]); err != nil {
		return "", "", err
	}
	value, err = unescaped(value)
	return key, value, err
}

// continues says whether a line ends with a backslash that is not itself escaped.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

func unescaped(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			out.WriteByte(s[i])
		case s[i+1] == 'u':
			if i+6 > len(s) {
				return "", errors.New(`has a \u without four digits`)
			}
			r, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
			if err != nil || r >= 0xd800 && r < 0xe000 {
				return "", errors.New(`has a \u that is no character`)
			}
			out.WriteRune(rune(r))
			i += 5
		default:
			i++
			out.WriteByte(escaped(s[i]))
		}
	}
	return out.String(), nil
}

func readConfigMap(text []byte) (map[string]string, error) {
	var manifest struct {
		Kind       string            `yaml:"kind"`
		Data       map[string]string `yaml:"data"`
		BinaryData map[string]string `yaml:"binaryData"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&manifest); err != nil {
		return nil, fmt.Errorf("it is no manifest (%s)", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	switch {
	case manifest.Kind != "ConfigMap":
		return nil, fmt.Errorf("it is of the kind %q; accepted: ConfigMap", manifest.Kind)
	case len(manifest.BinaryData) > 0:
		return nil, errors.New("it has binaryData, which no value can hold; accepted: data")
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has several documents; accepted: one")
	}
	return manifest.Data, nil
}

func readConsul(text []byte) (map[string]string, error) {
	var pairs []struct{ Key, Value string }
	if err := json.Unmarshal(text, &pairs); err != nil {
		return nil, errors.New("it is not what 'consul kv export' prints; accepted: a JSON list of key and value")
	}
	out := collected{}
	for n, p := range pairs {
		value, err := base64.StdEncoding.DecodeString(p.Value)
		if err != nil || !utf8.Valid(value) {
			return nil, fmt.Errorf("the value of %q is no text in base64", p.Key)
		}
		if strings.HasSuffix(p.Key, "/") && len(value) == 0 {
			continue // a folder
		}
		if err := out.put(n+1, strings.ReplaceAll(p.Key, "/", "."), string(value)); err != nil {
			return nil, err
		}
	}
	return out, nil
}
