package identity

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// TokenEntry is one entry of the file of tokens, CONFIG_TOKENS_FILE: a list in YAML.
//
//   - {id: k3f9x2, digest: "sha256:<64 hex>", service: payment-service, environment: production}
//   - {id: alice1, digest: "sha256:...", user: alice, expires: 2027-01-01T00:00:00Z}
//
// A service may have several tokens: that is how one follows another without a gap.
type TokenEntry struct {
	// ID is the token's own, between cs_ and the secret; 4 to 32 of a-z and 0-9. No other
	// entry has it.
	ID string
	// Digest is sha256: and the SHA-256 of the whole token in hexadecimal.
	Digest string
	// Service and Environment say whose token it is; or User does, for a person or a
	// program that is no service.
	Service     string
	Environment string
	User        string
	// Expires is when the token ends, as in 2027-01-01T00:00:00Z. Optional.
	Expires string
}

// fields are where the file's names go.
func (e *TokenEntry) fields() map[string]*string {
	return map[string]*string{
		"id": &e.ID, "digest": &e.Digest, "service": &e.Service, "environment": &e.Environment, "user": &e.User, "expires": &e.Expires,
	}
}

const acceptedFields = "accepted: id, digest, service with environment, or user, and expires"

// ParseTokens makes the tokens of a file. Its error is one line, names entry and line,
// and quotes nothing that could be a secret.
func ParseTokens(text []byte) (*Tokens, error) {
	list, err := parseList(text)
	if err != nil {
		return nil, err
	}
	tokens, lines := newTokens(), map[string]int{}
	for i, node := range list {
		at := fmt.Sprintf("line %d, entry %d", node.Line, i+1)
		entry, err := parseEntry(node)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		known, err := entry.known()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		if before, ok := lines[entry.ID]; ok {
			return nil, fmt.Errorf("%s: has the id %s of the entry in line %d; accepted: an id once", at, entry.ID, before)
		}
		lines[entry.ID] = node.Line
		tokens.byID[entry.ID] = known
	}
	return tokens, nil
}

var (
	yamlLine  = regexp.MustCompile(`line [0-9]+`)
	tokenLike = regexp.MustCompile(tokenPrefix + `[A-Za-z0-9]+_[A-Za-z0-9]{8}`)
)

// parseList returns the nodes of the list. They are looked at one by one, because what the
// library says of values quotes them.
func parseList(text []byte) ([]*yaml.Node, error) {
	const accepted = "accepted: a list of entries, [] for none"
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	switch err := dec.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("holds no entry; " + accepted)
	case err != nil:
		where := "holds what is no YAML"
		if m := yamlLine.FindString(err.Error()); m != "" {
			where = m + ": is no YAML"
		}
		return nil, errors.New(where + "; " + accepted)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one document; " + accepted)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.SequenceNode {
		return nil, errors.New("holds no list; " + accepted)
	}
	return document.Content[0].Content, nil
}

func parseEntry(node *yaml.Node) (*TokenEntry, error) {
	if node.Kind != yaml.MappingNode {
		return nil, errors.New("is no entry; " + acceptedFields)
	}
	entry := &TokenEntry{}
	fields, seen := entry.fields(), map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		field := fields[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || field == nil:
			return nil, fmt.Errorf("has %s; %s", unknownField(key), acceptedFields)
		case seen[key.Value]:
			return nil, fmt.Errorf("has %s twice; accepted: once", key.Value)
		case value.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("has %s with something else than a text; accepted: one line of text", key.Value)
		}
		seen[key.Value] = true
		if value.Tag != "!!null" {
			*field = value.Value
		}
	}
	return entry, nil
}

// unknownField names a field that there is not, unless it could be a token that stands
// in the wrong place.
func unknownField(key *yaml.Node) string {
	if len(key.Value) > len("environment")+3 || tokenLike.MatchString(key.Value) || key.Kind != yaml.ScalarNode {
		return "a field that there is not"
	}
	return "the field " + snapshot.Quote(key.Value)
}

// known checks an entry. Values that are not good are not quoted: each could be a token
// in the wrong place.
func (e *TokenEntry) known() (*knownToken, error) {
	for _, name := range slices.Sorted(maps.Keys(e.fields())) {
		if tokenLike.MatchString(*e.fields()[name]) {
			return nil, fmt.Errorf("has a token as its %s, which no file should hold: revoke it; accepted: as digest, sha256: and what 'printf %%s TOKEN | sha256sum' prints", name)
		}
	}
	if !isTokenID(e.ID) {
		return nil, errors.New("id is missing or malformed; accepted: 4 to 32 of a-z and 0-9, the middle part of the token")
	}
	known := &knownToken{}
	sum, isDigest := strings.CutPrefix(e.Digest, digestPrefix)
	if n, err := hex.Decode(known.digest[:], []byte(sum[:min(len(sum), 2*len(known.digest))])); !isDigest || err != nil || len(sum) != 2*n || n != len(known.digest) {
		return nil, fmt.Errorf("(id %s): digest is missing or malformed; accepted: sha256: and 64 hexadecimal digits", e.ID)
	}
	who := &Identity{Kind: Token, Namespace: e.Service, Environment: e.Environment, User: e.User, Credential: e.ID}
	if err := e.checkNames(); err != nil {
		return nil, fmt.Errorf("(id %s): %w", e.ID, err)
	}
	if e.Expires != "" {
		var err error
		if who.Expires, err = time.Parse(time.RFC3339, e.Expires); err != nil {
			return nil, fmt.Errorf("(id %s): expires is no time; accepted: as in 2027-01-01T00:00:00Z", e.ID)
		}
	}
	known.who = who
	return known, nil
}

func (e *TokenEntry) checkNames() error {
	const label = "accepted: 1 to 63 of a-z, 0-9 and '-', not starting or ending with '-'"
	switch {
	case e.User != "" && (e.Service != "" || e.Environment != ""):
		return errors.New("has user beside service or environment; accepted: one or the other")
	case e.User == "" && e.Service == "":
		return errors.New("says nobody whose it is; accepted: service with environment, or user")
	case e.User != "":
		if CheckUser(e.User) != nil {
			return errors.New("user is malformed; " + acceptedUser)
		}
		return nil
	case snapshot.CheckNamespace(e.Service) != nil:
		return errors.New("service is malformed; " + label)
	case snapshot.CheckEnvironment(e.Environment) != nil:
		return errors.New("environment is missing or malformed; " + label)
	}
	return nil
}

const acceptedUser = "accepted: 1 to 64 of a-z, A-Z, 0-9 and . _ - @ +, starting with a letter or digit"

// CheckUser says why s is not the name of a user, or nil.
func CheckUser(s string) error {
	if s == "" || len(s) > 64 || !isAlphanumeric(s[:1]) || strings.Trim(s, "._-@+") == "" {
		return fmt.Errorf("%s is malformed; %s", snapshot.Quote(s), acceptedUser)
	}
	if !isAlphanumeric(strings.NewReplacer(".", "", "_", "", "-", "", "@", "", "+", "").Replace(s)) {
		return fmt.Errorf("%s is malformed; %s", snapshot.Quote(s), acceptedUser)
	}
	return nil
}
