package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) schemaCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "schema",
		Short: "Say what the configuration of a service has to be",
		Long: `Say what the configuration of a service has to be, in every environment: by a JSON Schema. It judges
what applications get, all layers together, as a tree: the key database.pool is the property pool of
the object database. A change that would violate what is kept now is refused.`,
	}, t.getSchemaCommand(), t.putSchemaCommand(), t.deleteSchemaCommand())
}

func (t *tool) getSchemaCommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "get",
		Short: "Print the schema of a service",
		Long: `Print the schema of a service as JSON, the same schema always as the same text; 'configctl schema put'
reads it. With -o json or -o yaml print the answer: also who put it there, and when. Exit code 3:
there is none.`,
		Example: `  configctl schema get -n payment-service > schema.json
  configctl schema get -n payment-service -o json`,
		Args: cobra.NoArgs,
	}
	of.addNamespace(cmd)
	cmd.Flags().StringVarP(&of.environment, "environment", "e", "", "An environment that you may read. Default: _all. [ENVIRONMENT]")
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.checkService(); err != nil {
			return err
		}
		resp, err := s.schema(of)
		switch {
		case err != nil:
			return err
		case resp.GetSchema() == nil:
			return noSchema(of)
		case s.machine():
			return show.Message(s.out(), s.format, resp)
		}
		return show.Document(s.out(), tree.JSON(resp.GetSchema().GetSchema()))
	})
	return cmd
}

func (t *tool) putSchemaCommand() *cobra.Command {
	var of where
	var yes, dryRun bool
	cmd := &cobra.Command{
		Use:   "put FILE|-",
		Short: "Give a service a schema, in place of the one it has",
		Long: `Give a service a schema, in place of the one it has. FILE is JSON Schema as JSON, 2020-12 unless its
$schema names another draft; - is standard input. What the configuration of now violates is shown
first; then it asks, unless --yes. That refuses neither the schema nor later changes: these are
refused for what they violate anew.

A property with "x-sensitive": true is masked for callers without READ_SENSITIVE.`,
		Example: `  configctl schema put schema.json -n payment-service
  configctl schema put schema.json -n payment-service --dry-run
  configctl schema get -n payment-service | configctl schema put - -n order-service --yes`,
		Args: cobra.ExactArgs(1),
	}
	of.addNamespace(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "Show what is violated, and do nothing.")
	addYes(cmd, &yes)
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.checkService(); err != nil {
			return err
		}
		schema, err := t.readSchema(args[0])
		if err != nil {
			return err
		}
		return s.giveSchema(of, schema, yes, dryRun)
	})
	return cmd
}

func (t *tool) deleteSchemaCommand() *cobra.Command {
	var of where
	var yes, dryRun bool
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Remove the schema of a service",
		Long: `Remove the schema of a service: its configuration may be anything then, and nothing of it is masked.
It asks, unless --yes. Exit code 3: there is none.`,
		Example: `  configctl schema delete -n payment-service
  configctl schema delete -n payment-service --yes`,
		Args: cobra.NoArgs,
	}
	of.addNamespace(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "Show what is deleted, and do nothing.")
	addYes(cmd, &yes)
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.checkService(); err != nil {
			return err
		}
		st, err := s.schemaStep(where{namespace: of.namespace}, nil)
		switch {
		case err != nil:
			return err
		case !st.schema.changes():
			return noSchema(of)
		}
		return s.carryOutSchema(st, fmt.Sprintf("Delete the schema of %s?", of.namespace), yes, dryRun)
	})
	return cmd
}

// checkService says what is missing to know of which service a schema is.
func (w where) checkService() error {
	switch w.namespace {
	case "":
		return usage("--namespace (SERVICE_NAME) is not set; accepted: the name of a service")
	case "_shared":
		return usage("--namespace (SERVICE_NAME) is \"_shared\", which the schemas of all services judge; accepted: the name of a service")
	}
	return nil
}

// readSchema reads a schema from a file, or from standard input. What it means the server judges.
func (t *tool) readSchema(path string) (*structpb.Value, error) {
	in, name := t.in, "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, usage("FILE is %q, which cannot be read (%v)", path, reasonOf(err))
		}
		defer file.Close()
		in, name = file, path
	}
	schema, err := tree.ReadJSON(name, in)
	if err != nil {
		return nil, usage("%v", err)
	}
	switch schema.GetKind().(type) {
	case *structpb.Value_StructValue, *structpb.Value_BoolValue:
		return schema, nil
	}
	return nil, usage("%s:1: is no schema; accepted: JSON Schema as JSON: an object, true or false", name)
}

// schema asks for the schema of a service.
func (s *session) schema(of where) (*adminv1.GetSchemaResponse, error) {
	ctx, cancel := s.within()
	defer cancel()
	resp, err := s.admin.GetSchema(ctx, &adminv1.GetSchemaRequest{Namespace: of.namespace, Environment: of.environment})
	if err != nil {
		return nil, s.refused(err)
	}
	return resp, nil
}

// carryOutSchema shows how a schema changes and what is violated, asks, and does it, if the
// schema is then still the one that was shown.
func (s *session) carryOutSchema(st *step, question string, yes, dryRun bool) error {
	if err := s.planSchema(st); err != nil {
		return err
	}
	if err := s.showSchema(s.cmd.ErrOrStderr(), s.errPaper, st); err != nil {
		return err
	}
	if dryRun {
		s.say("nothing was done: this is a dry run")
		return s.answer([]proto.Message{st.schema.plan})
	}
	if err := s.confirm(s.cmd, yes, question); err != nil {
		return err
	}
	answer, words, err := s.changeSchema(st)
	if err != nil {
		return err
	}
	s.say("done: %s", words)
	return s.answer([]proto.Message{answer})
}

// giveSchema gives a service a schema.
func (s *session) giveSchema(of where, schema *structpb.Value, yes, dryRun bool) error {
	st, err := s.schemaStep(where{namespace: of.namespace}, schema)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Give %s this schema?", of.namespace)
	if old := st.schema.old; old != nil {
		s.say("%s has a schema, by %s at %s", of.namespace, show.Printable(old.GetAuthor()), show.Time(old.GetTime(), "-"))
		question = fmt.Sprintf("Replace the schema of %s?", of.namespace)
	}
	if !st.schema.changes() {
		s.say("nothing to change")
		return s.answer([]proto.Message{&adminv1.PutSchemaResponse{Schema: st.schema.old}})
	}
	return s.carryOutSchema(st, question, yes, dryRun)
}

// putSchema is one call, which may be a dry run.
func (s *session) putSchema(of where, req *adminv1.PutSchemaRequest) (*adminv1.PutSchemaResponse, error) {
	ctx, cancel := s.within()
	defer cancel()
	resp, err := s.admin.PutSchema(ctx, req)
	switch {
	case err == nil:
		return resp, nil
	case req.GetDryRun() && status.Code(err) != codes.Aborted:
		return nil, s.refused(err)
	}
	return nil, s.refusedSchema(of, err)
}

// showViolations prints what the configuration of now does not keep.
func (s *session) showViolations(of where, found []*adminv1.Violation) error {
	if len(found) == 0 {
		heads, err := s.heads(of)
		if err == nil && len(heads) == 0 {
			s.say("note: there is no configuration of %s yet, as far as you may read: nothing was judged, and 'configctl namespaces' does not list it", of.namespace)
		} else {
			s.say("the configuration of %s keeps this schema", of.namespace)
		}
		return nil
	}
	s.say("the configuration of %s violates this schema:", of.namespace)
	rows := [][]string{{"SERVICE", "ENVIRONMENT", "KEY", "RULE", "IN THE SCHEMA"}}
	for _, v := range found {
		rows = append(rows, []string{
			v.GetNamespace(), v.GetEnvironment(), orDash(show.Printable(v.GetKey())), show.Printable(v.GetRule()), show.Printable(v.GetLocation()),
		})
	}
	if err := show.Fitted(s.cmd.ErrOrStderr(), s.errPaper, rows); err != nil {
		return err
	}
	s.say("note: a value that is violated now may stay; changes are refused for what they violate anew")
	return nil
}

// refusedSchema is a call that may have changed the schema of a service.
func (s *session) refusedSchema(of where, err error) error {
	look := "configctl schema get -n " + of.namespace
	e := problem.Of(problem.Call{Addr: s.server.Addr, TLS: s.server.SpeaksTLS(), Err: err, Write: true, Look: look})
	if e.Exit == problem.Conflict {
		e.Next = "nothing was done: it is not the schema that was shown; '" + look + "' shows it; the same command again shows the difference to it"
	}
	return e
}

func noSchema(of where) error {
	return withNext(problem.Newf(problem.NotFound, "%s has no schema", of.namespace), "'configctl schema put' gives it one")
}
