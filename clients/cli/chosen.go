package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/contextfile"
)

// chosenContext is the context that a command uses.
type chosenContext struct {
	name, path string
	settings   contextfile.Context
}

func (c *chosenContext) String() string { return fmt.Sprintf("context %s of %s", c.name, c.path) }

// contextPath is where the file of contexts is, or would be; empty: nowhere.
func (t *tool) contextPath() string {
	if path, ok := t.lookup("CONFIGCTL_CONFIG"); ok && path != "" {
		return path
	}
	below := func(name string, more ...string) string {
		if dir, ok := t.lookup(name); ok && filepath.IsAbs(dir) {
			return filepath.Join(append(append([]string{dir}, more...), "configctl", "config.yaml")...)
		}
		return ""
	}
	for _, path := range []string{below("XDG_CONFIG_HOME"), below("HOME", ".config"), below("APPDATA")} {
		if path != "" {
			return path
		}
	}
	return ""
}

// contexts opens the file of contexts.
func (t *tool) contexts() (*contextfile.File, error) {
	path := t.contextPath()
	if path == "" {
		return nil, usage("there is no place for contexts; accepted: CONFIGCTL_CONFIG, the path of a file, or HOME")
	}
	home, _ := t.lookup("HOME")
	file, err := contextfile.Open(path, home)
	if err != nil {
		return nil, withNext(usage("%v", err), "--context '' goes on without")
	}
	return file, nil
}

// choose is the context that is asked for, or the current one; nil: none.
func (t *tool) choose(cmd *cobra.Command) (*chosenContext, error) {
	name, asked := t.contextName, cmd.Flags().Changed("context")
	if value, ok := t.lookup("CONFIGCTL_CONTEXT"); ok && value != "" && !asked {
		name, asked = value, true
	}
	if asked && name == "" || !asked && t.contextPath() == "" {
		return nil, nil
	}
	file, err := t.contexts()
	if err != nil {
		return nil, err
	}
	if !asked {
		if name = file.Current; name == "" {
			return nil, nil
		}
	}
	settings, err := file.Context(name)
	if err != nil {
		return nil, withNext(usage("--context (CONFIGCTL_CONTEXT) is %q, which %v", name, err), "'configctl context set' makes one")
	}
	return &chosenContext{name, file.Path, settings}, nil
}

// settle completes the settings of the connection: a flag comes before an environment
// variable, that before the context, and that before the default.
func (t *tool) settle(cmd *cobra.Command) error {
	var err error
	if t.context, err = t.choose(cmd); err != nil {
		return err
	}
	if t.context != nil {
		if err := t.context.fill(t, cmd); err != nil {
			return err
		}
	}
	if err := t.server.Resolve(cmd.Flags(), t.lookup); err != nil {
		return usage("%v", err)
	}
	return nil
}

// fill takes from the context what neither flags nor variables say. What is meant for its
// server, as a token, goes to no other.
func (c *chosenContext) fill(t *tool, cmd *cobra.Command) error {
	values := map[string]string{"SERVICE_NAME": c.settings[contextfile.Namespace], "ENVIRONMENT": c.settings[contextfile.Environment]}
	if t.isServerOf(c, cmd) {
		values["CONFIG_SERVICE_ADDR"] = c.settings[contextfile.Address]
		values["CONFIG_SERVICE_TOKEN_FILE"] = c.settings[contextfile.TokenFile]
		values["CONFIG_SERVICE_CA_FILE"] = c.settings[contextfile.CAFile]
		values["CONFIG_SERVICE_CERT_FILE"] = c.settings[contextfile.CertFile]
		values["CONFIG_SERVICE_KEY_FILE"] = c.settings[contextfile.KeyFile]
		if tls, err := strconv.ParseBool(c.settings[contextfile.TLS]); err == nil && !cmd.Flags().Changed("tls") {
			t.server.TLS = tls
		}
	}
	before := t.lookup
	t.lookup = func(name string) (string, bool) {
		if value, ok := before(name); ok && value != "" {
			return value, true
		}
		if value := values[name]; value != "" {
			return value, true
		}
		return before(name)
	}
	if text := c.settings[contextfile.Timeout]; text != "" && !cmd.Flags().Changed("timeout") {
		var err error
		if t.server.Timeout, err = time.ParseDuration(text); err != nil {
			return usage("timeout of the %s is %q; accepted: a duration, as in 15s", c, text)
		}
	}
	return nil
}

// isServerOf says whether the server that is called is that of a context.
func (t *tool) isServerOf(c *chosenContext, cmd *cobra.Command) bool {
	addr, _ := t.lookup("CONFIG_SERVICE_ADDR")
	if cmd.Flags().Changed("addr") {
		addr = t.server.Addr
	}
	own := c.settings[contextfile.Address]
	if own == "" {
		own = cmd.Flag("addr").DefValue
	}
	return addr == "" || addr == own
}
