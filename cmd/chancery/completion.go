package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"chancery"
	"chancery/cas"
)

func completionCommand() *cobra.Command {
	shells := map[string]func(*cobra.Command) error{
		"bash":       func(c *cobra.Command) error { return c.Root().GenBashCompletionV2(c.OutOrStdout(), true) },
		"zsh":        func(c *cobra.Command) error { return c.Root().GenZshCompletion(c.OutOrStdout()) },
		"fish":       func(c *cobra.Command) error { return c.Root().GenFishCompletion(c.OutOrStdout(), true) },
		"powershell": func(c *cobra.Command) error { return c.Root().GenPowerShellCompletionWithDesc(c.OutOrStdout()) },
	}
	return &cobra.Command{
		Use: "completion SHELL", GroupID: "service", Short: "Print a script that completes commands in bash, zsh, fish or PowerShell",
		Long: `Print a script with which a shell completes commands, flags and many of their
values. Where the access key is in the environment, ids of orders are completed
too: the service is asked for the newest, for at most a second.

  bash        source it from ~/.bashrc; needs the package bash-completion
  zsh         put it into a file _chancery in a directory of $fpath
  fish        put it into ~/.config/fish/completions/chancery.fish
  powershell  have it evaluated in the profile`,
		Example: `  source <(chancery completion bash)
  chancery completion zsh > "${fpath[1]}/_chancery"
  chancery completion fish > ~/.config/fish/completions/chancery.fish
  chancery completion powershell | Out-String | Invoke-Expression`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE:      func(command *cobra.Command, args []string) error { return shells[args[0]](command) },
	}
}

// complete has the values of a flag completed.
func complete(command *cobra.Command, flag string, values ...string) {
	// It fails for a flag that is not there, or has values already: see the tests.
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// flagValues are those of flags that mean the same in every command.
func flagValues() map[string][]string {
	var products []string
	for _, product := range chancery.DefaultCatalogue() {
		products = append(products, cobra.CompletionWithDesc(product.Code, product.Name))
	}
	return map[string][]string{
		"output":     {"table", "json", "yaml"},
		"method":     {string(chancery.DNS), string(chancery.FILE)},
		"product":    products,
		"reason":     {"unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"},
		"ca-key":     {string(chancery.ECC256), string(chancery.RSA3072), string(chancery.RSA4096)},
		"log-level":  {"debug", "info", "warn", "error"},
		"log-format": {"text", "json"},
		"rates":      {"default", "documented"},
		"tls":        {"self"},
	}
}

// takesFiles are the commands whose arguments are files.
var takesFiles = map[string]bool{"chancery backup": true, "chancery restore": true, "chancery keyring new-key": true}

// addCompletions goes through all commands: values of flags that are known, and no
// file names where an argument is none.
func addCompletions(command *cobra.Command) {
	for flag, values := range flagValues() {
		if flag == "reason" && command.Name() == "reject" { // there it is a text
			continue
		}
		for _, flags := range []*pflag.FlagSet{command.Flags(), command.PersistentFlags()} {
			if flags.Lookup(flag) != nil {
				complete(command, flag, values...)
				break
			}
		}
	}
	if command.ValidArgsFunction == nil && len(command.ValidArgs) == 0 && !takesFiles[command.CommandPath()] {
		command.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range command.Commands() {
		addCompletions(sub)
	}
}

// completionTime is how long a user who pressed Tab waits for ids.
const completionTime = time.Second

// completeOrders gives ids of the newest orders in a status, with their names. Where
// there is no answer in time it gives none, without a word.
func completeOrders(status string) cobra.CompletionFunc {
	return func(command *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 && command.Name() != "revoke" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return orderIDs(command, status), cobra.ShellCompDirectiveNoFileComp
	}
}

func orderIDs(command *cobra.Command, status string) (ids []string) {
	if configure(command, "") != nil {
		return nil
	}
	o := &orderFlags{}
	o.endpoint, _ = command.Flags().GetString("endpoint")
	o.caFile, _ = command.Flags().GetString("ca")
	c, err := o.client(command)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	const newest = 30
	rows, _, err := list(ctx, c, cas.ListUserCertificateOrderInput{Status: status}, newest)
	if err != nil {
		return nil
	}
	for _, row := range rows {
		if row.OrderRow != nil {
			ids = append(ids, cobra.CompletionWithDesc(strconv.FormatInt(row.OrderId, 10), row.Domain))
		}
	}
	return ids
}
