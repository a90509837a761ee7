package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"chancery/admin"
)

func simulateCommand(o *operatorFlags) *cobra.Command {
	ask := admin.Simulation{}
	var address, at string
	command := &cobra.Command{
		Use: "simulate (--user USER | --role ROLE) --action ACTION", Args: cobra.NoArgs,
		Short: "Say whether a user or a role may do something, and which statement decides",
		Long: `Say whether a user, or somebody who uses a role, may do something, and which
statement of which policy decides. The service decides the same for a call that
comes from --source-ip at --time, over TLS with --tls.

An action without a prefix is one of CAS: DescribeCertificateState is
yundun-cert:DescribeCertificateState. A resource is order/55 or the like, of the
account, or a full name; several are several names of one object, such as an
order and its certificate. The calls of the console have actions too, without a
resource: ram:CreateUser and the like and, in an operator's account,
chancery:review.list and the like. To assume a role, name it role/NAME; whether it trusts
the caller is then asked too.

The exit status is 0 for allow and 1 for deny; when neither can be said, because
there is no such user or the command is wrong, it is 2.`,
		Example: `  chancery policy simulate --user ada --action DescribeCertificateState --resource order/55
  chancery policy simulate --role deployer --action ReadPrivateKey --resource order/55 --resource certificate/77 \
    --source-ip 192.0.2.7 --tls
  chancery policy simulate --user ada --action sts:AssumeRole --resource role/deployer
  chancery policy simulate --user ada --action chancery:review.approve`,
		RunE: func(command *cobra.Command, _ []string) (err error) {
			switch {
			case (ask.User == "") == (ask.Role == ""):
				return usageError{errors.New("name one of --user and --role"), hint(command)}
			case ask.Action == "":
				return usageError{errors.New("name the action with --action"), hint(command)}
			}
			if ask.SourceIP, ask.Time, err = parseCircumstances(address, at); err != nil {
				return usageError{err, hint(command)}
			}
			ask.AccountID = o.accountID()
			verdict, err := call[admin.Verdict](command, o, "policy.simulate", ask)
			if err != nil {
				return statusError{2, err}
			}
			return showVerdict(command, o, verdict)
		},
	}
	flags := command.Flags()
	flags.StringVar(&ask.User, "user", "", "the user")
	flags.StringVar(&ask.Role, "role", "", "the role")
	flags.StringVar(&ask.Session, "session", "", "name of the role's session")
	flags.StringVar(&ask.Action, "action", "", "what is to be done")
	flags.StringArrayVar(&ask.Resources, "resource", nil, "to what: order/55; may be given several times; default no single thing")
	flags.StringVar(&address, "source-ip", "", "where the call comes from")
	flags.StringVar(&at, "time", "", "when it comes (RFC 3339); default now")
	flags.BoolVar(&ask.Secure, "tls", false, "it comes over TLS")
	return command
}

func parseCircumstances(address, at string) (from netip.Addr, when time.Time, err error) {
	if address != "" {
		if from, err = netip.ParseAddr(address); err != nil {
			return from, when, fmt.Errorf("--source-ip: %q is no IP address", address)
		}
	}
	if at != "" {
		if when, err = time.Parse(time.RFC3339, at); err != nil {
			return from, when, fmt.Errorf("--time: %q is not a time such as 2027-12-31T12:00:00Z", at)
		}
	}
	return from, when, nil
}

func showVerdict(command *cobra.Command, o *operatorFlags, v admin.Verdict) error {
	denied := error(statusError{status: 1})
	word := "deny"
	if v.Allowed {
		word, denied = "allow", nil
	}
	if o.output.data() {
		return errors.Join(show(command, o, v, "", nil), denied)
	}
	out := command.OutOrStdout()
	_, _ = fmt.Fprintf(out, "%s: %s\n  principal  %s\n  action     %s\n", word, v.Reason, v.Principal, v.Action)
	for _, resource := range v.Resources {
		_, _ = fmt.Fprintf(out, "  resource   %s\n", resource)
	}
	for _, note := range v.Notes {
		_, _ = fmt.Fprintf(out, "  note       %s\n", note)
	}
	return denied
}
