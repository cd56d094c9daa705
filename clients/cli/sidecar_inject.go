package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/inject"
	"github.com/config-service/config-service/clients/cli/internal/workload"
	"github.com/config-service/config-service/deploy"
)

func (t *tool) sidecarInjectCommand() *cobra.Command {
	var of deploy.Kubernetes
	var path string
	var inPlace bool
	cmd := &cobra.Command{
		Use:   "inject -f FILE",
		Short: "Add the sidecar to the workloads of a manifest",
		Long: `Add the sidecar to each workload of a manifest of Kubernetes, and print the manifest: to
` + workload.Kinds + `,
in any number of documents and in lists. All else stays as it is, to the byte: comments, order,
line ends. A workload that has the sidecar stays as it is too, so that a second run changes nothing;
one with the annotation ` + workload.OptOut + `: none gets none.

The service is the pod's label ` + workload.NameLabel + `; --service names it instead. Where a container
uses 8080, 9080 or 9081 itself, the sidecar moves to other ports, and CONFIG_SERVICE_URL and
CONFIG_SERVICE_ADDR tell the application. What was done goes to standard error. When one workload
cannot have it, nothing is printed, or written.`,
		Example: `  configctl sidecar inject -f deployment.yaml -w
  helm template . | configctl sidecar inject -f - | kubectl apply -f -`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "Manifest; - for standard input.")
	cmd.Flags().BoolVarP(&inPlace, "in-place", "w", false, "Write the file instead of printing it.")
	cmd.Flags().StringVar(&of.Service, "service", "", "Name that the service is registered by. Default: the pod's label "+workload.NameLabel+".")
	addKubernetesFlags(cmd.Flags(), &of)
	cmd.RunE = doing(func(cmd *cobra.Command, _ []string) error {
		if err := of.Check(); err != nil {
			return usage("%v", err)
		}
		if inPlace && path == "-" {
			return usage("--in-place goes with a file; accepted: without it for standard input")
		}
		text, name, err := t.readManifest(path)
		if err != nil {
			return err
		}
		result, err := inject.Into(text, of)
		if err != nil {
			return fmt.Errorf("%s: %s", name, strings.ReplaceAll(err.Error(), "\n", "\n"+name+": "))
		}
		tell(cmd.ErrOrStderr(), name, result.Words)
		if len(result.Words) == 0 {
			tell(cmd.ErrOrStderr(), name, []string{"no workload in it; a sidecar goes into " + workload.Kinds})
		}
		if !inPlace {
			_, err := cmd.OutOrStdout().Write(result.Text)
			return err
		}
		if bytes.Equal(result.Text, text) {
			return nil
		}
		return replaceFile(path, result.Text)
	})
	return cmd
}

// openManifest opens a regular file, or a pipe.
func openManifest(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("is a directory")}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// replaceFile gives a file another content: all of it, or none. A link stays one, and the mode
// that it is.
func replaceFile(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if e := file.Chmod(info.Mode().Perm()); err == nil {
		err = e
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // what is left of it is of no use
	}
	return err
}
