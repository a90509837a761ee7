package main

import (
	"github.com/spf13/cobra"

	"chancery/admin"
)

func sessionCommand() *cobra.Command {
	o := &operatorFlags{}
	session := &cobra.Command{
		Use: "session", GroupID: "access", Short: "List and revoke temporary credentials",
		Example: "  chancery session list\n  chancery session revoke STS.YvXKBeoySrhi93Ac6cRvCTgn",
	}
	o.addAccount(session)
	session.AddCommand(&cobra.Command{
		Use: "list", Short: "List the sessions of an account's roles that have not expired, newest first", Args: cobra.NoArgs,
		Example: "  chancery session list",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.Session](command, o, "session.list", admin.AccountName{ID: o.accountID()})
			if err != nil {
				return err
			}
			return showSessions(command, o, all, all...)
		},
	}, &cobra.Command{
		Use: "revoke ID", Short: "End one session, from the next request on", Args: cobra.ExactArgs(1),
		Long:    "End one session, from the next request on. `chancery role revoke` ends all of a\nrole.",
		Example: "  chancery session revoke STS.YvXKBeoySrhi93Ac6cRvCTgn",
		RunE: func(command *cobra.Command, args []string) error {
			ended, err := call[admin.Session](command, o, "session.revoke", admin.AccessKeyName{AccountID: o.accountID(), ID: args[0]})
			if err != nil {
				return err
			}
			return showSessions(command, o, ended, ended)
		},
	})
	return session
}

func showSessions(command *cobra.Command, o *operatorFlags, result any, sessions ...admin.Session) error {
	var rows [][]string
	for _, s := range sessions {
		state := "open"
		if s.RevokedAt != nil {
			state = "revoked"
		}
		rows = append(rows, []string{s.AccessKeyID, s.Role, s.Name, state, s.Source, instant(s.CreatedAt), instant(s.ExpiresAt)})
	}
	return show(command, o, result, "SESSION ROLE NAME STATE BY CREATED EXPIRES", rows)
}
