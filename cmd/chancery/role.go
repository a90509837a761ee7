package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
)

func roleCommand() *cobra.Command {
	o := &operatorFlags{}
	role := &cobra.Command{
		Use: "role", GroupID: "access", Short: "Let others act as a role for a while, with temporary credentials",
		Long: `Let others act as a role for a while. Its trust policy says who may assume it, by
the call AssumeRole of STS, its policies what they may do then. Who assumes a role
needs besides a policy that allows sts:AssumeRole on it.`,
		Example: `  chancery role create deployer --trust-user ada --max-session 1h
  chancery policy attach AliyunYundunCertReadOnlyAccess --role deployer
  chancery policy attach AliyunSTSAssumeRoleAccess --user ada`,
	}
	o.addAccount(role)
	role.AddCommand(createRoleCommand(o), updateRoleCommand(o), &cobra.Command{
		Use: "list", Short: "List an account's roles, with their policies and open sessions", Args: cobra.NoArgs,
		Example: "  chancery role list",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.Role](command, o, "role.list", admin.AccountName{ID: o.accountID()})
			if err != nil {
				return err
			}
			return showRoles(command, o, "ROLE", all, all...)
		},
	}, roleByName(o, "show", "Show a role and whom it trusts", func(command *cobra.Command, name admin.Named) error {
		r, err := call[admin.Role](command, o, "role.show", name)
		if err != nil {
			return err
		}
		if err := showRoles(command, o, "ROLE", r, r); err != nil || o.output.data() {
			return err
		}
		_, err = fmt.Fprintf(command.OutOrStdout(), "\n%s\n%s\n", r.ARN, strings.TrimSuffix(r.Trust, "\n"))
		return err
	}), roleByName(o, "delete", "Delete a role; its sessions end with the next request", func(command *cobra.Command, name admin.Named) error {
		r, err := call[admin.Role](command, o, "role.delete", name)
		if err != nil {
			return err
		}
		return showRoles(command, o, "DELETED", r, r)
	}), roleByName(o, "revoke", "End all sessions of a role; whom it trusts may assume it again", func(command *cobra.Command, name admin.Named) error {
		done, err := call[admin.RevokedSessions](command, o, "role.revoke", name)
		if err != nil {
			return err
		}
		return show(command, o, done, "ROLE REVOKED", [][]string{{done.Role, fmt.Sprint(done.Revoked)}})
	}))
	return role
}

func roleByName(o *operatorFlags, verb, short string, do func(*cobra.Command, admin.Named) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1), Example: "  chancery role " + verb + " deployer",
		RunE: func(command *cobra.Command, args []string) error {
			return do(command, admin.Named{AccountID: o.accountID(), Name: args[0]})
		},
	}
}

const trustHelp = `
Who may assume it is said in one of three ways:

  --trust-user USER        a user of the account
  --trust-account ACCOUNT  an account, with all its users and roles
  --trust FILE             a trust policy (- for standard input):

  {
    "Version": "1",
    "Statement": [{
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Principal": {"RAM": ["acs:ram::1234567890123456:user/ada"]}
    }]
  }`

// roleFlags are what roles are made and changed with.
type roleFlags struct {
	trust, user, description string
	account                  int64
	session                  time.Duration
}

func (f *roleFlags) add(command *cobra.Command, session time.Duration, sessionHelp string) {
	flags := command.Flags()
	flags.StringVar(&f.trust, "trust", "", "file with a trust policy, or - for standard input")
	flags.Int64Var(&f.account, "trust-account", 0, "an account that may assume the role, with its users and roles")
	flags.StringVar(&f.user, "trust-user", "", "a user of the account who may assume the role")
	flags.DurationVar(&f.session, "max-session", session, sessionHelp)
	flags.StringVar(&f.description, "description", "", "what it is for")
}

// trusted reads who may assume the role; given is false when nothing says so.
func (f *roleFlags) trusted(command *cobra.Command) (trusted admin.Trusted, given bool, err error) {
	ways := 0
	for _, name := range []string{"trust", "trust-account", "trust-user"} {
		if command.Flags().Changed(name) {
			ways++
		}
	}
	if ways > 1 {
		return trusted, true, usageError{errors.New("give one of --trust, --trust-account and --trust-user"), hint(command)}
	}
	trusted.User, trusted.Account = f.user, chancery.AccountID(f.account)
	if f.trust != "" {
		trusted.Document, err = readDocument(command, "trust", f.trust)
	}
	return trusted, ways == 1, err
}

func createRoleCommand(o *operatorFlags) *cobra.Command {
	f := &roleFlags{}
	command := &cobra.Command{
		Use: "create NAME", Short: "Create a role, without policies", Args: cobra.ExactArgs(1),
		Long: "Create a role, without policies.\n" + trustHelp,
		Example: `  chancery role create deployer --trust-user ada --max-session 1h
  chancery role create auditor --trust-account 1234567890123456 --description "reads from outside"`,
		RunE: func(command *cobra.Command, args []string) error {
			trusted, given, err := f.trusted(command)
			if err != nil {
				return err
			}
			if !given {
				return usageError{errors.New("say who may assume the role with --trust, --trust-account or --trust-user"), hint(command)}
			}
			made, err := call[admin.Role](command, o, "role.create", admin.NewRole{
				AccountID: o.accountID(), Name: args[0], Description: f.description, Trust: trusted, MaxSessionSeconds: int64(f.session / time.Second),
			})
			if err != nil {
				return err
			}
			return showRoles(command, o, "ROLE", made, made)
		},
	}
	f.add(command, chancery.DefaultMaxSession, "how long a session may last, 15m to 12h")
	return command
}

func updateRoleCommand(o *operatorFlags) *cobra.Command {
	f := &roleFlags{}
	command := &cobra.Command{
		Use: "update NAME", Short: "Change whom a role trusts, its longest session or its description", Args: cobra.ExactArgs(1),
		Long: "Change whom a role trusts, its longest session or its description. Open sessions\ngo on; `chancery role revoke` ends them.\n" + trustHelp,
		Example: `  chancery role update deployer --max-session 4h
  chancery role update deployer --trust trust.json`,
		RunE: func(command *cobra.Command, args []string) error {
			trusted, given, err := f.trusted(command)
			if err != nil {
				return err
			}
			ask := admin.RoleChange{AccountID: o.accountID(), Name: args[0], Trust: trusted, MaxSessionSeconds: int64(f.session / time.Second)}
			if command.Flags().Changed("description") {
				ask.Description = &f.description
			}
			if !given && ask.Description == nil && !command.Flags().Changed("max-session") {
				return usageError{errors.New("nothing is changed; give --trust, --trust-account, --trust-user, --max-session or --description"), hint(command)}
			}
			changed, err := call[admin.Role](command, o, "role.update", ask)
			if err != nil {
				return err
			}
			return showRoles(command, o, "ROLE", changed, changed)
		},
	}
	f.add(command, 0, "how long a session may last, 15m to 12h (default as it is)")
	return command
}

func showRoles(command *cobra.Command, o *operatorFlags, head string, result any, roles ...admin.Role) error {
	var rows [][]string
	for _, r := range roles {
		rows = append(rows, []string{
			r.Name, listed(r.Policies), admin.Length(time.Duration(r.MaxSessionSeconds) * time.Second), fmt.Sprint(r.Sessions),
			instant(r.CreatedAt), orDash(r.Description),
		})
	}
	return show(command, o, result, head+" POLICIES MAXSESSION SESSIONS CREATED DESCRIPTION", rows)
}
