package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"chancery/admin"
	"chancery/issuer"
)

func issuerCommand() *cobra.Command {
	o := &operatorFlags{}
	command := &cobra.Command{
		Use: "issuer", GroupID: "operator", Short: "Add, list, test and remove ACME CAs",
		Long: `Certificates come from the embedded CA, or from any CA that speaks ACME (RFC
8555): a public one such as Let's Encrypt, or one inside the organisation. An
issuer is a CA under a name; a product of the catalogue names its issuer, and
"serve --issuer CODE=NAME" has a built-in product issued by it.`,
		Example: `  chancery issuer add letsencrypt --directory https://acme-v02.api.letsencrypt.org/directory --contact mailto:ops@example.com
  chancery issuer test letsencrypt
  chancery serve --issuer digicert-free-1-free=letsencrypt`,
	}
	o.add(command)
	command.AddCommand(addIssuerCommand(o), &cobra.Command{
		Use: "list", Short: "List the ACME CAs", Args: cobra.NoArgs,
		Example: "  chancery issuer list --output json",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.Issuer](command, o, "issuer.list", admin.Nothing{})
			if err != nil {
				return err
			}
			return showIssuers(command, o, all, all...)
		},
	}, &cobra.Command{
		Use: "test NAME", Args: cobra.ExactArgs(1),
		Short: "Ask a CA what it offers, and for our account",
		Long: `Ask a CA for its directory, its terms of service and our account, which is made
if there is none: adding an issuer agrees to the CA's terms. It ends with status
1 if orders would fail.`,
		Example: "  chancery issuer test letsencrypt",
		RunE: func(command *cobra.Command, args []string) error {
			seen, err := call[issuer.Inspection](command, o, "issuer.test", admin.IssuerName{Name: args[0]})
			if err != nil {
				return err
			}
			return showInspection(command, o, seen)
		},
	}, &cobra.Command{
		Use: "remove NAME", Args: cobra.ExactArgs(1),
		Short: "Forget a CA, with the key of our account there",
		Long: `Forget a CA with the key of our account there, unless open orders are with it.
Certificates that it issued can then be revoked here, but no more at the CA.`,
		Example: "  chancery issuer remove letsencrypt",
		RunE: func(command *cobra.Command, args []string) error {
			name := admin.IssuerName{Name: args[0]}
			if _, err := call[admin.Nothing](command, o, "issuer.remove", name); err != nil {
				return err
			}
			return show(command, o, name, "REMOVED", [][]string{{name.Name}})
		},
	})
	return command
}

func addIssuerCommand(o *operatorFlags) *cobra.Command {
	var ask admin.Issuer
	var eabFile, bundleFile, ordersPer string
	add := &cobra.Command{
		Use: "add NAME", Args: cobra.ExactArgs(1),
		Short: "Add an ACME CA under a name",
		Long: `Add an ACME CA under a name. The service makes a key for its account there, and
has the account made with the first order or by "issuer test". Using an issuer
agrees to the CA's terms of service.`,
		Example: `  chancery issuer add letsencrypt --directory https://acme-v02.api.letsencrypt.org/directory --contact mailto:ops@example.com --orders-per 300/3h
  chancery issuer add internal --directory https://ca.example.internal/acme/acme/directory --ca-bundle roots.pem
  chancery issuer add zerossl --directory https://acme.zerossl.com/v2/DV90 --eab-kid KID --eab-hmac-file hmac --fallback letsencrypt`,
		RunE: func(command *cobra.Command, args []string) (err error) {
			ask.Name = args[0]
			if ask.EABKey, err = readFlagFile("eab-hmac-file", eabFile); err != nil {
				return err
			}
			if ask.CABundle, err = readFlagFile("ca-bundle", bundleFile); err != nil {
				return err
			}
			if ordersPer != "" {
				count, window, _ := strings.Cut(ordersPer, "/")
				if ask.OrdersLimit, err = strconv.ParseInt(count, 10, 32); err != nil || ask.OrdersLimit < 1 {
					return usageError{fmt.Errorf("--orders-per: %q is not a number and a time, as 300/3h", ordersPer), hint(command)}
				}
				ask.OrdersWindow = window
			}
			made, err := call[admin.Issuer](command, o, "issuer.add", ask)
			if err != nil {
				return err
			}
			return showIssuers(command, o, made, made)
		},
	}
	flags := add.Flags()
	flags.StringVar(&ask.Directory, "directory", "", "URL of the CA's ACME directory (required)")
	flags.StringArrayVar(&ask.Contacts, "contact", nil, "where the CA may write to, as mailto:ops@example.com; repeatable")
	flags.StringVar(&ask.EABKeyID, "eab-kid", "", "key id of an account that the CA knows already (external account binding)")
	flags.StringVar(&eabFile, "eab-hmac-file", "", "file with the MAC key of --eab-kid, in base64url on one line")
	flags.StringVar(&ask.Profile, "profile", "", "profile of the certificates, one that the CA offers")
	flags.StringVar(&ask.PreferredChain, "preferred-chain", "", "common name of an issuer in the chain to take, if the CA offers several")
	flags.StringVar(&bundleFile, "ca-bundle", "", "PEM file with the roots of the CA's own HTTPS, in place of the system's")
	flags.StringVar(&ordersPer, "orders-per", "", "the most orders to open at the CA in a time, as 300/3h; default no limit")
	flags.Int64Var(&ask.Concurrency, "concurrency", 0, "how many orders call the CA at once; default 8")
	flags.StringArrayVar(&ask.Fallbacks, "fallback", nil, "issuer that takes an order which this one refuses or puts off for long; repeatable, in this order")
	flags.BoolVar(&ask.AllowHTTP, "allow-http", false, "take URLs without TLS: for a test directory")
	return add
}

func readFlagFile(flag, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	return string(text), nil
}

func showIssuers(command *cobra.Command, o *operatorFlags, result any, issuers ...admin.Issuer) error {
	var rows [][]string
	for _, i := range issuers {
		limit := "none"
		if i.OrdersLimit > 0 {
			limit = fmt.Sprintf("%d/%s", i.OrdersLimit, i.OrdersWindow)
		}
		rows = append(rows, []string{i.Name, i.Directory, limit, fmt.Sprint(i.OpenOrders), orNone(i.Fallbacks), orNone(i.Products)})
	}
	return show(command, o, result, "ISSUER DIRECTORY LIMIT OPEN FALLBACKS PRODUCTS", rows)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ",")
}

func showInspection(command *cobra.Command, o *operatorFlags, seen issuer.Inspection) error {
	limit := "none"
	if seen.Limit > 0 {
		limit = fmt.Sprintf("%d of %d orders used", seen.Opened, seen.Limit)
	}
	rows := [][]string{
		{"directory", fmt.Sprintf("%s (%d ms)", seen.Directory, seen.Millis)},
		{"terms of service", orDash(seen.Terms)},
		{"website", orDash(seen.Website)},
		{"CAA identities", orNone(seen.CAA)},
		{"profiles", orNone(seen.Profiles)},
		{"external account", yesNo(seen.NeedsEAB, "needed", "not needed")},
		{"renewal information", yesNo(seen.RenewalInfo, "yes", "no")},
		{"account", seen.Account},
		{"account status", seen.Status},
		{"limit", limit},
	}
	return show(command, o, seen, strings.ToUpper(seen.Name)+" ANSWERS", rows)
}

func yesNo(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
