package main

import (
	"github.com/spf13/cobra"

	"chancery/internal/commandline"
)

// commandsCommand is for programs that make documents of the commands.
func commandsCommand() *cobra.Command {
	output := asJSON
	return &cobra.Command{
		Use: "commands", Hidden: true, Args: cobra.NoArgs, Short: "Print all commands and their flags as JSON",
		RunE: func(command *cobra.Command, _ []string) error {
			return output.write(command.OutOrStdout(), commandline.Of(command.Root()))
		},
	}
}
