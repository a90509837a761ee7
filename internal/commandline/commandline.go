// Package commandline describes the program's commands as data, so that documents can
// be made of them outside the program: docs/command-line.md and the manual pages.
package commandline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Command is one command with those below it.
type Command struct {
	Path     string    `json:"path"` // "chancery order watch"
	Usage    string    `json:"usage"`
	Group    string    `json:"group,omitempty"` // the heading it stands under
	Short    string    `json:"short"`
	Long     string    `json:"long,omitempty"`
	Example  string    `json:"example,omitempty"`
	Flags    []Flag    `json:"flags,omitempty"`
	Groups   []string  `json:"groups,omitempty"` // headings, in their order
	Commands []Command `json:"commands,omitempty"`
}

// Flag is a flag that a command takes.
type Flag struct {
	Name      string `json:"name"`
	Shorthand string `json:"shorthand,omitempty"`
	Value     string `json:"value,omitempty"` // what stands for its value; none for a switch
	Usage     string `json:"usage"`
	Default   string `json:"default,omitempty"`
}

// Of describes a command, without what is hidden.
func Of(c *cobra.Command) Command {
	described := Command{
		Path: c.CommandPath(), Usage: c.UseLine(), Group: groupOf(c), Short: c.Short, Long: c.Long, Example: c.Example,
	}
	for _, group := range c.Groups() {
		described.Groups = append(described.Groups, heading(group))
	}
	seen := map[string]bool{"help": true}
	add := func(flag *pflag.Flag) {
		if !flag.Hidden && !seen[flag.Name] {
			seen[flag.Name] = true
			described.Flags = append(described.Flags, flagOf(flag))
		}
	}
	if c.Runnable() && !c.HasSubCommands() { // a command that only groups others takes what they take
		c.LocalFlags().VisitAll(add)
		c.InheritedFlags().VisitAll(add)
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			described.Commands = append(described.Commands, Of(sub))
		}
	}
	return described
}

func groupOf(c *cobra.Command) string {
	if c.Parent() == nil {
		return ""
	}
	for _, group := range c.Parent().Groups() {
		if group.ID == c.GroupID {
			return heading(group)
		}
	}
	return ""
}

func heading(group *cobra.Group) string { return strings.TrimSuffix(group.Title, ":") }

func flagOf(flag *pflag.Flag) Flag {
	value, usage := pflag.UnquoteUsage(flag)
	f := Flag{Name: flag.Name, Shorthand: flag.Shorthand, Value: value, Usage: usage, Default: flag.DefValue}
	switch f.Default {
	case "[]", "false", "0", "0s":
		f.Default = ""
	}
	return f
}

// Read has the program in a source tree describe its commands, as they are on a
// machine without settings.
func Read(root string) (Command, error) {
	var all Command
	program := exec.CommandContext(context.Background(), "go", "run", "./cmd/chancery", "commands")
	program.Dir, program.Stderr = root, os.Stderr
	program.Env = append(os.Environ(), "XDG_DATA_HOME=~/.local/share")
	text, err := program.Output()
	if err != nil {
		return all, fmt.Errorf("asking the program for its commands: %w", err)
	}
	return all, json.Unmarshal(text, &all)
}
