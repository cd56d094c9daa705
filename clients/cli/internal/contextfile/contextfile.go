// Package contextfile is the file in which a person keeps the servers that configctl talks
// to: contexts, each with a name. There are no secrets in it.
package contextfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/secretfile"
)

// The settings of a context, as they are written in the file.
const (
	Address     = "address"
	Namespace   = "namespace"
	Environment = "environment"
	TokenFile   = "token_file"
	CAFile      = "ca_file"
	CertFile    = "cert_file"
	KeyFile     = "key_file"
	TLS         = "tls"
	Timeout     = "timeout"
)

var settings = []string{Address, Namespace, Environment, TokenFile, CAFile, CertFile, KeyFile, TLS, Timeout}

// Settings lists the settings.
func Settings() []string { return slices.Clone(settings) }

// IsPath says whether a setting is the path of a file.
func IsPath(setting string) bool { return strings.HasSuffix(setting, "_file") }

// Context is the settings of one, by name; one that is not set is not there. Paths are
// absolute, or as they are written if there is nothing to start from.
type Context map[string]string

// File is the file, or what one would be that is not there. One goroutine owns it.
type File struct {
	Path     string
	Current  string
	contexts map[string]Context
	names    []string // in the order of the file
	document *yaml.Node
}

// maxFile is more than anybody's contexts.
const maxFile = 1 << 20

// Open reads a file; one that is not there has no contexts. Home is what ~ stands for in its
// paths. Errors name file and line.
func Open(path, home string) (*File, error) {
	f := &File{Path: path, contexts: map[string]Context{}}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read (%w)", path, reasonOf(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: cannot be read (%w)", path, reasonOf(err))
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s: has more than 1 MiB; accepted: less", path)
	}
	return f, f.parse(text, home)
}

func reasonOf(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (f *File) parse(text []byte, home string) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := dec.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil // there is nothing in it
	case err != nil:
		return fmt.Errorf("%s: is no YAML: %s", f.Path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: has a second document; accepted: one", f.Path)
	}
	f.document = &document
	var current *yaml.Node
	err := f.each(document.Content[0], "the file", []string{"current", "contexts"}, func(name string, value *yaml.Node) error {
		if name == "contexts" {
			return f.readContexts(value, home)
		}
		current = value
		return nil
	})
	switch {
	case err != nil || current == nil:
		return err
	case current.Kind != yaml.ScalarNode:
		return f.wrong(current, "current is no text; accepted: the name of a context")
	case current.ShortTag() == "!!null" || current.Value == "":
		return nil
	}
	if f.Current = current.Value; f.contexts[f.Current] == nil {
		return f.wrong(current, "current is %q, which is no context; accepted: %s", f.Current, f.accepted())
	}
	return nil
}

func (f *File) accepted() string {
	if len(f.names) == 0 {
		return "none, for there are none"
	}
	return strings.Join(f.names, ", ")
}

func (f *File) wrong(at *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", f.Path, at.Line, fmt.Sprintf(format, args...))
}

// each walks a map, of which the names may be known.
func (f *File) each(n *yaml.Node, what string, known []string, do func(string, *yaml.Node) error) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return f.wrong(n, "%s is no map; accepted: a map", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		switch {
		case name.Kind != yaml.ScalarNode || known != nil && !slices.Contains(known, name.Value):
			return f.wrong(name, "%q is no setting of %s; accepted: %s%s", name.Value, what, strings.Join(known, ", "), hint(name.Value))
		case seen[name.Value]:
			return f.wrong(name, "%q is there twice", name.Value)
		}
		seen[name.Value] = true
		if err := do(name.Value, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func hint(name string) string {
	if strings.Contains(name, "token") || strings.Contains(name, "password") {
		return " (a secret stands in a file of its own, which token_file names)"
	}
	return ""
}

func (f *File) readContexts(n *yaml.Node, home string) error {
	return f.each(n, "contexts", nil, func(name string, value *yaml.Node) error {
		if err := CheckName(name); err != nil {
			return f.wrong(value, "the name %q of a context %v", name, err)
		}
		c := Context{}
		f.contexts[name], f.names = c, append(f.names, name)
		return f.each(value, "the context "+name, settings, func(setting string, value *yaml.Node) error {
			if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
				return f.wrong(value, "%s has no value; accepted: a text, or leave it out", setting)
			}
			if setting == TLS && value.ShortTag() != "!!bool" {
				return f.wrong(value, "tls is %q; accepted: true, false", value.Value)
			}
			c[setting] = value.Value
			if IsPath(setting) {
				c[setting] = f.absolute(value.Value, home)
			}
			return nil
		})
	})
}

// absolute is a path of the file: from where the file is, or from home.
func (f *File) absolute(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.Path), path)
}

// CheckName says why a context cannot be called so, or nil. The error begins with a verb.
func CheckName(name string) error {
	const most = 64
	bad := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._@+-", r))
	}
	if name == "" || len(name) > most || strings.ContainsFunc(name, bad) {
		return errors.New("is malformed; accepted: 1 to 64 of a-z, A-Z, 0-9 and . _ - @ +")
	}
	return nil
}

// Names are the contexts, in the order of the file.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Context is one of them.
func (f *File) Context(name string) (Context, error) {
	if c, ok := f.contexts[name]; ok {
		return c, nil
	}
	return nil, fmt.Errorf("is no context of %s; accepted: %s", f.Path, f.accepted())
}

// Use makes a context the current one.
func (f *File) Use(name string) error {
	if _, err := f.Context(name); err != nil {
		return err
	}
	f.Current = name
	put(f.root(), "current", scalar("!!str", name))
	return nil
}

// Set changes settings of a context, which is made if there is none; an empty value takes a
// setting out. The first context becomes the current one.
func (f *File) Set(name string, values map[string]string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	root := f.root()
	contexts := below(root, "contexts")
	own := below(contexts, name)
	if f.contexts[name] == nil {
		f.contexts[name], f.names = Context{}, append(f.names, name)
	}
	for _, setting := range settings {
		value, ok := values[setting]
		switch {
		case !ok:
		case value == "":
			take(own, setting)
			delete(f.contexts[name], setting)
		default:
			put(own, setting, scalar(map[bool]string{true: "!!bool", false: "!!str"}[setting == TLS], value))
			f.contexts[name][setting] = value
		}
	}
	if len(f.names) == 1 && f.Current == "" {
		return f.Use(name)
	}
	return nil
}

// Delete takes a context out. When it is the current one, there is none afterwards.
func (f *File) Delete(name string) error {
	if _, err := f.Context(name); err != nil {
		return err
	}
	take(below(f.root(), "contexts"), name)
	delete(f.contexts, name)
	f.names = slices.DeleteFunc(f.names, func(n string) bool { return n == name })
	if f.Current == name {
		f.Current = ""
		take(f.root(), "current")
	}
	return nil
}

// Save writes the file, for its owner only. What stood in it otherwise, comments too, stays.
func (f *File) Save() error {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(f.root()); err != nil {
		return fmt.Errorf("%s: cannot be written (%w)", f.Path, err)
	}
	path := f.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("%s: cannot be made (%w)", filepath.Dir(path), reasonOf(err))
	}
	file, err := secretfile.Replace(path)
	if err == nil {
		err = file.Write(out.Bytes())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// root is the map that the file is.
func (f *File) root() *yaml.Node {
	if f.document == nil {
		f.document = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	if n := f.document.Content[0]; n.Kind != yaml.MappingNode {
		*n = yaml.Node{Kind: yaml.MappingNode}
	}
	return f.document.Content[0]
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

func find(n *yaml.Node, name string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// below is a map in a map, which is made if there is none.
func below(n *yaml.Node, name string) *yaml.Node {
	at := find(n, name)
	if at < 0 {
		put(n, name, &yaml.Node{Kind: yaml.MappingNode})
		at = find(n, name)
	}
	if n.Content[at+1].Kind != yaml.MappingNode {
		n.Content[at+1] = &yaml.Node{Kind: yaml.MappingNode}
	}
	n.Content[at+1].Style = 0
	return n.Content[at+1]
}

func put(n *yaml.Node, name string, value *yaml.Node) {
	if at := find(n, name); at >= 0 {
		value.LineComment = n.Content[at+1].LineComment
		n.Content[at+1] = value
		return
	}
	n.Content = append(n.Content, scalar("!!str", name), value)
}

func take(n *yaml.Node, name string) {
	if at := find(n, name); at >= 0 {
		n.Content = slices.Delete(n.Content, at, at+2)
	}
}
