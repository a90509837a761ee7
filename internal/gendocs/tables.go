package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"chancery/internal/service"
	"chancery/rpc"
)

// errorCodes lists the gateway's one error table.
func errorCodes(string) (string, error) {
	var b strings.Builder
	b.WriteString("# Error codes\n\nAn error answers with its HTTP status and a body of five strings: RequestId, HostId, Code, Message\nand Recommend. The message says what was wrong with this request; this table, what to do.\n\n" +
		"| code | HTTP | what to do |\n| --- | --- | --- |\n")
	for _, row := range rpc.Errors {
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", row.Code, row.Status, row.Advice)
	}
	return b.String(), nil
}

// configuration lists the flags of `chancery serve`.
func configuration(string) (string, error) {
	var b strings.Builder
	b.WriteString("# Configuration of `chancery serve`\n\nNothing has to be set. A setting is a flag, else an environment variable, else a key of the YAML file\n" +
		"that `--config` names; the first that is there counts. Lists are repeated\nflags, comma-separated in the environment, and YAML lists in the file:\n\n" +
		"```yaml\nlisten: 0.0.0.0:8280\ndcv-resolver: [192.0.2.53, 198.51.100.53]\ndcv-allow: [10.0.0.0/8]\n```\n\n" +
		"| setting | environment | default | |\n| --- | --- | --- | --- |\n")
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	new(service.Config).Flags(flags, "~/.local/share/chancery")
	flags.VisitAll(func(f *pflag.Flag) {
		value := f.DefValue
		if value == "" || value == "[]" {
			value = " "
		}
		fmt.Fprintf(&b, "| `--%s` | `CHANCERY_%s` | %s | %s |\n", f.Name, strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), value, f.Usage)
	})
	return b.String(), nil
}
