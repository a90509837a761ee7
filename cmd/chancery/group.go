package main

import (
	"github.com/spf13/cobra"

	"chancery/admin"
)

func groupCommand() *cobra.Command {
	o := &operatorFlags{}
	group := &cobra.Command{
		Use: "group", GroupID: "access", Short: "Give several users the same policies",
		Example: `  chancery group create ops
  chancery group add-user ops ada
  chancery policy attach AliyunYundunCertFullAccess --group ops`,
	}
	o.addAccount(group)
	group.AddCommand(
		groupByName(o, "create", "Create a group, without users and policies"),
		&cobra.Command{
			Use: "list", Short: "List an account's groups, with their users and policies", Args: cobra.NoArgs,
			Example: "  chancery group list",
			RunE: func(command *cobra.Command, _ []string) error {
				all, err := call[[]admin.Group](command, o, "group.list", admin.AccountName{ID: o.accountID()})
				if err != nil {
					return err
				}
				return showGroups(command, o, "GROUP", all, all...)
			},
		},
		groupByName(o, "delete", "Delete a group; its users stay, without its policies"),
		groupMember(o, "add-user", "Give a user the policies of a group"),
		groupMember(o, "remove-user", "Take a user out of a group"),
	)
	return group
}

func groupByName(o *operatorFlags, verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1), Example: "  chancery group " + verb + " ops",
		RunE: func(command *cobra.Command, args []string) error {
			group, err := call[admin.Group](command, o, "group."+verb, admin.Named{AccountID: o.accountID(), Name: args[0]})
			if err != nil {
				return err
			}
			head := "GROUP"
			if verb == "delete" {
				head = "DELETED"
			}
			return showGroups(command, o, head, group, group)
		},
	}
}

func groupMember(o *operatorFlags, verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " GROUP USER", Short: short, Args: cobra.ExactArgs(2), Example: "  chancery group " + verb + " ops ada",
		RunE: func(command *cobra.Command, args []string) error {
			ask := admin.Membership{AccountID: o.accountID(), Group: args[0], User: args[1]}
			group, err := call[admin.Group](command, o, "group."+verb, ask)
			if err != nil {
				return err
			}
			return showGroups(command, o, "GROUP", group, group)
		},
	}
}

func showGroups(command *cobra.Command, o *operatorFlags, head string, result any, groups ...admin.Group) error {
	var rows [][]string
	for _, g := range groups {
		rows = append(rows, []string{g.Name, listed(g.Users), listed(g.Policies), instant(g.CreatedAt)})
	}
	return show(command, o, result, head+" USERS POLICIES CREATED", rows)
}
