// Package tokensfile adds entries to the file of digests that a server knows tokens by.
package tokensfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/secretfile"
)

const accepted = "accepted: a YAML list of tokens with one line each, or the path of a file that does not exist yet"

// Add adds an entry, one line of a YAML list. What is in the file stays as it is, with its
// comments; the file is replaced as a whole. Errors begin with a verb.
func Add(path, id, entry string) error {
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot be read (%w); %s", reasonOf(err), accepted)
	}
	list, err := parse(before)
	if err != nil {
		return err
	}
	for _, item := range list.items {
		if item.ID == id {
			return fmt.Errorf("has a token %s already; accepted: another id, so try again", id)
		}
	}
	text := bytes.Clone(before)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	text = append(text, strings.Repeat(" ", list.indent)+entry+"\n"...)
	after, err := parse(text)
	if err != nil || len(after.items) != len(list.items)+1 || after.items[len(list.items)].ID != id {
		return errors.New("is no list that a line can be added to; " + accepted)
	}
	file, err := secretfile.Replace(path)
	if err != nil {
		return err
	}
	defer file.Discard()
	if now, err := os.ReadFile(path); (err != nil && !errors.Is(err, fs.ErrNotExist)) || !bytes.Equal(now, before) {
		return errors.New("was changed by somebody else meanwhile; accepted: one at a time, so try again")
	}
	return file.Write(text)
}

// list is what is in the file.
type list struct {
	indent int // of its lines
	items  []struct {
		ID string `yaml:"id"`
	}
}

func parse(text []byte) (list, error) {
	var l list
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return l, errors.New("is no YAML; " + accepted)
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return l, nil // nothing but comments
	}
	items := doc.Content[0]
	if items.Kind != yaml.SequenceNode {
		return l, errors.New("is no list; " + accepted)
	}
	if err := items.Decode(&l.items); err != nil {
		return l, errors.New("has an entry that is none; " + accepted)
	}
	l.indent = items.Column - 1
	return l, nil
}

func reasonOf(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
