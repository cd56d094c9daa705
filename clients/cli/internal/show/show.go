// Package show prints answers: for people as a table, for programs as JSON or YAML.
package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The formats.
const (
	Table = "table"
	JSON  = "json"
	YAML  = "yaml"
)

// Formats are all of them.
var formats = []string{Table, JSON, YAML}

// Formats lists the formats.
func Formats() []string { return slices.Clone(formats) }

// Message prints a message with the names of the contract.
func Message(w io.Writer, format string, m proto.Message) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	var out bytes.Buffer
	if format == YAML {
		out.Write(text)
		if text, err = asYAML(out.Bytes()); err != nil {
			return err
		}
		return print(w, text)
	}
	if err := json.Indent(&out, text, "", "  "); err != nil { // also evens out the spaces of protojson
		return fmt.Errorf("encode the answer: %w", err)
	}
	out.WriteByte('\n')
	return print(w, out.Bytes())
}

// Document prints a text of JSON over several lines. What could steer a terminal stands in
// it escaped: it is within texts of JSON, where that is the same.
func Document(w io.Writer, text string) error {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	var safe bytes.Buffer
	for _, r := range out.String() {
		if r == '\n' || !steers(r) {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	safe.WriteByte('\n')
	return print(w, safe.Bytes())
}

// asYAML writes JSON, which is YAML, as people write it, in the same order.
func asYAML(text []byte) ([]byte, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	plain(&node)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&node); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return out.Bytes(), nil
}

// plain takes out the braces and quotes of JSON, also of a text that then reads as a text.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}

// Rows prints a table; the first row is its head.
func Rows(w io.Writer, rows [][]string) error {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, gap, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	var lines bytes.Buffer
	for line := range bytes.Lines(out.Bytes()) {
		lines.Write(bytes.TrimRight(line, " \n"))
		lines.WriteByte('\n')
	}
	return print(w, lines.Bytes())
}

func print(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// Time is a point of time for people; absent is what it means that there is none.
func Time(t *timestamppb.Timestamp, absent string) string {
	if t == nil {
		return absent
	}
	return t.AsTime().UTC().Format(time.RFC3339)
}

// Fitted prints a table whose last column is cut to the width of a terminal.
func Fitted(w io.Writer, p Paper, rows [][]string) error {
	if p.Width == 0 {
		return Rows(w, rows)
	}
	before := 0
	for column := range len(rows[0]) - 1 {
		widest := 0
		for _, row := range rows {
			widest = max(widest, utf8.RuneCountInString(row[column]))
		}
		before += widest + gap
	}
	for _, row := range rows {
		last := len(row) - 1
		row[last] = Cut(row[last], max(8, p.Width-before))
	}
	return Rows(w, rows)
}

// gap is between two columns.
const gap = 3

// Line prints a message as one line of JSON.
func Line(w io.Writer, m proto.Message) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil { // protojson has uneven spaces
		return fmt.Errorf("encode the answer: %w", err)
	}
	out.WriteByte('\n')
	return print(w, out.Bytes())
}
