package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// schemaChange is what a step does to the schema of a service.
type schemaChange struct {
	old  *adminv1.Schema // nil: there is none
	new  *structpb.Value // nil: it is deleted
	plan *adminv1.PutSchemaResponse
	// ends are what the configuration violates in the end, in words, where it changes as
	// well; told says whether that is known. Else the plan tells what is violated now.
	ends []string
	told bool
}

// changes says whether the schema changes.
func (c *schemaChange) changes() bool {
	if c.new == nil || c.old == nil {
		return c.new != nil || c.old != nil
	}
	return !tree.Equal(c.old.GetSchema(), c.new)
}

// schemaStep is the step to a schema, or to none. Of is the service in an environment that
// the caller may read, or in none.
func (s *session) schemaStep(of where, wanted *structpb.Value) (*step, error) {
	now, err := s.schema(of)
	if err != nil {
		return nil, err
	}
	return &step{namespace: of.namespace, schema: &schemaChange{old: now.GetSchema(), new: wanted}}, nil
}

// planSchema lets the server judge a schema.
func (s *session) planSchema(st *step) error {
	st.schema.plan = &adminv1.PutSchemaResponse{}
	if st.schema.new == nil {
		return nil
	}
	var err error
	st.schema.plan, err = s.putSchema(where{namespace: st.namespace}, &adminv1.PutSchemaRequest{
		Namespace: st.namespace, Schema: st.schema.new, DryRun: true, ExpectedRevision: proto.Int64(st.schema.old.GetRevision()),
	})
	return err
}

// changeSchema does it, if the schema is still the one that was shown.
func (s *session) changeSchema(st *step) (answer proto.Message, words string, err error) {
	of, revision := where{namespace: st.namespace}, proto.Int64(st.schema.old.GetRevision())
	if st.schema.new != nil {
		resp, err := s.putSchema(of, &adminv1.PutSchemaRequest{Namespace: st.namespace, Schema: st.schema.new, ExpectedRevision: revision})
		return resp, fmt.Sprintf("%s has this schema", st.namespace), err
	}
	ctx, cancel := s.within()
	defer cancel()
	resp, err := s.admin.DeleteSchema(ctx, &adminv1.DeleteSchemaRequest{Namespace: st.namespace, ExpectedRevision: revision})
	if err != nil {
		return nil, "", s.refusedSchema(of, err)
	}
	return resp, fmt.Sprintf("the schema of %s is deleted", st.namespace), nil
}

// showSchema prints how a schema changes, and what the configuration violates.
func (s *session) showSchema(out io.Writer, paper show.Paper, st *step) error {
	c := st.schema
	switch {
	case c.old == nil:
		fmt.Fprintf(out, "schema of %s, which has none:\n", st.namespace)
	case c.new == nil:
		fmt.Fprintf(out, "schema of %s, which is deleted:\n", st.namespace)
	default:
		fmt.Fprintf(out, "schema of %s:\n", st.namespace)
	}
	if err := show.Diff(out, paper, schemaDifferences(c.old.GetSchema(), c.new)); err != nil {
		return err
	}
	switch {
	case c.new == nil:
		return nil
	case !c.told:
		return s.showViolations(where{namespace: st.namespace}, c.plan.GetViolations())
	}
	for _, line := range c.ends[:min(len(c.ends), fewNamed)] {
		s.say("note: afterwards, %s", line)
	}
	if n := len(c.ends) - fewNamed; n > 0 {
		s.say("note: afterwards, %d more rules are violated", n)
	}
	return nil
}

// schemaDifferences are what differs between two schemas, by JSON pointer.
func schemaDifferences(old, new *structpb.Value) []*adminv1.Difference {
	before, after := map[string]*structpb.Value{}, map[string]*structpb.Value{}
	if old != nil {
		leaves("#", old, before)
	}
	if new != nil {
		leaves("#", new, after)
	}
	var out []*adminv1.Difference
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, at := range slices.Sorted(maps.Keys(all)) {
		d := &adminv1.Difference{Key: at}
		if v := before[at]; v != nil {
			d.Old = &adminv1.Content{Value: v}
		}
		if v := after[at]; v != nil {
			d.New = &adminv1.Content{Value: v}
		}
		if d.Old == nil || d.New == nil || !tree.Equal(d.GetOld().GetValue(), d.GetNew().GetValue()) {
			out = append(out, d)
		}
	}
	return out
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// leaves are the parts of a value that are no objects, by JSON pointer.
func leaves(at string, v *structpb.Value, into map[string]*structpb.Value) {
	fields := v.GetStructValue().GetFields()
	if len(fields) == 0 {
		into[at] = v
		return
	}
	for name, field := range fields {
		leaves(at+"/"+show.Printable(pointer.Replace(name)), field, into)
	}
}

// marksMore says whether a schema marks something as sensitive that another does not.
func marksMore(old, new *structpb.Value) bool {
	if old == nil {
		old = structpb.NewBoolValue(true)
	}
	for _, d := range schemaDifferences(old, new) {
		if strings.HasSuffix(d.GetKey(), "/x-sensitive") && d.GetNew().GetValue().GetBoolValue() {
			return true
		}
	}
	return false
}
