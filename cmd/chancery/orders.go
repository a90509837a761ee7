package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"chancery/cas"
	"chancery/client"
	"chancery/signature"
)

// orderFlags are what the commands that call the API have in common.
type orderFlags struct {
	endpoint, caFile string
	output           format
}

// Environment variables that the official clients read too.
const (
	envKeyID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	envKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	envKeyToken  = "ALIBABA_CLOUD_SECURITY_TOKEN" //nolint:gosec // the name of a variable; it comes with temporary keys
)

const credentialsHelp = `
The access key comes from the environment variables ALIBABA_CLOUD_ACCESS_KEY_ID
and ALIBABA_CLOUD_ACCESS_KEY_SECRET; a temporary one comes with
ALIBABA_CLOUD_SECURITY_TOKEN.`

func (o *orderFlags) add(command *cobra.Command) {
	o.addTo(command, "; as data, one result for each thing that happens")
}

// addList is for commands whose result is one list.
func (o *orderFlags) addList(command *cobra.Command) { o.addTo(command, "") }

func (o *orderFlags) addTo(command *cobra.Command, outputHelp string) {
	flags := command.Flags()
	flags.StringVar(&o.endpoint, "endpoint", "http://127.0.0.1:8280", "URL of the service (CHANCERY_ENDPOINT)")
	flags.StringVar(&o.caFile, "ca", "", "PEM file with the root to trust for an https endpoint, besides the system's (CHANCERY_CA)")
	o.output.add(flags, outputHelp)
}

// client reads the settings and makes the API client.
func (o *orderFlags) client(command *cobra.Command) (*client.Client, error) {
	if err := configure(command, ""); err != nil {
		return nil, usageError{err, hint(command)}
	}
	credentials := signature.Credentials{
		AccessKeyID: os.Getenv(envKeyID), AccessKeySecret: signature.Secret(os.Getenv(envKeySecret)), SecurityToken: os.Getenv(envKeyToken),
	}
	if credentials.AccessKeyID == "" || len(credentials.AccessKeySecret) == 0 {
		return nil, fmt.Errorf("no access key: set %s and %s", envKeyID, envKeySecret)
	}
	var roots *x509.CertPool
	if o.caFile != "" {
		text, err := os.ReadFile(o.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		if roots, err = x509.SystemCertPool(); err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca: %s holds no certificate in PEM", o.caFile)
		}
	}
	return client.New(o.endpoint, credentials, roots)
}

// teller writes what happens: for people, or as data, one result for each thing.
type teller struct {
	command *cobra.Command
	output  format
}

func (o *orderFlags) teller(command *cobra.Command) teller {
	return teller{command, o.output}
}

// text is for people alone.
func (t teller) text(format string, args ...any) {
	if !t.output.data() {
		_, _ = fmt.Fprintf(t.command.OutOrStdout(), format, args...)
	}
}

// event is for programs alone.
func (t teller) event(name string, fields map[string]any) error {
	if !t.output.data() {
		return nil
	}
	fields["event"] = name
	return t.output.writeNext(t.command.OutOrStdout(), fields)
}

// proof tells what has to be published, name by name, and what was seen already.
func (t teller) proof(order int64, state *cas.DescribeCertificateStateOutput) error {
	for _, p := range state.Proofs {
		if p.ProveTime > 0 {
			t.text("Proved: %s, %s\n\n", p.Domain, moment(p.ProveTime))
			continue
		}
		if err := t.toPublish(order, p); err != nil {
			return err
		}
	}
	return nil
}

func (t teller) toPublish(order int64, p cas.Proof) error {
	if p.RecordValue+p.Content == "" {
		t.text("The CA has not said yet what to publish for %s.\n\n", p.Domain)
		return nil
	}
	if p.ValidateType == "DNS" {
		t.text("Publish this DNS record:\n\n  %s.  IN  %s  %q\n\n", p.RecordDomain, p.RecordType, p.RecordValue)
		return t.event("publish", map[string]any{"orderId": order, "method": "DNS", "record": p.RecordDomain, "type": p.RecordType, "value": p.RecordValue})
	}
	t.text("Serve this file on http://%s%s:\n\n  %s\n\n", p.Domain, p.Uri, p.Content)
	return t.event("publish", map[string]any{"orderId": order, "method": "FILE", "host": p.Domain, "path": p.Uri, "content": p.Content})
}

// wait waits for the certificate with a progress display, and saves its files. shown
// is what the user was told to publish, nil if nothing.
func (t teller) wait(ctx context.Context, c *client.Client, order int64, out string, shown []string) error {
	p := newProgress(t, t.command.ErrOrStderr(), order)
	p.proofs = shown
	state, err := c.Wait(ctx, order, pollPause, p.show)
	p.end()
	if errors.Is(err, context.Canceled) {
		t.text("Stopped waiting; the order goes on. Continue with: chancery download %d --wait\n", order)
		return nil
	}
	if err != nil {
		return err
	}
	return t.save(ctx, c, state, out)
}

const pollPause = 700 * time.Millisecond

func parseOrder(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%q is not an order id", text)
	}
	return id, nil
}
