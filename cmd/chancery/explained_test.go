package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryCommandExplainsItself: each has a line that says what it does, an example,
// and at the top a group; and the examples are command lines that it takes.
func TestEveryCommandExplainsItself(t *testing.T) {
	var look func(*cobra.Command)
	look = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		if c.Short == "" || strings.Contains(c.Short, "\n") {
			t.Errorf("%s: no summary of one line", c.CommandPath())
		}
		if c.Example == "" {
			t.Errorf("%s: no example", c.CommandPath())
		}
		if c.HasParent() && !c.Parent().HasParent() && c.GroupID == "" {
			t.Errorf("%s: it is in no group", c.CommandPath())
		}
		for example := range strings.Lines(strings.ReplaceAll(c.Example, "\\\n", " ")) {
			if err := takes(example); err != nil {
				t.Errorf("%s: %s: %v", c.CommandPath(), strings.TrimSpace(example), err)
			}
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(rootCommand())
}

var (
	callOf = regexp.MustCompile(`\bchancery ([^|<>)]*)`)
	wordOf = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
)

// takes tries a line of a shell on the commands, as far as arguments go.
func takes(line string) error {
	line, _, _ = strings.Cut(line, "    ") // what is behind it explains
	found := callOf.FindStringSubmatch(line)
	if found == nil {
		return nil
	}
	args := wordOf.FindAllString(found[1], -1)
	for i := range args {
		args[i] = strings.Trim(args[i], `'"`)
	}
	root := rootCommand()
	root.SetOut(io.Discard)
	command, args, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := command.ParseFlags(args); err != nil {
		return err
	}
	return command.ValidateArgs(command.Flags().Args())
}
