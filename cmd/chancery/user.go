package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"chancery/admin"
)

func userCommand() *cobra.Command {
	o := &operatorFlags{}
	user := &cobra.Command{
		Use: "user", GroupID: "access", Short: "Create, list and delete users of an account",
		Long: `Create, list and delete users of an account. A user may do what policies allow
that the user has, or a group the user is in; a new one may do nothing.`,
		Example: `  chancery user create ada --display-name "Ada Lovelace"
  chancery policy attach AliyunYundunCertReadOnlyAccess --user ada
  chancery accesskey create --user ada`,
	}
	o.addAccount(user)
	var display string
	create := &cobra.Command{
		Use: "create NAME", Short: "Create a user, without keys and policies", Args: cobra.ExactArgs(1),
		Example: `  chancery user create ada --display-name "Ada Lovelace"`,
		RunE: func(command *cobra.Command, args []string) error {
			ask := admin.NewUser{AccountID: o.accountID(), Name: args[0], DisplayName: display}
			made, err := call[admin.User](command, o, "user.create", ask)
			if err != nil {
				return err
			}
			return showUsers(command, o, made, made)
		},
	}
	create.Flags().StringVar(&display, "display-name", "", "a name for people")
	user.AddCommand(create, &cobra.Command{
		Use: "list", Short: "List an account's users, with their groups, policies and number of access keys", Args: cobra.NoArgs,
		Example: "  chancery user list --output json",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.User](command, o, "user.list", admin.AccountName{ID: o.accountID()})
			if err != nil {
				return err
			}
			return showUsers(command, o, all, all...)
		},
	}, &cobra.Command{
		Use: "delete NAME", Args: cobra.ExactArgs(1),
		Short: "Delete a user with all access keys, from the next request on",
		Long: `Delete a user, and tell what went with it: access keys, which end with the next
request, memberships of groups, and attachments of policies. The policies and
what the user made stay.`,
		Example: "  chancery user delete ada",
		RunE: func(command *cobra.Command, args []string) error {
			gone, err := call[admin.DeletedUser](command, o, "user.delete", admin.Named{AccountID: o.accountID(), Name: args[0]})
			if err != nil {
				return err
			}
			row := []string{gone.Name, listed(gone.AccessKeys), listed(gone.Groups), listed(gone.Policies)}
			return show(command, o, gone, "DELETED ACCESSKEYS GROUPS POLICIES", [][]string{row})
		},
	}, userPasswordCommand(o), userTOTPCommand(o))
	return user
}

func showUsers(command *cobra.Command, o *operatorFlags, result any, users ...admin.User) error {
	var rows [][]string
	for _, u := range users {
		rows = append(rows, []string{u.Name, listed(u.Groups), listed(u.Policies), fmt.Sprint(u.AccessKeys), instant(u.CreatedAt), orDash(u.DisplayName)})
	}
	return show(command, o, result, "USER GROUPS POLICIES KEYS CREATED DISPLAYNAME", rows)
}
