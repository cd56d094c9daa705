package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/schema"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// schemaFile is the schema of a service, in the folder of its scopes.
const schemaFile = "schema.json"

const inFolder = folder + "/NAMESPACE/ENVIRONMENT.yaml and " + folder + "/NAMESPACE/" + schemaFile

// folderReader is a folder while it is read. One goroutine owns it.
type folderReader struct {
	*wanted
	root     string
	of       where // what is asked for; empty names: all
	problems []string
}

// readFolder reads all files of a folder; of narrows it. With an environment no schemas are
// read: they are for every environment.
func (f *source) readFolder(of where) (*wanted, error) {
	r := &folderReader{
		root: f.path, of: of,
		wanted: &wanted{scopes: map[where]tree.Content{}, schemas: map[string]*structpb.Value{}, paths: map[where]string{}},
	}
	if filepath.Base(r.root) != folder {
		r.root = filepath.Join(r.root, folder)
	}
	err := filepath.WalkDir(r.root, r.visit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("--file is %q, which has no folder %s; accepted: a folder with %s", f.path, folder, inFolder)
	case err != nil:
		return nil, usage("--file is %q, which cannot be read (%v)", f.path, err)
	case len(r.problems) > 0:
		return nil, usage("%s", strings.Join(r.problems, "\n"))
	case len(r.scopes) == 0 && len(r.schemas) == 0:
		return nil, usage("--file is %q, which has no file for this; accepted: a folder with %s", f.path, inFolder)
	}
	return r.wanted, nil
}

func (r *folderReader) refuse(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *folderReader) visit(path string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	below, err := filepath.Rel(r.root, path)
	if err != nil {
		return err
	}
	parts := strings.Split(filepath.ToSlash(below), "/")
	extension := filepath.Ext(path)
	switch {
	case entry.IsDir():
	case entry.Type()&fs.ModeSymlink != 0 && leadsToFolder(path): // left out, all in it would be pruned
		r.refuse("%s: is a link to a folder; accepted: a folder", path)
	case len(parts) == 2 && parts[1] == schemaFile:
		r.readSchema(path, parts[0])
	case extension == ".yaml" && len(parts) == 2:
		r.readScope(path, where{parts[0], strings.TrimSuffix(parts[1], extension)})
	case extension == ".yaml" || extension == ".yml":
		r.misplaced(path)
	case parts[len(parts)-1] == schemaFile:
		r.refuse("%s: is not at %s/NAMESPACE/%s; accepted: only there", path, folder, schemaFile)
	}
	return nil
}

// misplaced is a file that is at no place for one; it could be taken for that of a scope
// that has one already.
func (r *folderReader) misplaced(path string) {
	if at, ok := whereOf(path); ok {
		right := filepath.Join(r.root, at.namespace, at.environment+".yaml")
		if _, err := os.Stat(right); err == nil {
			r.refuse("%s: names the scope %s, as %s does; accepted: one file for a scope, at %s/NAMESPACE/ENVIRONMENT.yaml", path, at, right, folder)
			return
		}
	}
	r.refuse("%s: is not at %s/NAMESPACE/ENVIRONMENT.yaml; accepted: only there", path, folder)
}

func (r *folderReader) readScope(path string, at where) {
	if err := checkNames(at); err != nil {
		r.refuse("%s: %v", path, err)
		return
	}
	if r.of.namespace != "" && at.namespace != r.of.namespace || r.of.environment != "" && at.environment != r.of.environment {
		return
	}
	content, err := (&tool{}).readFile(path, at.namespace)
	if err != nil {
		r.refuse("%s", err)
	}
	r.scopes[at], r.paths[at] = content, path
}

func (r *folderReader) readSchema(path, namespace string) {
	switch {
	case r.of.namespace != "" && namespace != r.of.namespace || r.of.environment != "":
		return
	case namespace == "_shared":
		r.refuse("%s: is a schema of _shared, which the schemas of all services judge; accepted: none", path)
		return
	}
	if err := checkNames(where{namespace, "_all"}); err != nil {
		r.refuse("%s: %v", path, err)
		return
	}
	text, err := (&tool{}).readSchema(path)
	if err != nil {
		r.refuse("%s", err)
		return
	}
	if _, err := schema.Compile(text); err != nil {
		r.refuse("%s: %v", path, err)
	}
	r.schemas[namespace] = text
}

// checkNames says why names are not those of a scope. What has such names is a path as well,
// and leads nowhere else.
func checkNames(at where) error {
	const accepted = "accepted: 1 to 63 of a-z, 0-9 and '-', not starting or ending with '-'"
	switch {
	case at.namespace != "_shared" && !labelForm.MatchString(at.namespace):
		return fmt.Errorf("%q is no name of a service; %s, or _shared", at.namespace, accepted)
	case at.environment != "_all" && !labelForm.MatchString(at.environment):
		return fmt.Errorf("%q is no name of an environment; %s, or _all", at.environment, accepted)
	}
	return nil
}

func leadsToFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// stepsOf makes steps to what a source says. With prune what a folder does not have goes:
// scopes, and, unless an environment is asked for, schemas.
func (s *session) stepsOf(of *where, from *source) ([]*step, error) {
	asked := *of
	want, err := from.read(s.tool, of)
	if err != nil {
		return nil, err
	}
	if from.prune && from.isFolder() {
		heads, err := s.heads(asked)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			at := where{h.GetNamespace(), h.GetEnvironment()}
			if _, ok := want.scopes[at]; !ok {
				want.scopes[at] = tree.Content{}
			}
		}
		if asked.environment == "" {
			want.noOtherSchemas()
		}
	}
	return s.stepsTo(want, from.prune)
}

// noOtherSchemas makes services without a schema those that are to have none.
func (w *wanted) noOtherSchemas() {
	for at := range w.scopes {
		if _, ok := w.schemas[at.namespace]; !ok && at.namespace != "_shared" {
			w.schemas[at.namespace] = nil
		}
	}
}

// stepsTo makes the steps that bring scopes and schemas to what is wanted.
func (s *session) stepsTo(want *wanted, prune bool) ([]*step, error) {
	now := map[string]map[string]*scopeNow{}
	changes := map[string][]*adminv1.Change{}
	for _, at := range slices.SortedFunc(maps.Keys(want.scopes), inOrderOfNames) {
		scope, err := s.scope(at)
		if err != nil {
			return nil, err
		}
		if now[at.namespace] == nil {
			now[at.namespace] = map[string]*scopeNow{}
		}
		now[at.namespace][at.environment] = scope
		changes[at.namespace] = append(changes[at.namespace], scope.changesTo(want.scopes[at], prune)...)
	}
	names := map[string]bool{}
	for namespace := range now {
		names[namespace] = true
	}
	for namespace := range want.schemas {
		names[namespace] = true
	}
	var steps []*step
	for _, namespace := range slices.Sorted(maps.Keys(names)) {
		more, err := s.stepsToService(want, namespace, changes[namespace], now[namespace])
		if err != nil {
			return nil, err
		}
		steps = append(steps, more...)
	}
	return steps, nil
}

func inOrderOfNames(a, b where) int {
	return strings.Compare(a.namespace+"/"+a.environment, b.namespace+"/"+b.environment)
}

func (s *session) stepsToService(want *wanted, namespace string, changes []*adminv1.Change, now map[string]*scopeNow) ([]*step, error) {
	var st *step
	if schema, ok := want.schemas[namespace]; ok {
		of := where{namespace: namespace}
		for _, environment := range slices.Sorted(maps.Keys(now)) {
			of.environment = environment
			break
		}
		var err error
		if st, err = s.schemaStep(of, schema); err != nil {
			return nil, err
		}
	}
	switch schemaChanges := st != nil && st.schema.changes(); {
	case schemaChanges && len(changes) > 0:
		return s.arranged(st, changes, now)
	case schemaChanges:
		return []*step{st}, nil
	case len(changes) > 0:
		return s.stepsFor(namespace, changes, now, expectedOf(now))
	}
	return nil, nil
}
