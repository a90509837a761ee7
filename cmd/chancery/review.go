package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
)

func reviewCommand() *cobra.Command {
	o := &operatorFlags{}
	review := &cobra.Command{
		Use: "review", GroupID: "operator", Short: "Decide on orders that wait for a review",
		Long: `OV orders, and those of products with "review": true, wait for the operator's
decision once their names are proved. An approved order is issued; a rejected
one fails with the reason, which the applicant reads.`,
		Example: "  chancery review list\n  chancery review approve 4721590088371203",
	}
	o.add(review)
	var reason string
	reject := reviewDecision(o, "reject", "Refuse an order, with a reason for the applicant", "review.reject", &reason)
	reject.Example = "  chancery review reject 4721590088371203 --reason 'the organisation is not registered'"
	reject.Flags().StringVar(&reason, "reason", "", "what the applicant reads (required)")
	review.AddCommand(&cobra.Command{
		Use: "list", Short: "List what waits for a decision, oldest first", Args: cobra.NoArgs,
		Example: "  chancery review list",
		RunE: func(command *cobra.Command, _ []string) error {
			waiting, err := call[[]admin.Review](command, o, "review.list", admin.Nothing{})
			if err != nil {
				return err
			}
			return showReviews(command, o, waiting, waiting...)
		},
	}, reviewDecision(o, "approve", "Let the issuer sign for an order", "review.approve", &reason), reject)
	return review
}

func reviewDecision(o *operatorFlags, verb, short, name string, reason *string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ORDER", Short: short, Args: cobra.ExactArgs(1),
		Example: "  chancery review " + verb + " 4721590088371203",
		RunE: func(command *cobra.Command, args []string) error {
			id, err := parseOrder(args[0])
			if err != nil {
				return usageError{err, "review " + verb + " "}
			}
			decided, err := call[admin.Review](command, o, name, admin.Decision{OrderID: chancery.OrderID(id), Reason: *reason})
			if err != nil {
				return err
			}
			return showReviews(command, o, decided, decided)
		},
	}
}

func showReviews(command *cobra.Command, o *operatorFlags, result any, reviews ...admin.Review) error {
	var rows [][]string
	for _, r := range reviews {
		rows = append(rows, []string{fmt.Sprint(r.OrderID), r.Product, strings.Join(r.Names, ","), r.Applicant, r.Company, r.ProvedAt.Format(time.RFC3339)})
	}
	return show(command, o, result, "ORDER PRODUCT NAMES APPLICANT COMPANY PROVED", rows)
}
