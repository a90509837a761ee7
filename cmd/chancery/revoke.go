package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/cas"
	"chancery/client"
)

const reasonsHelp = `
  keyCompromise         the private key was lost or seen by somebody else
  affiliationChanged    the organisation in the certificate has changed
  superseded            another certificate took its place
  cessationOfOperation  the name or the service is no longer in use
  privilegeWithdrawn    the subscriber broke the rules; the operator's reason
  unspecified           none of these; CRL and OCSP then tell no reason`

func revokeCommand() *cobra.Command {
	o := &orderFlags{}
	var reason string
	var yes bool
	command := &cobra.Command{
		Use: "revoke ORDER...", GroupID: "orders", Args: cobra.MinimumNArgs(1),
		Short: "Revoke the certificates of issued orders",
		Long: `Revoke the certificates of issued orders, for good. OCSP says so at once and the
CRL within a minute; clients that look at neither go on trusting them. Each
order's unit of quota comes back if its certificate is not older than the
operator's --refund-window (30 days). A withdrawn order is cancelled instead: it
is gone, and its unit comes back.

Reasons:` + reasonsHelp + `

Nothing happens before the list was shown and agreed to; --yes agrees at once.
` + credentialsHelp,
		Example: `  chancery revoke 4721590088371203 --reason keyCompromise
  chancery revoke 4721590088371203 5530217746120984 --reason superseded --yes`,
		RunE: func(command *cobra.Command, args []string) error {
			if _, err := chancery.ParseReason(reason); err != nil {
				return usageError{fmt.Errorf("--reason: %q is not unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn", reason), hint(command)}
			}
			orders := make([]int64, len(args))
			for i, text := range args {
				var err error
				if orders[i], err = parseOrder(text); err != nil {
					return usageError{err, hint(command)}
				}
			}
			c, err := o.client(command)
			if err != nil {
				return err
			}
			t := o.teller(command)
			if err := t.preview(command.Context(), c, orders); err != nil {
				return err
			}
			if !yes {
				if err := agreed(command, t, reason); err != nil {
					return err
				}
			}
			return t.revoke(command.Context(), c, orders, reason)
		},
	}
	o.add(command)
	command.ValidArgsFunction = completeOrders("ISSUED")
	command.Flags().StringVar(&reason, "reason", chancery.Unspecified.String(), "why, as listed above")
	command.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return command
}

// preview shows what would be revoked, and ends with the first order that cannot be.
func (t teller) preview(ctx context.Context, c *client.Client, orders []int64) error {
	for _, order := range orders {
		state, err := c.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: order, Verbose: true})
		if err != nil {
			return err
		}
		if state.Type != "certificate" && state.Type != "payed" {
			return fmt.Errorf("order %d is %s; only issued orders can be revoked, and withdrawn ones cancelled", order, stateWords[state.Type])
		}
		since := "withdrawn"
		if state.Order.IssueTime > 0 {
			since = "issued " + moment(state.Order.IssueTime)
		}
		t.text("  order %d  %s  (%s)\n", order, state.Order.Domain, since)
	}
	return nil
}

// agreed asks whoever sits before the command.
func agreed(command *cobra.Command, t teller, reason string) error {
	if t.output.data() {
		return usageError{fmt.Errorf("with --output %s there is nobody to ask; give --yes", t.output), hint(command)}
	}
	_, _ = fmt.Fprintf(command.ErrOrStderr(), "Revoke with reason %s? This cannot be undone. [y/N] ", reason)
	answer, err := bufio.NewReader(command.InOrStdin()).ReadString('\n')
	if err != nil && answer == "" {
		return errors.New("nobody answered; nothing was revoked (--yes does not ask)")
	}
	if word := strings.ToLower(strings.TrimSpace(answer)); word != "y" && word != "yes" {
		return errors.New("nothing was revoked")
	}
	return nil
}

func (t teller) revoke(ctx context.Context, c *client.Client, orders []int64, reason string) error {
	for i, order := range orders {
		err := c.CancelCertificateForPackageRequest(ctx, cas.CancelCertificateForPackageRequestInput{OrderId: order, Reason: reason})
		if err != nil {
			return fmt.Errorf("revoking order %d (%d of %d were done before it): %w", order, i, len(orders), err)
		}
		t.text("Revoked: order %d\n", order)
		if err := t.event("revoked", map[string]any{"orderId": order, "reason": reason}); err != nil {
			return err
		}
	}
	t.text("OCSP says so now, the CRL within a minute.\n")
	return nil
}
