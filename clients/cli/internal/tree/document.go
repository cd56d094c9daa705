package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/types/known/structpb"
)

// maxDocument is more than any value, however it is laid out.
const maxDocument = 1 << 20

// ReadJSON reads a file that holds one value as JSON, as strictly as ParseJSON. Name is
// what its errors call it: `name:line: what`.
func ReadJSON(name string, r io.Reader) (*structpb.Value, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: cannot be read: %w", name, err)
	case len(text) > maxDocument:
		return nil, fmt.Errorf("%s: has more than 1 MiB; accepted: less", name)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, fmt.Errorf("%s:1: is empty; accepted: JSON", name)
	}
	v, at, err := parseJSON(text)
	if err == nil {
		if err = checkValue(v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return v, nil
	}
	if errors.Is(err, errNotJSON) { // what could not be read comes next
		at += len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n,:"))
		err = fmt.Errorf("%w; accepted: JSON, without comments", err)
	}
	return nil, fmt.Errorf("%s:%d: %w", name, lineAt(text, at), err)
}

// lineAt is the line of a place in a text; the end belongs to the last line.
func lineAt(text []byte, at int) int {
	before := text[:at]
	if at == len(text) {
		before = bytes.TrimRight(before, "\r\n")
	}
	return 1 + bytes.Count(before, []byte("\n"))
}
