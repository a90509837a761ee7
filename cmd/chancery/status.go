package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"chancery/cas"
)

func statusCommand() *cobra.Command {
	o := &orderFlags{}
	var verbose bool
	command := &cobra.Command{
		Use: "status ORDER", GroupID: "orders", Args: cobra.ExactArgs(1),
		Short: "Show how an order stands, what to publish, and why it waits",
		Long: `Show how an order stands. While it waits for its proof, what to publish is shown
again; --verbose adds every look at the proof: when, where, what was found and
why it was not enough.
` + credentialsHelp,
		Example: `  chancery status 3614381943929442
  chancery status 3614381943929442 --verbose`,
		RunE: func(command *cobra.Command, args []string) error {
			order, err := parseOrder(args[0])
			if err != nil {
				return usageError{err, hint(command)}
			}
			c, err := o.client(command)
			if err != nil {
				return err
			}
			state, err := c.DescribeCertificateState(command.Context(), cas.DescribeCertificateStateInput{OrderId: order, Verbose: true})
			if err != nil {
				return err
			}
			return o.teller(command).status(order, state, verbose)
		},
	}
	o.add(command)
	command.ValidArgsFunction = completeOrders("")
	command.Flags().BoolVarP(&verbose, "verbose", "v", false, "show every look at the proof")
	return command
}

func (t teller) status(order int64, state *cas.DescribeCertificateStateOutput, verbose bool) error {
	if t.output.data() {
		state.PrivateKey = "" // status shows, download gives
		if !verbose {
			state.Looks = nil
		}
		return t.event("status", map[string]any{"orderId": order, "state": state})
	}
	t.text("Order %d for %s (%s): %s\n", order, state.Order.Domain, state.Order.ProductCode, stateWords[state.Type])
	t.text("  applied   %s\n", moment(state.Order.CreateTime))
	if state.Order.ProveTime > 0 {
		t.text("  proved    %s\n", moment(state.Order.ProveTime))
	}
	if state.Order.IssueTime > 0 {
		held := ""
		if state.CertId != "" { // a revoked one is not answered
			held = fmt.Sprintf(" (certificate %s)", state.CertId)
		}
		t.text("  issued    %s%s\n", moment(state.Order.IssueTime), held)
	}
	t.issuer(state)
	if state.Reason != "" {
		t.text("  reason    %s\n", state.Reason)
	}
	if state.Order.UnderReview {
		t.text("  waits for the operator's review\n")
	}
	if state.Order.Delay != "" {
		t.text("  delayed   %s\n", state.Order.Delay)
	}
	if state.Type == "domain_verify" {
		next := "none"
		if state.Order.NextLookTime > 0 {
			next = moment(state.Order.NextLookTime)
		}
		t.text("  next look %s, last possible proof %s\n\n", next, moment(state.Order.ProveBefore))
		if err := t.proof(order, state); err != nil {
			return err
		}
	}
	if verbose {
		t.looks(state.Looks)
	} else if len(state.Looks) > 0 {
		t.text("  last look %s (all with --verbose)\n", lookWords(newest(state.Looks)))
	}
	return nil
}

// issuer tells of the ACME CA that has the order, if one has.
func (t teller) issuer(state *cas.DescribeCertificateStateOutput) {
	if state.Order.Issuer != "" {
		t.text("  issuer    %s\n", state.Order.Issuer)
	}
	if r := state.Renewal; r != nil {
		t.text("  renewal   suggested by the CA between %s and %s\n", moment(r.Start), moment(r.End))
		if r.Explanation != "" {
			t.text("            because of %s\n", r.Explanation)
		}
	}
}

func (t teller) looks(looks []cas.Look) {
	if len(looks) == 0 {
		t.text("Nobody has looked for the proof yet.\n")
		return
	}
	t.text("Looks at the proof, oldest first:\n")
	for _, look := range looks {
		times := ""
		if look.Count > 1 {
			times = fmt.Sprintf(" [%d times]", look.Count)
		}
		t.text("  %s  %s%s\n", moment(look.Time), lookWords(look), times)
	}
}

func moment(ms int64) string { return time.UnixMilli(ms).Local().Format("2006-01-02 15:04:05 MST") }
