package main

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/foreign"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) importCommand() *cobra.Command {
	var of where
	var i intent
	var from, prefix string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "import --from FORMAT FILE",
		Short: "Set keys from a file of another tool",
		Long: `Set keys from a file of another tool; - is standard input. FORMAT is one of:

  env          NAME=value lines, as of Docker and shells
  properties   of Java
  configmap    a manifest of Kubernetes: its data
  consul       what 'consul kv export' prints; a / in a key becomes a dot

Names become keys as they stand. Every value is a text; with --json those that are JSON, as 20 or
true, are taken as that. Keys that the file does not have stay.` + planFirst,
		Example: `  configctl import --from env .env -n payment-service -e production -m "from .env"
  consul kv export app/ | configctl import --from consul - -n app -e production -m move --yes`,
		Args: cobra.ExactArgs(1),
	}
	of.addFlags(cmd)
	i.addFlags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "Format of the file: "+strings.Join(foreign.Formats(), ", ")+". Required.")
	_ = cmd.MarkFlagRequired("from") // fails only for no such flag
	cmd.Flags().StringVar(&prefix, "below", "", "Key to put all keys below.")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Take values that are JSON as that.")
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		if !slices.Contains(foreign.Formats(), from) {
			return usage("--from is %q; accepted: %s", from, strings.Join(foreign.Formats(), ", "))
		}
		texts, err := t.readForeign(from, args[0])
		if err != nil {
			return err
		}
		changes, err := imported(of, prefix, texts, asJSON)
		if err != nil {
			return err
		}
		return s.change(of, changes, nil, i)
	})
	return cmd
}

func (t *tool) readForeign(format, path string) (map[string]string, error) {
	in := t.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, usage("FILE is %q, which cannot be read (%v)", path, reasonOf(err))
		}
		defer file.Close()
		in = file
	}
	texts, err := foreign.Read(format, in)
	switch {
	case err != nil:
		return nil, usage("FILE is %q, which is no usable %s: %v", path, format, err)
	case len(texts) == 0:
		return nil, usage("FILE is %q, which holds nothing; accepted: a file with values", path)
	}
	return texts, nil
}

func imported(of where, prefix string, texts map[string]string, asJSON bool) ([]*adminv1.Change, error) {
	var changes []*adminv1.Change
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		key := name
		if prefix != "" {
			key = prefix + "." + name
		}
		if err := tree.CheckKey(key); err != nil {
			return nil, usage("the name %q of the file makes a key that %v", key, err)
		}
		value := structpb.NewStringValue(texts[name])
		if asJSON {
			if v, err := tree.ParseJSON([]byte(texts[name])); err == nil {
				value = v
			}
		}
		changes = append(changes, setting(of.environment, key, value))
	}
	return changes, nil
}
