package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"chancery/cas"
	"chancery/client"
)

func orderCommand() *cobra.Command {
	order := &cobra.Command{
		Use: "order", GroupID: "orders", Short: "List orders, follow one; apply, status, download and revoke are here too",
		Example: `  chancery order list --status checking
  chancery order watch 3614381943929442`,
	}
	order.AddCommand(orderListCommand(), orderWatchCommand())
	for _, same := range []*cobra.Command{applyCommand(), statusCommand(), downloadCommand(), revokeCommand()} {
		same.GroupID = ""
		order.AddCommand(same)
	}
	return order
}

func orderWatchCommand() *cobra.Command {
	o := &orderFlags{}
	var timeout time.Duration
	command := &cobra.Command{
		Use: "watch ORDER", Args: cobra.ExactArgs(1), Short: "Follow an order until it is issued or has failed",
		Long: `Follow an order until it is issued or has failed: on a terminal in one line that is
written anew, elsewhere in a line for each thing that changes. Nothing is saved;
"chancery download" does that.

It ends with status 0 once the order is issued, and with 1 if it failed, was
withdrawn or revoked, if --timeout passed first, and when it is interrupted.
` + credentialsHelp,
		Example: `  chancery order watch 3614381943929442
  chancery order watch 3614381943929442 --timeout 10m --output json`,
		RunE: func(command *cobra.Command, args []string) error {
			order, err := parseOrder(args[0])
			if err != nil {
				return usageError{err, hint(command)}
			}
			if timeout < 0 {
				return usageError{fmt.Errorf("--timeout: %s is less than nothing", timeout), hint(command)}
			}
			c, err := o.client(command)
			if err != nil {
				return err
			}
			return o.teller(command).watch(command.Context(), c, order, timeout)
		},
	}
	o.add(command)
	command.ValidArgsFunction = completeOrders("CHECKING")
	command.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait at most; 0 for as long as it takes")
	return command
}

// errTimeout ends a wait that took too long.
var errTimeout = errors.New("the time of --timeout has passed")

// watch tells what happens to an order until it has come to its end.
func (t teller) watch(ctx context.Context, c *client.Client, order int64, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer cancel()
	}
	p := newProgress(t, t.command.OutOrStdout(), order)
	last := ""
	var lost error
	_, err := c.Wait(ctx, order, pollPause, func(state *cas.DescribeCertificateStateOutput) {
		if !t.output.data() {
			p.show(state)
		} else if text := stateText(state); text != last {
			last = text
			lost = errors.Join(lost, t.event("state", map[string]any{"orderId": order, "type": state.Type, "text": text}))
		}
	})
	p.end()
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return fmt.Errorf("order %d is not issued yet: %w", order, errTimeout)
	}
	return errors.Join(err, lost)
}
