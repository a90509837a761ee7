package main

import (
	"github.com/spf13/cobra"

	"chancery/cas"
)

func downloadCommand() *cobra.Command {
	o := &orderFlags{}
	var out string
	var wait bool
	command := &cobra.Command{
		Use: "download ORDER", GroupID: "orders", Args: cobra.ExactArgs(1),
		Short: "Save the files of an issued order",
		Long: `Save the certificate of an issued order to DIR/<name>/ as cert.pem, chain.pem,
fullchain.pem, privkey.pem (mode 0600) and, for one of the embedded CA, root.pem.
` + credentialsHelp,
		Example: `  chancery download 3614381943929442 --out /etc/certificates
  chancery download 3614381943929442 --wait`,
		RunE: func(command *cobra.Command, args []string) error {
			order, err := parseOrder(args[0])
			if err != nil {
				return usageError{err, hint(command)}
			}
			c, err := o.client(command)
			if err != nil {
				return err
			}
			ctx, t := command.Context(), o.teller(command)
			if wait {
				return t.wait(ctx, c, order, out, nil)
			}
			state, err := c.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: order, Verbose: true})
			if err != nil {
				return err
			}
			return t.save(ctx, c, state, out)
		},
	}
	o.add(command)
	command.ValidArgsFunction = completeOrders("")
	command.Flags().StringVar(&out, "out", ".", "directory for the files")
	command.Flags().BoolVar(&wait, "wait", false, "wait until the order is issued")
	return command
}
