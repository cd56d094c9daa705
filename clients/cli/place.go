package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/secretfile"
	"github.com/config-service/config-service/clients/cli/internal/show"
)

// place is where a token goes: a file, or standard output.
type place struct {
	path string
	file *secretfile.File // nil: standard output
}

// How the file of a place comes to be.
var (
	creating  = secretfile.Create
	replacing = secretfile.Replace
)

// newPlace makes sure, before there is a token, that it can be written.
func newPlace(path string, how func(string) (*secretfile.File, error)) (*place, error) {
	if path == "" {
		return &place{}, nil
	}
	file, err := how(path)
	if err != nil {
		return nil, usage("--token-out is %q, which %v", path, err)
	}
	return &place{path, file}, nil
}

// discard takes back what newPlace made, unless a token is in it.
func (p *place) discard() {
	if p.file != nil {
		p.file.Discard()
	}
}

// put writes the token to the file; if that fails it is printed, rather than lost.
func (p *place) put(cmd *cobra.Command, token string) error {
	if p.file == nil {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), token)
		return err
	}
	if err := p.file.Write([]byte(token + "\n")); err != nil {
		_, _ = fmt.Fprintln(cmd.OutOrStdout(), token) // nothing is left to be done
		return &problem.Error{
			Exit:    problem.Failed,
			Message: fmt.Sprintf("--token-out is %q, which %v", p.path, err),
			Next:    "the token was printed to standard output instead; it is shown only this once",
		}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "the token is in %s\n", p.path)
	return nil
}

// handOver gives an answer with a token to who asked for it: as a table the token alone,
// else the whole answer. A token that went to a file is not in what is printed.
func (t *tool) handOver(cmd *cobra.Command, p *place, answer proto.Message, token *string) error {
	if p.file == nil && t.format != show.Table {
		return show.Message(cmd.OutOrStdout(), t.format, answer)
	}
	if err := p.put(cmd, *token); err != nil {
		return err
	}
	if t.format == show.Table {
		return nil
	}
	*token = ""
	return show.Message(cmd.OutOrStdout(), t.format, answer)
}
