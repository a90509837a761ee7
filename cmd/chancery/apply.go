package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/cas"
	"chancery/client"
)

// application is what `apply` sends.
type application struct {
	domains                           []string
	csrFile, method, product, company string
	username, phone, email            string
	clientToken                       string
}

func applyCommand() *cobra.Command {
	o := &orderFlags{}
	a := &application{}
	var out string
	var noWait bool
	command := &cobra.Command{
		Use: "apply DOMAIN...", GroupID: "orders", Args: cobra.MaximumNArgs(chancery.MaxNames),
		Short: "Apply for a certificate, show what to publish, wait, and save the files",
		Long: `Apply for a certificate. The DNS record or file to publish is shown, and once
it was seen the certificate is issued and saved to DIR/<name>/ as cert.pem,
chain.pem, fullchain.pem, privkey.pem (mode 0600) and root.pem. Up to five names
can share a certificate, all plain or all wildcards; each is proved.

With --csr the key stays with you: the name is the CSR's common name, and no
private key is saved.
` + credentialsHelp,
		Example: `  chancery apply www.example.com
  chancery apply '*.example.com' --product symantec-dv-1-starter
  chancery apply www.example.com example.com --product symantec-ov-1-personal --company 'Example Ltd'
  chancery apply www.example.com --method FILE --out /etc/certificates
  chancery apply --csr server.csr --no-wait --output json`,
		RunE: func(command *cobra.Command, args []string) error {
			if (len(args) > 0) == (a.csrFile != "") {
				return usageError{fmt.Errorf("give either DOMAIN... or --csr FILE"), hint(command)}
			}
			a.domains = args
			c, err := o.client(command)
			if err != nil {
				return err
			}
			return applyAndWait(command.Context(), c, o.teller(command), a, out, noWait)
		},
	}
	o.add(command)
	flags := command.Flags()
	flags.StringVar(&a.method, "method", "DNS", "how to prove control of the domain: DNS or FILE")
	flags.StringVar(&a.product, "product", chancery.DefaultProduct, "the product code")
	flags.StringVar(&a.csrFile, "csr", "", "PEM file with a certificate signing request of your own")
	flags.StringVar(&a.company, "company", "", "OV: the company that applies, one that the account has; default its newest")
	flags.StringVar(&a.username, "username", applicantName(), "the applicant's name")
	flags.Lookup("username").DefValue = "your login name" // help and documents say the same everywhere
	flags.StringVar(&a.phone, "phone", "none", "the applicant's phone number")
	flags.StringVar(&a.email, "email", "none", "the applicant's e-mail address")
	flags.StringVar(&a.clientToken, "client-token", "", "names this application: the same one again within 24 hours gets the same order")
	flags.StringVar(&out, "out", ".", "directory for the files")
	flags.BoolVar(&noWait, "no-wait", false, "end after the application")
	return command
}

func applicantName() string {
	if me, err := user.Current(); err == nil && me.Username != "" {
		return me.Username
	}
	return "operator"
}

func applyAndWait(ctx context.Context, c *client.Client, t teller, a *application, out string, noWait bool) error {
	order, err := a.send(ctx, c)
	if err != nil {
		return err
	}
	state, err := c.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: order, Verbose: true})
	if err != nil {
		return err
	}
	t.text("Order %d for %s (%s)\n\n", order, state.Order.Domain, state.Order.ProductCode)
	if err := t.proof(order, state); err != nil {
		return err
	}
	if noWait {
		t.text("Then: chancery download %d --wait\n", order)
		return nil
	}
	return t.wait(ctx, c, order, out, proofTexts(state))
}

func (a *application) send(ctx context.Context, c *client.Client) (int64, error) {
	var csr []byte
	if a.csrFile != "" {
		var err error
		if csr, err = os.ReadFile(a.csrFile); err != nil {
			return 0, fmt.Errorf("--csr: %w", err)
		}
	}
	made, err := c.CreateCertificateForPackageRequest(ctx, cas.CreateCertificateForPackageRequestInput{
		Username: a.username, Phone: a.phone, Email: a.email, CompanyName: a.company,
		Domain: strings.Join(a.domains, ","), Csr: string(csr),
		ValidateType: a.method, ProductCode: a.product, ClientToken: a.clientToken,
	})
	if err != nil {
		return 0, err
	}
	return made.OrderId, nil
}
