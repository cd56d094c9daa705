package endpoint

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Bounds of WatchRequest.checkpoint_interval.
const (
	minCheckpointInterval = time.Second
	maxCheckpointInterval = 5 * time.Minute
)

// scoped is every request that is about a namespace and an environment.
type scoped interface {
	proto.Message
	GetNamespace() string
	GetEnvironment() string
}

// validate returns what is wrong with a request, or nil. A message that it does not
// know passes: whether its method may be called is decided by policy.
func validate(req any) error {
	if m, ok := req.(proto.Message); ok {
		if err := decoded(m); err != nil {
			return err
		}
	}
	switch r := req.(type) {
	case *configv1.GetRequest:
		return first(scope(r), key("key", r.GetKey()), minRevision(r.GetMinRevision()))
	case *configv1.ListRequest:
		return first(scope(r), prefix(r.GetPrefix()), keys(r.GetKeys()), minRevision(r.GetMinRevision()))
	case *configv1.WatchRequest:
		return first(scope(r), prefix(r.GetPrefix()), keys(r.GetKeys()), resume(r), checkpointInterval(r))
	case *configv1.ExplainRequest:
		return first(scope(r), key("key", r.GetKey()))
	case *configv1.GetStatusRequest:
		return scope(r)
	case *configv1.CanIRequest:
		return first(action(r.GetAction()), place(r))
	case *adminv1.RegisterServiceRequest:
		return fullScope(r)
	case *adminv1.RotateTokenRequest:
		return first(fullScope(r), overlap(r.GetOverlap()))
	case *adminv1.RevokeServiceRequest:
		return fullScope(r)
	case *adminv1.ListServicesRequest:
		return first(scope(r), pageSize(r.GetPageSize()), pageToken(r.GetPageToken()))
	case *adminv1.DeleteServiceRequest:
		return first(fullNamespace(r), oneEnvironmentOrAll(r))
	}
	return validateWrite(req)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func scope(r scoped) error {
	if ns := r.GetNamespace(); ns != "" {
		if err := snapshot.CheckNamespace(ns); err != nil {
			return fault.Field("namespace", err)
		}
	}
	if env := r.GetEnvironment(); env != "" {
		if err := snapshot.CheckEnvironment(env); err != nil {
			return fault.Field("environment", err)
		}
	}
	return nil
}

// fullScope is a scope of which both names are given.
func fullScope(r scoped) error {
	if err := fullNamespace(r); err != nil {
		return err
	}
	if err := snapshot.CheckEnvironment(r.GetEnvironment()); err != nil {
		return fault.Field("environment", err)
	}
	return nil
}

func oneEnvironmentOrAll(r *adminv1.DeleteServiceRequest) error {
	switch {
	case !r.GetAllEnvironments():
		return fullScope(r)
	case r.GetEnvironment() != "":
		return fault.Field("all_environments", errors.New("is true beside an environment; accepted: one of them"))
	}
	return nil
}

func fullNamespace(r scoped) error {
	if err := snapshot.CheckNamespace(r.GetNamespace()); err != nil {
		return fault.Field("namespace", err)
	}
	return nil
}

// place is scope for a question about what the caller may do: the reserved names are
// places too.
func place(r *configv1.CanIRequest) error {
	if ns := r.GetNamespace(); ns != "" && ns != snapshot.SharedNamespace {
		if err := snapshot.CheckNamespace(ns); err != nil {
			return fault.Field("namespace", fmt.Errorf("%w, or %s", err, snapshot.SharedNamespace))
		}
	}
	if env := r.GetEnvironment(); env != "" && env != snapshot.AllEnvironments {
		if err := snapshot.CheckEnvironment(env); err != nil {
			return fault.Field("environment", fmt.Errorf("%w, or %s", err, snapshot.AllEnvironments))
		}
	}
	return nil
}

func action(a configv1.Action) error {
	const accepted = "accepted: READ, WRITE, ADMINISTER, READ_SENSITIVE"
	if a == configv1.Action_ACTION_UNSPECIFIED {
		return fault.Field("action", errors.New("is missing; "+accepted))
	}
	if _, ok := configv1.Action_name[int32(a)]; !ok {
		return fault.Field("action", fmt.Errorf("is %d; %s", a, accepted))
	}
	return nil
}

// maxOverlap is how long tokens may go on beside a newer one.
const maxOverlap = 720 * time.Hour

func overlap(d *durationpb.Duration) error {
	if d == nil {
		return nil
	}
	if v := d.AsDuration(); d.CheckValid() != nil || v < 0 || v > maxOverlap {
		return fault.Field("overlap", errors.New("is out of range; accepted: 0s to 2592000s (720 h), as in 3600s"))
	}
	return nil
}

// maxPage is how many services a page may hold.
const maxPage = 1000

func pageSize(n int32) error {
	if n < 0 || n > maxPage {
		return fault.Field("page_size", fmt.Errorf("is %d; accepted: 1 to %d, or 0 for the default", n, maxPage))
	}
	return nil
}

// maxPageTokenBytes is above any page token this service has ever given out.
const maxPageTokenBytes = 512

func pageToken(s string) error {
	if len(s) > maxPageTokenBytes {
		return fault.Field("page_token", fmt.Errorf("has %d bytes; accepted: next_page_token of the page before", len(s)))
	}
	return nil
}

func key(field, k string) error {
	if err := snapshot.CheckKey(k); err != nil {
		return fault.Field(field, err)
	}
	return nil
}

func prefix(p string) error {
	if p == "" {
		return nil
	}
	return key("prefix", p)
}

func keys(ks []string) error {
	if err := snapshot.CheckSelectedKeys(len(ks)); err != nil {
		return fault.Field("keys", err)
	}
	for i, k := range ks {
		if err := key("keys["+strconv.Itoa(i)+"]", k); err != nil {
			return err
		}
	}
	return nil
}

func minRevision(r int64) error {
	if r < 0 {
		return fault.Field("min_revision", fmt.Errorf("is %d; accepted: 0 or a revision", r))
	}
	return nil
}

func resume(r *configv1.WatchRequest) error {
	p := r.GetResume()
	switch {
	case p == nil:
		return nil
	case p.GetEpoch() == "":
		return fault.Field("resume.epoch", fmt.Errorf("is empty; accepted: state.epoch of the last message"))
	case len(p.GetEpoch()) > maxEpochBytes:
		return fault.Field("resume.epoch", fmt.Errorf("has %d bytes; accepted: state.epoch of the last message", len(p.GetEpoch())))
	case p.GetRevision() <= 0:
		return fault.Field("resume.revision", fmt.Errorf("is %d; accepted: state.revision of the last message", p.GetRevision()))
	}
	return nil
}

// maxEpochBytes is above any epoch this service has ever given out.
const maxEpochBytes = 128

func checkpointInterval(r *configv1.WatchRequest) error {
	d := r.GetCheckpointInterval()
	if d == nil {
		return nil
	}
	if v := d.AsDuration(); d.CheckValid() != nil || v < minCheckpointInterval || v > maxCheckpointInterval {
		return fault.Field("checkpoint_interval", fmt.Errorf("is out of range; accepted: %s to %s, as in 15s", minCheckpointInterval, maxCheckpointInterval))
	}
	return nil
}
