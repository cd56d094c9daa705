package endpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Bounds of the requests that change configuration and look at its history.
const (
	maxChanges        = 4000
	maxMessageBytes   = 4 << 10
	maxRequestIDBytes = 128
	maxPlanHashBytes  = 64
	maxAuthorBytes    = 256
	maxVersionPage    = 1000
	maxEntryPage      = 10_000
	maxNamed          = 20   // environments of one commit
	maxWriteToken     = 1024 // above any page token this service has ever given out
)

// validateWrite returns what is wrong with a request that changes configuration or looks
// at its history. Values are judged where they are taken out.
func validateWrite(req any) error {
	switch r := req.(type) {
	case *adminv1.CommitRequest:
		return first(anyNamespace(r), anyEnvironment("environment", r.GetEnvironment(), true), changes(r),
			expectedVersions(r), message(r.GetMessage(), true), requestID(r.GetRequestId()), planHash(r.GetPlanHash()),
			acceptedRisks(r.GetAcceptedRisks(), r.GetPlanHash()))
	case *adminv1.RollbackRequest:
		return first(anyScopeOf(r), version("to_version", r.GetToVersion(), 1), version("expected_version", r.GetExpectedVersion(), 0),
			message(r.GetMessage(), false), requestID(r.GetRequestId()), planHash(r.GetPlanHash()),
			acceptedRisks(r.GetAcceptedRisks(), r.GetPlanHash()))
	case *adminv1.ListVersionsRequest:
		return first(anyScopeOf(r), keyIfAny("key", r.GetKey()), bytesOf("author", r.GetAuthor(), maxAuthorBytes),
			size("page_size", r.GetPageSize(), maxVersionPage), bytesOf("page_token", r.GetPageToken(), maxWriteToken))
	case *adminv1.GetVersionRequest:
		return first(anyScopeOf(r), version("version", r.GetVersion(), 0))
	case *adminv1.DiffRequest:
		return first(anyNamespace(r), anyEnvironment("environment", r.GetEnvironment(), true),
			side(r, "from", r.GetFrom()), side(r, "to", r.GetTo()))
	case *adminv1.GetScopeRequest:
		return first(anyScopeOf(r), keyIfAny("prefix", r.GetPrefix()),
			size("page_size", r.GetPageSize(), maxEntryPage), bytesOf("page_token", r.GetPageToken(), maxWriteToken))
	case *adminv1.PutSchemaRequest:
		if r.GetSchema() == nil {
			return fault.Field("schema", errors.New("is not given; accepted: an object of JSON Schema 2020-12"))
		}
		return first(aService(r), everyEnvironment(r), expectedRevision(r.ExpectedRevision))
	case *adminv1.GetSchemaRequest:
		return first(aService(r), anyEnvironment("environment", r.GetEnvironment(), true))
	case *adminv1.DeleteSchemaRequest:
		return first(aService(r), everyEnvironment(r), expectedRevision(r.ExpectedRevision))
	case *adminv1.ListNamespacesRequest:
		if r.GetNamespace() != "" {
			if err := anyNamespace(r); err != nil {
				return err
			}
		}
		return first(anyEnvironment("environment", r.GetEnvironment(), true),
			size("page_size", r.GetPageSize(), maxVersionPage), bytesOf("page_token", r.GetPageToken(), maxWriteToken))
	}
	return nil
}

// environmentsOf are the environments that the changes of a commit name, in order; at most
// maxNamed of them.
func environmentsOf(req any) []string {
	r, ok := req.(*adminv1.CommitRequest)
	if !ok || r.GetEnvironment() != "" {
		return nil
	}
	var names []string
	for _, c := range r.GetChanges() {
		if at, found := slices.BinarySearch(names, c.GetEnvironment()); !found && len(names) < maxNamed {
			names = slices.Insert(names, at, c.GetEnvironment())
		}
	}
	return names
}

// anyNamespace is the name of a service, or the reserved one.
func anyNamespace(r scoped) error {
	if ns := r.GetNamespace(); ns != snapshot.SharedNamespace {
		if err := snapshot.CheckNamespace(ns); err != nil {
			return fault.Field("namespace", fmt.Errorf("%w, or %s", err, snapshot.SharedNamespace))
		}
	}
	return nil
}

// anyEnvironment is the name of an environment, or the reserved one, or, where it may be
// left out, none.
func anyEnvironment(field, name string, optional bool) error {
	if name == snapshot.AllEnvironments || optional && name == "" {
		return nil
	}
	if err := snapshot.CheckEnvironment(name); err != nil {
		return fault.Field(field, fmt.Errorf("%w, or %s", err, snapshot.AllEnvironments))
	}
	return nil
}

func anyScopeOf(r scoped) error {
	return first(anyNamespace(r), anyEnvironment("environment", r.GetEnvironment(), false))
}

// aService is the name of a service: nothing else has a schema.
func aService(r scoped) error {
	if err := snapshot.CheckNamespace(r.GetNamespace()); err != nil {
		return fault.Field("namespace", err)
	}
	return nil
}

func everyEnvironment(r scoped) error {
	if e := r.GetEnvironment(); e != "" && e != snapshot.AllEnvironments {
		return fault.Field("environment", fmt.Errorf("is %s; accepted: none, or %s: a schema is for every environment", snapshot.Quote(e), snapshot.AllEnvironments))
	}
	return nil
}

// oneOf is the environment of a part of a request: its own, or that of all of it.
func oneOf(field, own, all string) (string, error) {
	switch {
	case all == "":
		return own, anyEnvironment(field, own, false)
	case own != "" && own != all:
		return "", fault.Field(field, fmt.Errorf("is %s while the request's environment is %s; accepted: none, or that one; or no environment of the request", snapshot.Quote(own), snapshot.Quote(all)))
	}
	return all, nil
}

func changes(r *adminv1.CommitRequest) error {
	if n := len(r.GetChanges()); n == 0 || n > maxChanges {
		return fault.Field("changes", fmt.Errorf("has %d changes; accepted: 1 to %d", n, maxChanges))
	}
	type place struct{ environment, key string }
	seen := make(map[place]int, len(r.GetChanges()))
	for i, c := range r.GetChanges() {
		field := fmt.Sprintf("changes[%d]", i)
		environment, err := oneOf(field+".environment", c.GetEnvironment(), r.GetEnvironment())
		if err != nil {
			return err
		}
		if err := key(field+".key", c.GetKey()); err != nil {
			return err
		}
		switch op := c.GetOperation().(type) {
		case nil:
			return fault.Field(field, fmt.Errorf("does nothing with key %s; accepted: set or delete", c.GetKey()))
		case *adminv1.Change_Delete:
			if !op.Delete {
				return fault.Field(field+".delete", errors.New("is false; accepted: true, or set"))
			}
		}
		at := place{environment, c.GetKey()}
		if before, twice := seen[at]; twice {
			return fault.Field(field, fmt.Errorf("is for key %s of %s, as changes[%d] is; accepted: each key of an environment once", c.GetKey(), environment, before))
		}
		seen[at] = i
	}
	return nil
}

func expectedVersions(r *adminv1.CommitRequest) error {
	for environment, v := range r.GetExpectedVersions() {
		field := "expected_versions[" + snapshot.Quote(environment) + "]"
		if _, err := oneOf(field, environment, r.GetEnvironment()); err != nil {
			return err
		}
		if err := version(field, v, 0); err != nil {
			return err
		}
	}
	return nil
}

func side(r *adminv1.DiffRequest, field string, s *adminv1.DiffRequest_Side) error {
	if s == nil {
		return fault.Field(field, errors.New(`is not given; accepted: an environment, a version, or both; {} is what the request's environment holds now`))
	}
	if _, err := oneOf(field+".environment", s.GetEnvironment(), r.GetEnvironment()); err != nil {
		return err
	}
	return version(field+".version", s.GetVersion(), 0)
}

func version(field string, v, least int64) error {
	if v < least {
		accepted := "a version, from 1 on"
		if least == 0 {
			accepted = "0 or a version"
		}
		return fault.Field(field, fmt.Errorf("is %d; accepted: %s", v, accepted))
	}
	return nil
}

func message(s string, required bool) error {
	const accepted = "accepted: why this is done, in 1 to 4096 bytes without control characters but line breaks and tabs"
	switch {
	case required && strings.TrimSpace(s) == "":
		return fault.Field("message", errors.New("is empty; "+accepted))
	case len(s) > maxMessageBytes:
		return fault.Field("message", fmt.Errorf("has %d bytes; %s", len(s), accepted))
	}
	for i, c := range s {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0 || c == utf8.RuneError {
			return fault.Field("message", fmt.Errorf("has a control character at byte %d; %s", i, accepted))
		}
	}
	return nil
}

func requestID(s string) error {
	const accepted = "accepted: 1 to 128 letters, digits, '.', '_' and '-'"
	if len(s) > maxRequestIDBytes {
		return fault.Field("request_id", fmt.Errorf("has %d bytes; %s", len(s), accepted))
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return fault.Field("request_id", fmt.Errorf("%s is malformed at byte %d; %s", snapshot.Quote(s), i, accepted))
		}
	}
	return nil
}

func planHash(s string) error {
	return bytesOf("plan_hash", s, maxPlanHashBytes)
}

// acceptedRisks are kinds of findings, each once. Whether the plan needs them is seen later.
func acceptedRisks(kinds []adminv1.Finding_Kind, plan string) error {
	for i, kind := range kinds {
		field := fmt.Sprintf("accepted_risks[%d]", i)
		_, known := adminv1.Finding_Kind_name[int32(kind)]
		switch {
		case !known || kind == adminv1.Finding_KIND_UNSPECIFIED:
			return fault.Field(field, fmt.Errorf("is %d, which is no kind of a finding; accepted: the kinds of the findings of a dry run with needs_acceptance", kind))
		case slices.Contains(kinds[:i], kind):
			return fault.Field(field, fmt.Errorf("is %s again; accepted: each kind once", kind))
		}
	}
	if len(kinds) > 0 && plan == "" {
		return fault.Field("accepted_risks", errors.New("is given without plan_hash; accepted: both, so that nothing is accepted that a dry run did not show"))
	}
	return nil
}

func keyIfAny(field, k string) error {
	if k == "" {
		return nil
	}
	return key(field, k)
}

func size(field string, n, most int32) error {
	if n < 0 || n > most {
		return fault.Field(field, fmt.Errorf("is %d; accepted: 1 to %d, or 0 for the default", n, most))
	}
	return nil
}

func bytesOf(field, s string, most int) error {
	if len(s) > most {
		return fault.Field(field, fmt.Errorf("has %d bytes; accepted: at most %d", len(s), most))
	}
	return nil
}

func expectedRevision(revision *int64) error {
	if revision != nil && *revision < 0 {
		return fault.Field("expected_revision", fmt.Errorf("is %d; accepted: Schema.revision, or 0 for none", *revision))
	}
	return nil
}
