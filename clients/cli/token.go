package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/tokensfile"
)

func (t *tool) tokenCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "token",
		Short: "Make tokens with which callers show a server who they are",
		Long: `Make tokens with which callers show a server who they are: applications, and people. (The tokens with
which sidecars read the store are another thing: see 'configctl service'.)`,
	}, t.tokenNewCommand())
}

// bearer is whom a token is for, by flags.
type bearer struct {
	scope
	user    string
	expires string
	file    string // that the server reads
	to      string
}

func (t *tool) tokenNewCommand() *cobra.Command {
	var b bearer
	cmd := &cobra.Command{
		Use:   "new (--service NAME --environment NAME | --user NAME)",
		Short: "Make a token, and the entry for the server's CONFIG_TOKENS_FILE",
		Long: `Make a token with which a caller shows a server who it is, and the entry by which the server knows it.
No server is asked. The token goes to standard output or to --token-out; the entry, which holds a
digest and nothing secret, to --tokens-file, or to standard error for you to put it there. The server
takes the file (CONFIG_TOKENS_FILE) up within seconds.`,
		Example: `  configctl token new --user admin --tokens-file tokens.yaml --token-out admin.token
  configctl token new --service payment-service --environment production --expires 720h > app.token`,
		Args: cobra.NoArgs,
		RunE: doing(func(cmd *cobra.Command, _ []string) error { return b.make(cmd, time.Now()) }),
	}
	b.addFlags(cmd, "Service that the token is for.", "Environment of the service.")
	cmd.Flags().StringVar(&b.user, "user", "", "Person, or program that is no service, that the token is for.")
	cmd.Flags().StringVar(&b.expires, "expires", "", "When it ends: after a duration, as 720h, or at a time, as 2027-01-31T00:00:00Z. Default: never.")
	cmd.Flags().StringVar(&b.file, "tokens-file", "", "Add the entry to this file, which is made if there is none.")
	cmd.Flags().StringVar(&b.to, "token-out", "", "Write the token to this file, which must not exist yet, and not to standard output.")
	return cmd
}

var (
	labelForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	userForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)
)

func (b *bearer) check() error {
	const label = "accepted: 1 to 63 of a-z, 0-9 and '-', not starting or ending with '-'"
	const who = "accepted: --service with --environment, or --user"
	switch isService := b.service != "" || b.environment != ""; {
	case !isService && b.user == "":
		return usage("nobody is named; %s", who)
	case isService && b.user != "":
		return usage("--user is %q beside a service; %s", b.user, who)
	case isService && !labelForm.MatchString(b.service):
		return usage("--service is %q; %s", b.service, label)
	case isService && !labelForm.MatchString(b.environment):
		return usage("--environment is %q; %s", b.environment, label)
	case !isService && !userForm.MatchString(b.user):
		return usage("--user is %q; accepted: 1 to 64 of a-z, A-Z, 0-9 and . _ - @ +, starting with a letter or digit", b.user)
	}
	return nil
}

// ends is when the token ends; the zero time for never.
func (b *bearer) ends(now time.Time) (time.Time, error) {
	if b.expires == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, b.expires)
	if d, bad := time.ParseDuration(b.expires); bad == nil {
		at, err = now.Add(d), nil
	}
	switch {
	case err != nil:
		return at, usage("--expires is %q; accepted: a duration, as 720h, or a time, as 2027-01-31T00:00:00Z", b.expires)
	case !at.After(now):
		return at, usage("--expires is %q, which is over; accepted: a time to come", b.expires)
	}
	return at.UTC().Truncate(time.Second), nil
}

func (b *bearer) make(cmd *cobra.Command, now time.Time) error {
	if err := b.check(); err != nil {
		return err
	}
	ends, err := b.ends(now)
	if err != nil {
		return err
	}
	id, token := newToken()
	entry := b.entry(id, token, ends)
	place, err := newPlace(b.to, creating)
	if err != nil {
		return err
	}
	defer place.discard()
	if b.file == "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "the entry for CONFIG_TOKENS_FILE:\n%s\n", entry)
		return place.put(cmd, token)
	}
	if err := tokensfile.Add(b.file, id, entry); err != nil {
		return &problem.Error{Exit: problem.Usage, Message: fmt.Sprintf("--tokens-file is %q, which %v", b.file, err)}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "the token %s is added to %s\n", id, b.file)
	return place.put(cmd, token)
}

// entry is the token in the form of the server's file.
func (b *bearer) entry(id, token string, ends time.Time) string {
	whose := "user: " + scalar(b.user)
	if b.user == "" {
		whose = "service: " + scalar(b.service) + ", environment: " + scalar(b.environment)
	}
	if !ends.IsZero() {
		whose += ", expires: " + ends.Format(time.RFC3339)
	}
	return fmt.Sprintf("- {id: %s, digest: \"sha256:%x\", %s}", scalar(id), sha256.Sum256([]byte(token)), whose)
}

// scalar writes a text so that YAML does not take it for a number, a date or the like.
func scalar(text string) string {
	if (&yaml.Node{Kind: yaml.ScalarNode, Value: text}).ShortTag() != "!!str" {
		return strconv.Quote(text)
	}
	return text
}

// newToken makes a token cs_<id>_<secret>: both parts random, the secret of 130 bits.
func newToken() (id, token string) {
	const idBytes = 8
	id = strings.ToLower(rand.Text())[:idBytes]
	return id, "cs_" + id + "_" + strings.ToLower(rand.Text())
}
