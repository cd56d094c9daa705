package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scenario is one document of a file in scenarios/. README.md tells what the fields
// and the steps mean.
type scenario struct {
	Name  string   `yaml:"name"`
	Why   string   `yaml:"why"`
	Holds []string `yaml:"holds"`
	Waits bool     `yaml:"waits"`
	Steps []step   `yaml:"steps"`

	file string
	text string // the document as it stands in the file
}

// write is what one transaction does to one layer.
type write struct {
	Set    map[string]any    `yaml:"set"`
	Raw    map[string]string `yaml:"raw"`
	Delete []string          `yaml:"delete"`
	Layer  string            `yaml:"layer"`
}

// step is one action with its modifiers and, of a client's action, the expectation. A
// yaml.Node tells a null that is there from nothing.
type step struct {
	write  `yaml:",inline"`
	Commit []write `yaml:"commit"`
	As     string  `yaml:"as"`

	Sidecar   string `yaml:"sidecar"`
	Namespace string `yaml:"namespace"`
	CacheDir  bool   `yaml:"cache_dir"`
	Tokens    string `yaml:"tokens"`
	Policy    string `yaml:"policy"`
	Unready   bool   `yaml:"unready"`
	Etcd      string `yaml:"etcd"`
	Network   string `yaml:"network"`
	Bytes     int    `yaml:"bytes"`
	Dials     int    `yaml:"dials"`
	NotBefore int    `yaml:"not_before"`
	Arrived   bool   `yaml:"arrived"`
	Schema    string `yaml:"schema"`

	Write  string         `yaml:"write"`
	Text   string         `yaml:"text"`
	JSON   map[string]any `yaml:"json"`
	Mode   string         `yaml:"mode"`
	Kind   string         `yaml:"kind"`
	Remove string         `yaml:"remove"`
	File   string         `yaml:"file"`

	Open      *open     `yaml:"open"`
	Get       string    `yaml:"get"`
	Default   yaml.Node `yaml:"default"`
	Type      string    `yaml:"type"`
	Contains  string    `yaml:"contains"`
	Snapshot  *string   `yaml:"snapshot"`
	Detail    string    `yaml:"detail"`
	WaitReady *float64  `yaml:"wait_ready"`
	Status    yaml.Node `yaml:"status"`
	OnChange  string    `yaml:"on_change"`
	ID        int       `yaml:"id"`
	Behave    string    `yaml:"behave"`
	OffChange int       `yaml:"off_change"`
	Client    string    `yaml:"client"`
	Answer    bool      `yaml:"answer"`

	Events       []map[string]any `yaml:"events"`
	Told         []map[string]any `yaml:"told"`
	NoMoreEvents bool             `yaml:"no_more_events"`
	Log          string           `yaml:"log"`
	NoMoreLogs   bool             `yaml:"no_more_logs"`

	Expect          yaml.Node `yaml:"expect"`
	Eventually      yaml.Node `yaml:"eventually"`
	Before          yaml.Node `yaml:"before"`
	Error           string    `yaml:"error"`
	EventuallyError string    `yaml:"eventually_error"`
	Says            []string  `yaml:"says"`
	Repeat          int       `yaml:"repeat"`
	Async           bool      `yaml:"async"`
	Within          int       `yaml:"within"`

	action string
	line   int
}

// open is what a client is opened with.
type open struct {
	URL         *string           `yaml:"url"`
	Addr        *string           `yaml:"addr"`
	Namespace   string            `yaml:"namespace"`
	Environment string            `yaml:"environment"`
	Timeout     *float64          `yaml:"timeout"`
	CacheFile   string            `yaml:"cache_file"`
	TokenFile   string            `yaml:"token_file"`
	Env         map[string]string `yaml:"env"`
}

// actions are the fields of a step of which each has exactly one; a transaction may
// have set, raw and delete together.
var actions = []string{
	"set", "raw", "delete", "commit", "sidecar", "etcd", "network", "dials", "arrived", "schema", "write", "remove", "file",
	"open", "get", "contains", "snapshot", "detail", "wait_ready", "status", "on_change", "off_change", "client",
	"answer", "events", "told", "no_more_events", "log", "no_more_logs",
}

var transaction = []string{"set", "raw", "delete"}

// load reads and checks all scenarios. Those that wait most come first.
func load(folder string) ([]*scenario, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var all []*scenario
	names := map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, text := range documents(string(content)) {
			s, err := decode(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if names[s.Name] {
				return nil, fmt.Errorf("%s: there are two scenarios %q", file, s.Name)
			}
			names[s.Name] = true
			s.file = filepath.Base(file)
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *scenario) int {
		switch {
		case a.Waits && !b.Waits:
			return -1
		case b.Waits && !a.Waits:
			return 1
		}
		return 0
	})
	return all, nil
}

// documents splits a file at its `---`, and keeps the numbers of the lines.
func documents(content string) []string {
	var all []string
	lines := 0
	for text := range strings.SplitSeq(content, "\n---\n") {
		all = append(all, strings.Repeat("\n", lines)+text)
		lines += strings.Count(text, "\n") + 2
	}
	return all
}

// decode reads one scenario strictly.
func decode(text string) (*scenario, error) {
	s := &scenario{text: text}
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one document", s.Name)
	}
	var tree struct {
		Steps []yaml.Node `yaml:"steps"`
	}
	if err := yaml.NewDecoder(bytes.NewReader([]byte(text))).Decode(&tree); err != nil {
		return nil, err
	}
	if s.Name == "" || s.Why == "" || len(s.Holds) == 0 || len(s.Steps) == 0 {
		return nil, fmt.Errorf("%q: name, why, holds and steps are required", s.Name)
	}
	for i := range s.Steps {
		if err := s.Steps[i].name(&tree.Steps[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return s, nil
}

// name finds out which action the step is.
func (s *step) name(node *yaml.Node) error {
	s.line = node.Line
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i].Value
		if !slices.Contains(actions, key) {
			continue
		}
		if s.action != "" && !(slices.Contains(transaction, key) && slices.Contains(transaction, s.action)) {
			return fmt.Errorf("line %d: both %s and %s", s.line, s.action, key)
		}
		s.action = key
	}
	if s.action == "" {
		return fmt.Errorf("line %d: no action; there are %s", s.line, strings.Join(actions, ", "))
	}
	if slices.Contains(transaction, s.action) {
		s.action, s.Commit = "commit", []write{s.write}
	}
	return nil
}

// needsOwnEtcd says whether the scenario does what others on the same etcd would see.
func (s *scenario) needsOwnEtcd() bool {
	return slices.ContainsFunc(s.Steps, func(st step) bool {
		return st.action == "etcd" || slices.ContainsFunc(st.Commit, func(w write) bool { return w.Layer == "SHARED" })
	})
}

// has says whether one of the steps is this action.
func (s *scenario) has(actions ...string) bool {
	return slices.ContainsFunc(s.Steps, func(st step) bool { return slices.Contains(actions, st.action) })
}

// fill returns the scenario with its ${variables} filled in.
func (s *scenario) fill(variables map[string]string) (*scenario, error) {
	var missing []string
	text := os.Expand(s.text, func(name string) string {
		value, ok := variables[name]
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: unknown variables %v", s.Name, missing)
	}
	filled, err := decode(text)
	if err != nil {
		return nil, err
	}
	filled.file = s.file
	return filled, nil
}

// given returns what a node says; false when it is not there.
func given(node yaml.Node) (any, bool, error) {
	if node.IsZero() {
		return nil, false, nil
	}
	var v any
	if err := node.Decode(&v); err != nil {
		return nil, false, err
	}
	if kind := reflect.TypeOf(v); kind != nil && kind.Kind() == reflect.Map && kind.Key().Kind() != reflect.String {
		return nil, false, fmt.Errorf("line %d: keys must be strings", node.Line)
	}
	return v, true, nil
}
