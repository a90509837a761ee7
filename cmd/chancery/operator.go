package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
	"chancery/internal/service"
	"chancery/store"
)

// operatorFlags are what the operator's commands have in common.
type operatorFlags struct {
	dataDir, keyFile, products, output string
	refundWindow                       time.Duration // of the commands that revoke
}

func (o *operatorFlags) add(command *cobra.Command) {
	flags := command.PersistentFlags()
	flags.StringVar(&o.dataDir, "data-dir", defaultDataDir(), "data directory of the service (CHANCERY_DATA_DIR)")
	flags.StringVar(&o.keyFile, "keyring-key-file", "", "as for serve; only needed while the service is stopped")
	flags.StringVar(&o.products, "products", "", "as for serve; only needed while the service is stopped")
	flags.StringVarP(&o.output, "output", "o", "text", "text or json")
}

// call runs an operator's call: through the socket of the running service, or on
// the data directory itself when no service runs.
func call[O any](command *cobra.Command, o *operatorFlags, name string, input any) (output O, err error) {
	ctx := command.Context()
	if err := configure(command, ""); err != nil {
		return output, usageError{err, hint(command)}
	}
	if err := oneOf("output", o.output, "text", "json"); err != nil {
		return output, usageError{err, hint(command)}
	}
	caller, done, err := o.reach(ctx)
	if err != nil {
		return output, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return output, caller.Call(ctx, name, input, &output)
}

func (o *operatorFlags) reach(ctx context.Context) (admin.Caller, func() error, error) {
	socket, running, err := admin.Dial(ctx, o.dataDir)
	if err != nil || running {
		return socket, func() error { return nil }, err
	}
	if _, err := os.Stat(filepath.Join(o.dataDir, "chancery.db")); err != nil {
		return nil, nil, fmt.Errorf("there is no data in %s; `chancery serve` makes it, or name another with --data-dir", o.dataDir)
	}
	config := service.Config{DataDir: o.dataDir, KeyFile: o.keyFile, Products: o.products}
	catalogue, err := config.Catalogue()
	if err != nil {
		return nil, nil, err
	}
	opened, err := service.OpenStore(ctx, config)
	if errors.Is(err, store.ErrInUse) {
		return nil, nil, fmt.Errorf("%w, but does not answer on its admin socket: is it starting, or run by another user?", err)
	}
	if err != nil {
		return nil, nil, err
	}
	return &admin.Admin{
		Store: opened, Catalogue: catalogue, Clock: chancery.SystemClock{}, RefundWindow: o.refundWindow,
	}, opened.Close, nil
}

// show prints a result: as JSON, or as a table with a head.
func show(command *cobra.Command, o *operatorFlags, result any, head string, rows [][]string) error {
	out := command.OutOrStdout()
	if o.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, strings.Join(strings.Fields(head), "\t"))
	for _, row := range rows {
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

func accountCommand() *cobra.Command {
	o := &operatorFlags{}
	account := &cobra.Command{
		Use: "account", GroupID: "operator", Short: "Create and list accounts",
		Example: "  chancery account create --name shop\n  chancery account list --output json",
	}
	o.add(account)
	var name string
	create := &cobra.Command{
		Use: "create", Short: "Create an account, without keys or plans", Args: cobra.NoArgs,
		Example: "  chancery account create --name shop",
		RunE: func(command *cobra.Command, _ []string) error {
			made, err := call[admin.Account](command, o, "account.create", admin.NewAccount{Name: name})
			if err != nil {
				return err
			}
			return showAccounts(command, o, made, made)
		},
	}
	create.Flags().StringVar(&name, "name", "", "a name for people")
	list := &cobra.Command{
		Use: "list", Short: "List all accounts", Args: cobra.NoArgs,
		Example: "  chancery account list",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.Account](command, o, "account.list", admin.Nothing{})
			if err != nil {
				return err
			}
			return showAccounts(command, o, all, all...)
		},
	}
	account.AddCommand(create, list)
	return account
}

func showAccounts(command *cobra.Command, o *operatorFlags, result any, accounts ...admin.Account) error {
	var rows [][]string
	for _, a := range accounts {
		rows = append(rows, []string{fmt.Sprint(a.ID), a.CreatedAt.Format(time.RFC3339), a.Name})
	}
	return show(command, o, result, "ACCOUNT CREATED NAME", rows)
}

func accessKeyCommand() *cobra.Command {
	o := &operatorFlags{}
	accessKey := &cobra.Command{
		Use: "accesskey", GroupID: "operator", Short: "Create, list and disable access keys",
		Example: "  chancery accesskey create\n  chancery accesskey disable CHANER9c68PAus1HqDH5qkbj",
	}
	o.add(accessKey)
	var account int64
	accessKey.PersistentFlags().Int64Var(&account, "account", 0, "the account; may be left out when there is only one")
	accessKey.AddCommand(createAccessKeyCommand(o, &account), &cobra.Command{
		Use: "list", Short: "List an account's access keys, without secrets", Args: cobra.NoArgs,
		Example: "  chancery accesskey list --account 2703972206049602",
		RunE: func(command *cobra.Command, _ []string) error {
			keys, err := call[[]admin.AccessKey](command, o, "accesskey.list", admin.AccountName{ID: chancery.AccountID(account)})
			if err != nil {
				return err
			}
			var rows [][]string
			for _, k := range keys {
				state := "active"
				if k.Disabled {
					state = "disabled"
				}
				rows = append(rows, []string{k.ID, state, k.CreatedAt.Format(time.RFC3339)})
			}
			return show(command, o, keys, "ACCESSKEY STATE CREATED", rows)
		},
	}, &cobra.Command{
		Use: "disable ACCESSKEYID", Short: "End the use of an access key, from the next request on", Args: cobra.ExactArgs(1),
		Example: "  chancery accesskey disable CHANER9c68PAus1HqDH5qkbj",
		RunE: func(command *cobra.Command, args []string) error {
			name := admin.AccessKeyName{AccountID: chancery.AccountID(account), ID: args[0]}
			if _, err := call[admin.Nothing](command, o, "accesskey.disable", name); err != nil {
				return err
			}
			return show(command, o, name, "DISABLED", [][]string{{name.ID}})
		},
	})
	return accessKey
}

func createAccessKeyCommand(o *operatorFlags, account *int64) *cobra.Command {
	var id, secretFile string
	create := &cobra.Command{
		Use: "create", Args: cobra.NoArgs,
		Short: "Create an access key, shown once, or take over an existing pair",
		Long: `Create an access key for an account; the secret is shown this once.

With --id and --secret-file the pair that clients already have is taken over, so
that they keep their credentials. The file holds the secret alone, on one line.`,
		Example: `  chancery accesskey create
  chancery accesskey create --account 2703972206049602 --id LTAI5tExample --secret-file secret`,
		RunE: func(command *cobra.Command, _ []string) error {
			ask := admin.NewAccessKey{AccountID: chancery.AccountID(*account), ID: id}
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
				return show(command, o, made, "ACCESSKEY ACCOUNT", [][]string{{made.ID, fmt.Sprint(made.AccountID)}})
			}
			return show(command, o, made, "ACCESSKEY SECRET ACCOUNT", [][]string{{made.ID, made.Secret, fmt.Sprint(made.AccountID)}})
		},
	}
	create.Flags().StringVar(&id, "id", "", "take over this access key id")
	create.Flags().StringVar(&secretFile, "secret-file", "", "file with the secret of --id")
	return create
}

func planCommand() *cobra.Command {
	o := &operatorFlags{}
	plan := &cobra.Command{
		Use: "plan", GroupID: "operator", Short: "Grant and list certificate resource plans",
		Example: "  chancery plan grant --count 20\n  chancery plan list",
	}
	o.add(plan)
	var account int64
	plan.PersistentFlags().Int64Var(&account, "account", 0, "the account; may be left out when there is only one")
	ask := admin.Grant{}
	var expires string
	grant := &cobra.Command{
		Use: "grant", Short: "Grant an account applications of a product", Args: cobra.NoArgs,
		Example: "  chancery plan grant --product symantec-dv-1-starter --count 5 --expires 2027-12-31",
		RunE: func(command *cobra.Command, _ []string) error {
			ask.AccountID = chancery.AccountID(account)
			if expires != "" {
				end, err := parseEnd(expires)
				if err != nil {
					return usageError{err, "plan grant "}
				}
				ask.ExpiresAt = &end
			}
			made, err := call[admin.Plan](command, o, "plan.grant", ask)
			if err != nil {
				return err
			}
			return showPlans(command, o, made, made)
		},
	}
	grant.Flags().StringVar(&ask.ProductCode, "product", chancery.DefaultProduct, "the product code")
	grant.Flags().Int64Var(&ask.Count, "count", 1, "how many applications")
	grant.Flags().StringVar(&expires, "expires", "", "last day (2027-12-31) or time (RFC 3339); default the product's term from now")
	plan.AddCommand(grant, &cobra.Command{
		Use: "list", Short: "List an account's plans", Args: cobra.NoArgs,
		Example: "  chancery plan list --output json",
		RunE: func(command *cobra.Command, _ []string) error {
			plans, err := call[[]admin.Plan](command, o, "plan.list", admin.AccountName{ID: chancery.AccountID(account)})
			if err != nil {
				return err
			}
			return showPlans(command, o, plans, plans...)
		},
	})
	return plan
}

// parseEnd reads a last day, which counts in full, or a moment.
func parseEnd(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return moment, fmt.Errorf("--expires: %q is neither a day such as 2027-12-31 nor a time such as 2027-12-31T12:00:00Z", text)
	}
	return moment, nil
}

func showPlans(command *cobra.Command, o *operatorFlags, result any, plans ...admin.Plan) error {
	var rows [][]string
	for _, p := range plans {
		end := "never"
		if p.ExpiresAt != nil {
			end = p.ExpiresAt.Format(time.RFC3339)
		}
		rows = append(rows, []string{fmt.Sprint(p.ID), p.ProductCode, fmt.Sprint(p.Total), fmt.Sprint(p.Used), end})
	}
	return show(command, o, result, "PLAN PRODUCT TOTAL USED EXPIRES", rows)
}

func doctorCommand() *cobra.Command {
	o := &operatorFlags{}
	doctor := &cobra.Command{
		Use: "doctor", GroupID: "operator", Args: cobra.NoArgs,
		Short: "Check every invariant of the data",
		Long: `Check every invariant of the data: quota against ledger and orders, orders
against proofs, steps, keys and certificates, that every sealed secret opens in
its place, and that every certificate is the one the CA recorded and fits its
key. It changes nothing, also while the service runs, and ends with status 1
when something is wrong.`,
		Example: "  chancery doctor\n  chancery doctor --data-dir /var/lib/chancery --output json",
		RunE: func(command *cobra.Command, _ []string) error {
			report, err := call[store.Report](command, o, "doctor", admin.Nothing{})
			if err != nil {
				return err
			}
			var rows [][]string
			for _, p := range report.Problems {
				rows = append(rows, []string{p.Row, "breaks: " + p.Invariant})
			}
			if len(rows) == 0 && o.output == "text" {
				_, err := fmt.Fprintf(command.OutOrStdout(), "clean: %d invariants hold, %d sealed values and certificates opened\n", report.Checks, report.Rows)
				return err
			}
			if err := show(command, o, report, "ROW PROBLEM", rows); err != nil || len(rows) == 0 {
				return err
			}
			return fmt.Errorf("the data is not sound; problems found: %d", len(rows))
		},
	}
	o.add(doctor)
	return doctor
}
