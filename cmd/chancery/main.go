// Command chancery is the certificate management service and its command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to finish what is in hand; a second one ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program: it gives the exit status, 0 for success, 1 for
// failure and 2 for a wrong command line, unless a command's help says otherwise.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage usageError
	var ended statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended) && ended.err == nil:
		return ended.status
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "chancery: %v\nRun 'chancery %s--help' for usage.\n", err, usage.command)
		return 2
	default:
		_, _ = fmt.Fprintf(stderr, "chancery: %s\n", explain(err))
		if ended.err != nil {
			return ended.status
		}
		return 1
	}
}

// usageError is a mistake in the command line itself.
type usageError struct {
	err     error
	command string // "plan grant ", for the hint
}

func (u usageError) Error() string { return u.err.Error() }
func (u usageError) Unwrap() error { return u.err }

// statusError ends the program with a status of its own. Without err everything
// was said already.
type statusError struct {
	status int
	err    error
}

func (s statusError) Error() string {
	if s.err == nil {
		return fmt.Sprintf("status %d", s.status)
	}
	return s.err.Error()
}

func (s statusError) Unwrap() error { return s.err }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "chancery",
		Short: "A certificate management service that you run yourself",
		Long: `Chancery applies for, proves, issues and holds certificates, and speaks the
signed API of Certificate Management Service 2020-04-07, so that the clients
you have work when they point at it.

The exit status is 0 when it is done, 1 when it failed and 2 for a wrong command
line, unless a command's help says otherwise.`,
		Example: `  chancery quickstart                         a certificate in a few seconds, to see how it goes
  chancery serve                              the service
  chancery apply www.example.com              apply for a certificate and wait for it
  chancery order watch 3614381943929442       follow an order until it is issued or has failed
  chancery certificate list --expiring 30d    what ends soon`,
		Version:       programVersion(),
		Args:          cobra.ArbitraryArgs, // markUsageErrors refuses them
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddGroup(
		&cobra.Group{ID: "service", Title: "Run it:"},
		&cobra.Group{ID: "orders", Title: "Get certificates (over the API):"},
		&cobra.Group{ID: "access", Title: "Say who may do what, and see who did (on the data directory):"},
		&cobra.Group{ID: "operator", Title: "Operate it (on the data directory):"},
	)
	root.AddCommand(quickstartCommand(), serveCommand(), completionCommand(),
		applyCommand(), statusCommand(), downloadCommand(), revokeCommand(), orderCommand(), certificateCommand(),
		userCommand(), groupCommand(), policyCommand(), roleCommand(), sessionCommand(), consoleCommand(), accessKeyCommand(), auditCommand(),
		accountCommand(), planCommand(), issuerCommand(), reviewCommand(), noticeCommand(), stepsCommand(), doctorCommand(),
		backupCommand(), restoreCommand(), keyringCommand(), migrateCommand(), healthcheckCommand(), commandsCommand())
	addCompletions(root)
	markUsageErrors(root)
	return root
}

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version string

// programVersion is that of a release, else the revision that it was built from.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return "revision " + setting.Value
			}
		}
	}
	return "unknown"
}

// hint names a command as the last line of a usage error does.
func hint(c *cobra.Command) string {
	if c.Parent() == nil {
		return ""
	}
	return c.CommandPath()[len(c.Root().Name())+1:] + " "
}

// markUsageErrors makes mistakes in flags and arguments end with status 2.
func markUsageErrors(command *cobra.Command) {
	command.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if bad := new(pflag.InvalidValueError); errors.As(err, &bad) {
			err = fmt.Errorf("--%s: %w", bad.GetFlag().Name, wrongValue(bad.GetFlag(), bad.GetValue()))
		}
		return usageError{err, hint(c)}
	})
	if check := command.Args; check != nil {
		command.Args = func(c *cobra.Command, args []string) error {
			if check(c, args) != nil {
				return usageError{fmt.Errorf("the arguments do not fit; write: %s", c.UseLine()), hint(c)}
			}
			return nil
		}
	}
	if command.Run == nil && command.RunE == nil && command.HasSubCommands() {
		command.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{unknownCommand(c, args[0]), hint(c)}
			}
			return c.Help()
		}
	}
	for _, sub := range command.Commands() {
		markUsageErrors(sub)
	}
}

func unknownCommand(c *cobra.Command, name string) error {
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(name); len(near) > 0 {
		return fmt.Errorf("there is no command %q; is it %s?", name, strings.Join(near, " or "))
	}
	return fmt.Errorf("there is no command %q", name)
}
