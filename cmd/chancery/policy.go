package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"chancery/admin"
)

func policyCommand() *cobra.Command {
	o := &operatorFlags{}
	policy := &cobra.Command{
		Use: "policy", GroupID: "access", Short: "Write policies, give them to users, groups and roles, and try them",
		Long: `Write policies, give them to users, groups and roles, and try them. Some are built
in; an account may have more of its own. What no policy allows is denied, and
what one denies no other can allow.`,
		Example: `  chancery policy list
  chancery policy create read-orders --document read-orders.json
  chancery policy attach read-orders --user ada
  chancery policy simulate --user ada --action DescribeCertificateState --resource order/55`,
	}
	o.addAccount(policy)
	policy.AddCommand(createPolicyCommand(o), updatePolicyCommand(o), &cobra.Command{
		Use: "list", Short: "List the policies, built-in and the account's, with who has them", Args: cobra.NoArgs,
		Example: "  chancery policy list",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.Policy](command, o, "policy.list", admin.AccountName{ID: o.accountID()})
			if err != nil {
				return err
			}
			return showPolicies(command, o, all, all...)
		},
	}, &cobra.Command{
		Use: "show NAME", Short: "Show the document of a policy", Args: cobra.ExactArgs(1),
		Long:    "Show the document of a policy as it was written, to read or to change;\n--output json tells besides who has it.",
		Example: "  chancery policy show AliyunYundunCertReadOnlyAccess\n  chancery policy show read-orders > read-orders.json",
		RunE: func(command *cobra.Command, args []string) error {
			p, err := call[admin.Policy](command, o, "policy.show", admin.Named{AccountID: o.accountID(), Name: args[0]})
			if err != nil {
				return err
			}
			if o.output.data() {
				return show(command, o, p, "", nil)
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), strings.TrimSuffix(p.Document, "\n"))
			return err
		},
	}, &cobra.Command{
		Use: "delete NAME", Short: "Delete a policy of the account that nobody has", Args: cobra.ExactArgs(1),
		Example: "  chancery policy delete read-orders",
		RunE: func(command *cobra.Command, args []string) error {
			p, err := call[admin.Policy](command, o, "policy.delete", admin.Named{AccountID: o.accountID(), Name: args[0]})
			if err != nil {
				return err
			}
			return show(command, o, p, "DELETED", [][]string{{p.Name}})
		},
	},
		attachCommand(o, "attach", "Give a policy to a user, group or role"),
		attachCommand(o, "detach", "Take a policy away from a user, group or role"),
		simulateCommand(o))
	return policy
}

const documentHelp = `
FILE holds a document of RAM's form; - is standard input:

  {
    "Version": "1",
    "Statement": [{
      "Effect": "Allow",
      "Action": ["yundun-cert:DescribeCertificateState", "yundun-cert:List*"],
      "Resource": "acs:yundun-cert:*:*:order/*"
    }]
  }

Whatever of it is not understood is refused, with its place.`

func createPolicyCommand(o *operatorFlags) *cobra.Command {
	var file, description string
	command := &cobra.Command{
		Use: "create NAME --document FILE", Short: "Create a policy, which nobody has yet", Args: cobra.ExactArgs(1),
		Long:    "Create a policy, which nobody has yet.\n" + documentHelp,
		Example: "  chancery policy create read-orders --document read-orders.json",
		RunE: func(command *cobra.Command, args []string) error {
			if file == "" {
				return usageError{errors.New("name the document with --document FILE, or - for standard input"), hint(command)}
			}
			text, err := readDocument(command, "document", file)
			if err != nil {
				return err
			}
			ask := admin.NewPolicy{AccountID: o.accountID(), Name: args[0], Description: description, Document: text}
			made, err := call[admin.Policy](command, o, "policy.create", ask)
			if err != nil {
				return err
			}
			return showPolicies(command, o, made, made)
		},
	}
	command.Flags().StringVar(&file, "document", "", "file with the policy document, or - for standard input")
	command.Flags().StringVar(&description, "description", "", "what it is for")
	return command
}

func updatePolicyCommand(o *operatorFlags) *cobra.Command {
	var file, description string
	command := &cobra.Command{
		Use: "update NAME [--document FILE]", Short: "Change a policy for all that have it, from the next request on", Args: cobra.ExactArgs(1),
		Long:    "Change a policy for all that have it, from the next request on.\n" + documentHelp,
		Example: "  chancery policy update read-orders --document read-orders.json",
		RunE: func(command *cobra.Command, args []string) error {
			ask := admin.PolicyChange{AccountID: o.accountID(), Name: args[0]}
			if command.Flags().Changed("description") {
				ask.Description = &description
			}
			if file != "" {
				text, err := readDocument(command, "document", file)
				if err != nil {
					return err
				}
				ask.Document = &text
			}
			if ask.Document == nil && ask.Description == nil {
				return usageError{errors.New("nothing is changed; give --document or --description"), hint(command)}
			}
			changed, err := call[admin.Policy](command, o, "policy.update", ask)
			if err != nil {
				return err
			}
			return showPolicies(command, o, changed, changed)
		},
	}
	command.Flags().StringVar(&file, "document", "", "file with the policy document, or - for standard input")
	command.Flags().StringVar(&description, "description", "", "what it is for")
	return command
}

func attachCommand(o *operatorFlags, verb, short string) *cobra.Command {
	ask := admin.Attachment{}
	command := &cobra.Command{
		Use: verb + " POLICY (--user USER | --group GROUP | --role ROLE)", Short: short, Args: cobra.ExactArgs(1),
		Example: fmt.Sprintf("  chancery policy %[1]s read-orders --user ada\n  chancery policy %[1]s AliyunYundunCertFullAccess --group ops", verb),
		RunE: func(command *cobra.Command, args []string) error {
			if names := len(strings.Fields(ask.User + " " + ask.Group + " " + ask.Role)); names != 1 {
				return usageError{errors.New("name one of --user, --group and --role"), hint(command)}
			}
			ask.AccountID, ask.Policy = o.accountID(), args[0]
			policy, err := call[admin.Policy](command, o, "policy."+verb, ask)
			if err != nil {
				return err
			}
			return showPolicies(command, o, policy, policy)
		},
	}
	command.Flags().StringVar(&ask.User, "user", "", "the user")
	command.Flags().StringVar(&ask.Group, "group", "", "the group, whose users then have the policy")
	command.Flags().StringVar(&ask.Role, "role", "", "the role")
	return command
}

func showPolicies(command *cobra.Command, o *operatorFlags, result any, policies ...admin.Policy) error {
	var rows [][]string
	for _, p := range policies {
		origin := "built in"
		if p.UpdatedAt != nil {
			origin = instant(*p.UpdatedAt)
		}
		rows = append(rows, []string{p.Name, listed(p.Users), listed(p.Groups), listed(p.Roles), origin, orDash(p.Description)})
	}
	return show(command, o, result, "POLICY USERS GROUPS ROLES CHANGED DESCRIPTION", rows)
}
