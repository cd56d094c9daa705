package main

import "github.com/spf13/cobra"

func (t *tool) sidecarCheckCommand() *cobra.Command { return &cobra.Command{Use: "check"} }
