package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
	"chancery/internal/service"
	"chancery/store"
)

// operatorFlags are what the operator's commands have in common.
type operatorFlags struct {
	dataDir, database, keyFile, products string
	output                               format
	account                              int64         // of the commands about one account
	refundWindow                         time.Duration // of the commands that revoke
}

func (o *operatorFlags) add(command *cobra.Command) {
	flags := command.PersistentFlags()
	flags.StringVar(&o.dataDir, "data-dir", defaultDataDir(), "data directory of the service (CHANCERY_DATA_DIR)")
	flags.StringVar(&o.database, "database", "", "as for serve; only needed while no service runs on the data directory")
	flags.StringVar(&o.keyFile, "keyring-key-file", "", "as for serve; only needed while the service is stopped")
	flags.StringVar(&o.products, "products", "", "as for serve; only needed while the service is stopped")
	o.output.add(flags, "")
}

// addAccount is for commands about one account.
func (o *operatorFlags) addAccount(command *cobra.Command) {
	o.add(command)
	command.PersistentFlags().Int64Var(&o.account, "account", 0, "the account; may be left out when there is only one")
}

func (o *operatorFlags) accountID() chancery.AccountID { return chancery.AccountID(o.account) }

// call runs an operator's call: through the socket of the running service, or on
// the data directory itself when no service runs.
func call[O any](command *cobra.Command, o *operatorFlags, name string, input any) (output O, err error) {
	err = o.with(command, func(caller admin.Caller) error {
		return caller.Call(command.Context(), name, input, &output)
	})
	return output, err
}

// with gives fn what makes calls, for as many as it likes.
func (o *operatorFlags) with(command *cobra.Command, fn func(admin.Caller) error) (err error) {
	if err := configure(command, ""); err != nil {
		return usageError{err, hint(command)}
	}
	caller, done, err := o.reach(command.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return fn(caller)
}

func (o *operatorFlags) reach(ctx context.Context) (admin.Caller, func() error, error) {
	socket, running, err := admin.Dial(ctx, o.dataDir)
	if err != nil || running {
		return socket, func() error { return nil }, err
	}
	if _, err := os.Stat(filepath.Join(o.dataDir, "chancery.db")); err != nil && o.database == "" {
		return nil, nil, fmt.Errorf("there is no data in %s; `chancery serve` makes it, or name another with --data-dir", o.dataDir)
	}
	config := service.Config{DataDir: o.dataDir, Database: o.database, KeyFile: o.keyFile, Products: o.products}
	if err := config.TakeKey(); err != nil {
		return nil, nil, err
	}
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

// show prints a result: as data, or as a table with a head.
func show(command *cobra.Command, o *operatorFlags, result any, head string, rows [][]string) error {
	if o.output.data() {
		return o.output.write(command.OutOrStdout(), result)
	}
	return table(command.OutOrStdout(), head, rows)
}

// listed writes a list in a cell of a table.
func listed(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

// orDash fills a cell that would be empty.
func orDash(text string) string { return cmp.Or(text, "-") }

// instant writes a time in a cell.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// readDocument reads a file, or standard input for "-".
func readDocument(command *cobra.Command, flag, path string) (string, error) {
	if path == "-" {
		text, err := io.ReadAll(command.InOrStdin())
		if err != nil {
			return "", fmt.Errorf("--%s: reading standard input: %w", flag, err)
		}
		return string(text), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	return string(text), nil
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
	account.AddCommand(create, list, accountOperatorCommand(o))
	return account
}

func showAccounts(command *cobra.Command, o *operatorFlags, result any, accounts ...admin.Account) error {
	var rows [][]string
	for _, a := range accounts {
		operator := "-"
		if a.Operator {
			operator = "yes"
		}
		rows = append(rows, []string{fmt.Sprint(a.ID), a.CreatedAt.Format(time.RFC3339), operator, a.Name})
	}
	return show(command, o, result, "ACCOUNT CREATED OPERATOR NAME", rows)
}

func planCommand() *cobra.Command {
	o := &operatorFlags{}
	plan := &cobra.Command{
		Use: "plan", GroupID: "operator", Short: "Grant and list certificate resource plans",
		Example: "  chancery plan grant --count 20\n  chancery plan list",
	}
	o.addAccount(plan)
	ask := admin.Grant{}
	var expires string
	grant := &cobra.Command{
		Use: "grant", Short: "Grant an account applications of a product", Args: cobra.NoArgs,
		Example: "  chancery plan grant --product symantec-dv-1-starter --count 5 --expires 2027-12-31",
		RunE: func(command *cobra.Command, _ []string) error {
			ask.AccountID = o.accountID()
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
			plans, err := call[[]admin.Plan](command, o, "plan.list", admin.AccountName{ID: o.accountID()})
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
			if len(report.Problems) == 0 && !o.output.data() {
				_, err := fmt.Fprintf(command.OutOrStdout(), "clean: %d invariants hold, %d sealed values and certificates opened\n", report.Checks, report.Rows)
				return err
			}
			return showProblems(command, o, report)
		},
	}
	o.add(doctor)
	return doctor
}
