package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
)

func stepsCommand() *cobra.Command {
	o := &operatorFlags{}
	steps := &cobra.Command{
		Use: "steps", GroupID: "operator", Short: "See background work, and have what is parked tried again",
		Long: `What happens in the background is done in steps: looking at a proof, having the
CA sign, making a key, revoking, sweeping. A step that fails is tried again, with
pauses that grow to five minutes. After 20 attempts, which takes about an hour, it
is parked: nothing is done about it until you say so. The metric
chancery_steps_parked tells of it, the log says why, and so does this list.

Mend the cause, then have it tried again. An order that is withdrawn takes along
what is parked of it, save for a revocation.`,
		Example: "  chancery steps list --parked\n  chancery steps retry --parked",
	}
	o.add(steps)
	steps.AddCommand(stepsListCommand(o), stepsRetryCommand(o))
	return steps
}

func stepsListCommand(o *operatorFlags) *cobra.Command {
	var query admin.StepQuery
	var order string
	list := &cobra.Command{
		Use: "list", Short: "List background work of all accounts, what is due next first", Args: cobra.NoArgs,
		Long: `List background work of all accounts, what is due next first; with --parked,
what is parked longest. ATTEMPTS is how often a step was begun since it last went
well.`,
		Example: "  chancery steps list --parked\n  chancery steps list --order 4721590088371203 --output json",
		RunE: func(command *cobra.Command, _ []string) error {
			if order != "" {
				id, err := parseOrder(order)
				if err != nil {
					return usageError{fmt.Errorf("--order: %w", err), "steps list "}
				}
				query.OrderID = chancery.OrderID(id)
			}
			if query.Limit < 1 {
				return usageError{fmt.Errorf("--limit: %d is not 1 or more", query.Limit), "steps list "}
			}
			found, err := call[admin.StepList](command, o, "steps.list", query)
			if err != nil {
				return err
			}
			if err := showSteps(command, o, found.Steps); err != nil || !found.More {
				return err
			}
			_, err = fmt.Fprintf(command.ErrOrStderr(), "there are others; --limit shows more than %d\n", query.Limit)
			return err
		},
	}
	list.Flags().BoolVar(&query.Parked, "parked", false, "only what failed too often and waits for you")
	list.Flags().StringVar(&order, "order", "", "only the work on this order")
	list.Flags().IntVar(&query.Limit, "limit", 100, "show at most so many")
	return list
}

func stepsRetryCommand(o *operatorFlags) *cobra.Command {
	var parked bool
	retry := &cobra.Command{
		Use: "retry [--parked | ID...]", Short: "Have steps tried again now, with attempts counted anew", Args: cobra.ArbitraryArgs,
		Long: `Have steps tried again now, with attempts counted anew: those with the ids that
` + "`chancery steps list`" + ` shows, parked or not, or all that are parked. It shows them
as they were before. Each is a line of the audit log of its account.`,
		Example: "  chancery steps retry 5530217746120984\n  chancery steps retry --parked",
		RunE: func(command *cobra.Command, args []string) error {
			names := admin.StepNames{Parked: parked}
			if parked == (len(args) > 0) {
				return usageError{errors.New("name either steps by their ids, or --parked for all that are"), "steps retry "}
			}
			for _, text := range args {
				id, err := strconv.ParseInt(text, 10, 64)
				if err != nil || id < 1 {
					return usageError{fmt.Errorf("%q is no step's id; `chancery steps list` shows them", text), "steps retry "}
				}
				names.IDs = append(names.IDs, id)
			}
			retried, err := call[[]admin.Step](command, o, "steps.retry", names)
			if err != nil {
				return err
			}
			return showSteps(command, o, retried)
		},
	}
	retry.Flags().BoolVar(&parked, "parked", false, "all that are parked")
	return retry
}

func showSteps(command *cobra.Command, o *operatorFlags, steps []admin.Step) error {
	var rows [][]string
	for _, s := range steps {
		due, parked := "-", "-"
		if s.DueAt != nil {
			due = instant(*s.DueAt)
		}
		if s.ParkedAt != nil {
			parked = instant(*s.ParkedAt)
		}
		rows = append(rows, []string{
			fmt.Sprint(s.ID), string(s.Kind), idOrDash(int64(s.AccountID)), idOrDash(int64(s.OrderID)),
			due, fmt.Sprint(s.Attempts), parked, orDash(strings.Join(strings.Fields(s.LastError), " ")),
		})
	}
	return show(command, o, steps, "STEP KIND ACCOUNT ORDER DUE ATTEMPTS PARKED LAST-ERROR", rows)
}

// idOrDash fills a cell for what belongs to nobody.
func idOrDash(id int64) string {
	if id == 0 {
		return "-"
	}
	return strconv.FormatInt(id, 10)
}
