package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"chancery/admin"
)

func accessKeyCommand() *cobra.Command {
	o := &operatorFlags{}
	accessKey := &cobra.Command{
		Use: "accesskey", GroupID: "access", Short: "Create, list and disable access keys",
		Example: "  chancery accesskey create --user ada\n  chancery accesskey disable CHANER9c68PAus1HqDH5qkbj",
	}
	o.addAccount(accessKey)
	accessKey.AddCommand(createAccessKeyCommand(o), &cobra.Command{
		Use: "list", Short: "List the access keys of an account and its users, without secrets", Args: cobra.NoArgs,
		Example: "  chancery accesskey list --account 2703972206049602",
		RunE: func(command *cobra.Command, _ []string) error {
			keys, err := call[[]admin.AccessKey](command, o, "accesskey.list", admin.AccountName{ID: o.accountID()})
			if err != nil {
				return err
			}
			var rows [][]string
			for _, k := range keys {
				state := "active"
				if k.Disabled {
					state = "disabled"
				}
				rows = append(rows, []string{k.ID, orDash(k.User), state, instant(k.CreatedAt)})
			}
			return show(command, o, keys, "ACCESSKEY USER STATE CREATED", rows)
		},
	}, &cobra.Command{
		Use: "disable ACCESSKEYID", Short: "End the use of an access key, from the next request on", Args: cobra.ExactArgs(1),
		Example: "  chancery accesskey disable CHANER9c68PAus1HqDH5qkbj",
		RunE: func(command *cobra.Command, args []string) error {
			name := admin.AccessKeyName{AccountID: o.accountID(), ID: args[0]}
			if _, err := call[admin.Nothing](command, o, "accesskey.disable", name); err != nil {
				return err
			}
			return show(command, o, name, "DISABLED", [][]string{{name.ID}})
		},
	})
	return accessKey
}

func createAccessKeyCommand(o *operatorFlags) *cobra.Command {
	var id, secretFile, user string
	create := &cobra.Command{
		Use: "create", Args: cobra.NoArgs,
		Short: "Create an access key, shown once, or take over an existing pair",
		Long: `Create an access key; the secret is shown this once. A key of a user (--user) may
do what the user's policies allow, a key of the account itself everything in it.

With --id and --secret-file the pair that clients already have is taken over, so
that they keep their credentials. The file holds the secret alone, on one line.`,
		Example: `  chancery accesskey create
  chancery accesskey create --user ada
  chancery accesskey create --account 2703972206049602 --id LTAI5tExample --secret-file secret`,
		RunE: func(command *cobra.Command, _ []string) error {
			ask := admin.NewAccessKey{AccountID: o.accountID(), ID: id, User: user}
			if (id == "") != (secretFile == "") {
				return usageError{errors.New("--id and --secret-file go together"), "accesskey create "}
			}
			if secretFile != "" {
				text, err := os.ReadFile(secretFile)
				if err != nil {
					return fmt.Errorf("--secret-file: %w", err)
				}
				ask.Secret = strings.TrimSpace(string(text))
			}
			made, err := call[admin.AccessKey](command, o, "accesskey.create", ask)
			if err != nil {
				return err
			}
			if secretFile != "" {
				made.Secret = "" // the caller has it
				return show(command, o, made, "ACCESSKEY ACCOUNT USER", [][]string{{made.ID, fmt.Sprint(made.AccountID), orDash(made.User)}})
			}
			return show(command, o, made, "ACCESSKEY SECRET ACCOUNT USER", [][]string{{made.ID, made.Secret, fmt.Sprint(made.AccountID), orDash(made.User)}})
		},
	}
	create.Flags().StringVar(&user, "user", "", "the user whose key it is; default the account itself")
	create.Flags().StringVar(&id, "id", "", "take over this access key id")
	create.Flags().StringVar(&secretFile, "secret-file", "", "file with the secret of --id")
	return create
}
