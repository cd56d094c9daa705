package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/config-service/config-service/deploy"
)

func (t *tool) sidecarCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "sidecar",
		Short: "Put the sidecar beside an application: templates, injection, checks",
		Long: `Put the sidecar beside an application: templates that are filled in, manifests that get it, and
checks of those that have it. No server is asked, and no cluster.`,
	}, t.sidecarComposeCommand(), t.sidecarKubernetesCommand(), t.sidecarHelmCommand(), t.sidecarInjectCommand(), t.sidecarCheckCommand())
}

// addKubernetesFlags are the flags of a sidecar of Kubernetes.
func addKubernetesFlags(flags *pflag.FlagSet, of *deploy.Kubernetes) {
	addPlaceFlags(flags, &of.Image, &of.Environment, &of.EtcdEndpoints, "the ConfigMap says it")
	flags.StringVar(&of.ConfigMap, "config-map", deploy.DefaultConfigMap, "ConfigMap of the platform, with environment, etcd-endpoints and ca.crt.")
	flags.StringVar(&of.TokenSecret, "token-secret", deploy.DefaultTokenSecret, "Secret with the token of the service, under the key token.")
	flags.BoolVar(&of.Plain, "plain", false, "An ordinary container, for Kubernetes before 1.29.")
}

// addPlaceFlags are those that every sidecar has.
func addPlaceFlags(flags *pflag.FlagSet, image, environment, endpoints *string, otherwise string) {
	flags.StringVar(image, "image", deploy.DefaultImage, "Image of the sidecar.")
	flags.StringVarP(environment, "environment", "e", "", "Environment of the service. Default: "+otherwise+".")
	flags.StringVar(endpoints, "etcd-endpoints", "", "Client URLs of etcd, https://HOST:PORT, separated by commas. Default: "+otherwise+".")
}

func (t *tool) sidecarComposeCommand() *cobra.Command {
	var of deploy.Compose
	cmd := &cobra.Command{
		Use:   "compose",
		Short: "Print the template for Docker Compose, filled in",
		Long: `Print the template of a sidecar for Docker Compose, filled in. What is left out stays a variable
that Compose takes from the .env file. The head of the template says what belongs into the
application's own compose.yml.`,
		Example: `  configctl sidecar compose --service payment-service --environment production \
    --etcd-endpoints https://etcd-1.example.com:2379 > sidecar-template.yml`,
		Args: cobra.NoArgs,
		RunE: doing(func(cmd *cobra.Command, _ []string) error {
			text, err := of.YAML()
			return printed(cmd.OutOrStdout(), text, err)
		}),
	}
	cmd.Flags().StringVar(&of.Service, "service", "", "Name that the service is registered by. Default: the .env file says it.")
	addPlaceFlags(cmd.Flags(), &of.Image, &of.Environment, &of.EtcdEndpoints, "the .env file says it")
	cmd.Flags().BoolVar(&of.SharedNetwork, "shared-network", false, "App and sidecar on one loopback, for an app that asks localhost and cannot be told otherwise.")
	return cmd
}

func (t *tool) sidecarKubernetesCommand() *cobra.Command {
	var of deploy.Kubernetes
	cmd := &cobra.Command{
		Use:   "kubernetes",
		Short: "Print the sidecar for a pod's spec, filled in",
		Long: `Print what the spec of a pod takes to have the sidecar: the container and its volumes. 'configctl
sidecar inject' adds it to a manifest.`,
		Example: `  configctl sidecar kubernetes --service payment-service --environment production
  configctl sidecar kubernetes --plain`,
		Args: cobra.NoArgs,
		RunE: doing(func(cmd *cobra.Command, _ []string) error {
			if err := checkPorts(of); err != nil {
				return err
			}
			text, err := of.YAML()
			return printed(cmd.OutOrStdout(), text, err)
		}),
	}
	cmd.Flags().StringVar(&of.Service, "service", "", "Name that the service is registered by. Default: the pod's label app.kubernetes.io/name.")
	addKubernetesFlags(cmd.Flags(), &of)
	addPortFlags(cmd.Flags(), &of)
	return cmd
}

func addPortFlags(flags *pflag.FlagSet, of *deploy.Kubernetes) {
	flags.IntVar(&of.HTTPPort, "http-port", deploy.DefaultHTTPPort, "Port of REST, on loopback.")
	flags.IntVar(&of.GRPCPort, "grpc-port", deploy.DefaultGRPCPort, "Port of gRPC, on loopback.")
	flags.IntVar(&of.OpsPort, "ops-port", deploy.DefaultOpsPort, "Port of metrics and health.")
}

// checkPorts says what is wrong with the ports, or nil.
func checkPorts(of deploy.Kubernetes) error {
	named := map[int]string{}
	for _, p := range []struct {
		flag string
		port int
	}{{"http-port", of.HTTPPort}, {"grpc-port", of.GRPCPort}, {"ops-port", of.OpsPort}} {
		switch {
		case p.port < 1 || p.port > 65535:
			return usage("--%s is %d; accepted: 1 to 65535", p.flag, p.port)
		case named[p.port] != "":
			return usage("--%s is %d, as --%s is; accepted: a port of its own", p.flag, p.port, named[p.port])
		}
		named[p.port] = p.flag
	}
	return nil
}

func (t *tool) sidecarHelmCommand() *cobra.Command {
	var of deploy.Kubernetes
	cmd := &cobra.Command{
		Use:   "helm",
		Short: "Print what a chart takes to have the sidecar",
		Long: `Print the dependency and the values that give the chart of an application the sidecar, and where
its templates include it.`,
		Example: `  configctl sidecar helm --service payment-service --environment production`,
		Args:    cobra.NoArgs,
		RunE: doing(func(cmd *cobra.Command, _ []string) error {
			if err := checkPorts(of); err != nil {
				return err
			}
			text, err := of.Helm()
			return printed(cmd.OutOrStdout(), text, err)
		}),
	}
	cmd.Flags().StringVar(&of.Service, "service", "", "Name that the service is registered by. Default: the pod's label app.kubernetes.io/name.")
	addKubernetesFlags(cmd.Flags(), &of)
	addPortFlags(cmd.Flags(), &of)
	return cmd
}

// printed prints a template, or says which flag it cannot be filled in with.
func printed(out io.Writer, text string, err error) error {
	if err != nil {
		return usage("%v", err)
	}
	_, err = io.WriteString(out, text)
	return err
}

// readManifest is the text of a file, or of standard input.
func (t *tool) readManifest(path string) ([]byte, string, error) {
	if path == "" {
		return nil, "", usage("--file is not set; accepted: a file, or - for standard input")
	}
	name, in := path, t.in
	if path == "-" {
		name = "standard input"
	} else {
		file, err := openManifest(path)
		if err != nil {
			return nil, "", usage("--file is %q, which cannot be read (%v); accepted: a file, or - for standard input", path, reasonOf(err))
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxManifest+1))
	switch {
	case err != nil:
		return nil, "", usage("--file is %q, which cannot be read (%v)", path, reasonOf(err))
	case len(text) > maxManifest:
		return nil, "", usage("--file is %q, which is longer than %d bytes", path, maxManifest)
	}
	return text, name, nil
}

// maxManifest is above any manifest that people look at.
const maxManifest = 10 << 20

// tell prints words, a line each.
func tell(errs io.Writer, about string, words []string) {
	for _, w := range words {
		fmt.Fprintf(errs, "%s: %s\n", about, strings.ReplaceAll(w, "\n", " "))
	}
}
