package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chancery"
	"chancery/admin"
)

func consoleCommand() *cobra.Command {
	o := &operatorFlags{}
	console := &cobra.Command{
		Use: "console", GroupID: "access", Short: "See who is signed in to the web console, sign them out, make a link that signs in",
		Example: "  chancery console link\n  chancery console sessions\n  chancery console sign-out --user ada",
	}
	o.addAccount(console)
	var out admin.SignOut
	signOut := &cobra.Command{
		Use: "sign-out [ID]", Short: "End a session, or all of a user, from the next page on", Args: cobra.MaximumNArgs(1),
		Example: "  chancery console sign-out 3f9a1c0be2d47a55\n  chancery console sign-out --user ada",
		RunE: func(command *cobra.Command, args []string) error {
			if out.AccountID = o.accountID(); len(args) == 1 {
				out.ID = args[0]
			}
			if (out.ID == "") == (out.User == "") {
				return usageError{errors.New("name a session, or a user with --user"), hint(command)}
			}
			ended, err := call[[]admin.ConsoleSession](command, o, "console.sign-out", out)
			if err != nil {
				return err
			}
			return showConsoleSessions(command, o, ended)
		},
	}
	signOut.Flags().StringVar(&out.User, "user", "", `all sessions of this user; "root" for those of the account itself`)
	var key string
	link := &cobra.Command{
		Use: "link", Short: "Make a link that signs in, once and within ten minutes", Args: cobra.NoArgs,
		Long: `Make a link that signs in to the console whoever opens it first, once and
within ten minutes, as whom an access key speaks for: the account itself, unless
--access-key names the key of a user. The session ends with that key.`,
		Example: "  chancery console link\n  chancery console link --access-key CHANx2m4",
		RunE: func(command *cobra.Command, _ []string) error {
			made, err := call[admin.ConsoleLink](command, o, "console.link", admin.AccessKeyName{AccountID: o.accountID(), ID: key})
			if err != nil {
				return err
			}
			return show(command, o, made, "LINK ACCESSKEY EXPIRES", [][]string{{made.URL, made.AccessKeyID, instant(made.ExpiresAt)}})
		},
	}
	link.Flags().StringVar(&key, "access-key", "", "the id of the access key; default the oldest of the account's own")
	console.AddCommand(&cobra.Command{
		Use: "sessions", Short: "List who is signed in, newest first", Args: cobra.NoArgs,
		Example: "  chancery console sessions",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.ConsoleSession](command, o, "console.sessions", admin.AccountName{ID: o.accountID()})
			if err != nil {
				return err
			}
			return showConsoleSessions(command, o, all)
		},
	}, signOut, link)
	return console
}

func showConsoleSessions(command *cobra.Command, o *operatorFlags, sessions []admin.ConsoleSession) error {
	var rows [][]string
	for _, s := range sessions {
		rows = append(rows, []string{s.ID, s.Who, orDash(s.AccessKeyID), s.Address, instant(s.CreatedAt), instant(s.SeenAt), instant(s.ExpiresAt)})
	}
	return show(command, o, sessions, "SESSION WHO ACCESSKEY ADDRESS CREATED SEEN EXPIRES", rows)
}

func accountOperatorCommand(o *operatorFlags) *cobra.Command {
	var off bool
	command := &cobra.Command{
		Use: "operator ID", Short: "Let an account's principals operate the instance from the console", Args: cobra.ExactArgs(1),
		Long: `Let an account's principals make the operator's calls from the web console: the
account itself all of them, its users those that a policy allows as
chancery:<call>, such as chancery:review.*. The account that the first start
makes is one. --off takes that back.`,
		Example: "  chancery account operator 1234567890123456\n  chancery account operator 1234567890123456 --off",
		RunE: func(command *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("%q is not the id of an account", args[0]), hint(command)}
			}
			made, err := call[admin.Account](command, o, "account.operator", admin.Operator{AccountID: chancery.AccountID(id), Operator: !off})
			if err != nil {
				return err
			}
			return showAccounts(command, o, made, made)
		},
	}
	command.Flags().BoolVar(&off, "off", false, "make it an account like others again")
	return command
}

func userPasswordCommand(o *operatorFlags) *cobra.Command {
	var remove bool
	command := &cobra.Command{
		Use: "password NAME", Short: "Set or remove a user's password for the web console", Args: cobra.ExactArgs(1),
		Long: `Set a user's password for the web console. It is asked for twice on a terminal,
and else read from standard input, one line. The user's sessions end.`,
		Example: "  chancery user password ada\n  chancery user password ada --remove",
		RunE: func(command *cobra.Command, args []string) error {
			ask := admin.Password{AccountID: o.accountID(), Name: args[0]}
			if !remove {
				var err error
				if ask.Password, err = readPassword(command); err != nil {
					return err
				}
			}
			_, err := call[admin.Nothing](command, o, "user.password", ask)
			return err
		},
	}
	command.Flags().BoolVar(&remove, "remove", false, "leave the user without one")
	return command
}

// readPassword reads what is not shown, twice, or a line of what is piped in.
func readPassword(command *cobra.Command) (string, error) {
	in, terminal := command.InOrStdin().(*os.File)
	if !terminal || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(command.InOrStdin()).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.Join(errors.New("there is no password on standard input"), ignoreEOF(err))
		}
		return line, nil
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		_, _ = fmt.Fprint(command.ErrOrStderr(), prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		_, _ = fmt.Fprintln(command.ErrOrStderr())
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same; nothing was changed")
	}
	return typed[0], nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func userTOTPCommand(o *operatorFlags) *cobra.Command {
	var remove bool
	command := &cobra.Command{
		Use: "totp NAME", Short: "Set or remove a second factor for a user's console password", Args: cobra.ExactArgs(1),
		Long: `Make a second factor (RFC 6238) that signing in with the user's password asks
for, and show once what an authenticator takes: an otpauth:// URL and, on a
terminal that is wide enough, the same as a QR code. The user's sessions end.`,
		Example: "  chancery user totp ada\n  chancery user totp ada --remove",
		RunE: func(command *cobra.Command, args []string) error {
			made, err := call[admin.NewFactor](command, o, "user.totp", admin.SecondFactor{AccountID: o.accountID(), Name: args[0], Remove: remove})
			if err != nil || remove {
				return err
			}
			if err := show(command, o, made, "URL", [][]string{{made.URL}}); err != nil || o.output.data() {
				return err
			}
			return draw(command.OutOrStdout(), made.URL)
		},
	}
	command.Flags().BoolVar(&remove, "remove", false, "ask for the password alone")
	return command
}
