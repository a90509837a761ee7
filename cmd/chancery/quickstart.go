package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/client"
	"chancery/internal/service"
	"chancery/signature"
)

const demoName = "www." + demoZone

func quickstartCommand() *cobra.Command {
	var config service.Config
	var out string
	var once bool
	command := &cobra.Command{
		Use: "quickstart", GroupID: "service", Args: cobra.NoArgs,
		Short: "See a certificate issued, from nothing, in a few seconds",
		Long: `Start the service in a data directory of its own, with a small DNS server and a
web server on loopback for the demonstration zone; apply for ` + demoName + ` through the
signed API, publish the record, wait for the certificate and save its files.
Then go on serving until Ctrl-C, with an access key ready to use.`,
		Example: `  chancery quickstart
  chancery quickstart --once --data-dir /tmp/chancery --out certificates`,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := configure(command, ""); err != nil {
				return usageError{err, "quickstart "}
			}
			if err := config.TakeKey(); err != nil {
				return usageError{err, "quickstart "}
			}
			if out == "" {
				out = filepath.Join(config.DataDir, "certificates")
			}
			return quickstart(command.Context(), command, config, out, once)
		},
	}
	config.Flags(command.Flags(), "chancery-quickstart")
	command.Flags().StringVar(&out, "out", "", "directory for the files (default <data-dir>/certificates)")
	command.Flags().BoolVar(&once, "once", false, "end after the certificate")
	return command
}

func quickstart(ctx context.Context, command *cobra.Command, config service.Config, out string, once bool) (err error) {
	t := teller{command: command}
	demo, err := startDemonstration(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, demo.Close()) }()
	s, err := startDemo(ctx, command, config, demo)
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = errors.Join(err, s.Stop(stopping))
	}()
	t.text("Chancery serves on %s, data in %s\n", s.Endpoint, config.DataDir)
	key, err := demoKey(ctx, s)
	if err != nil {
		return err
	}
	c, err := client.New(s.Endpoint, signature.Credentials{AccessKeyID: key.ID, AccessKeySecret: signature.Secret(key.Secret)}, nil)
	if err != nil {
		return err
	}
	if err := demoOrder(ctx, t, c, demo, out); err != nil {
		return err
	}
	if once || ctx.Err() != nil {
		return nil
	}
	t.text(`
Ready for your own clients until Ctrl-C:

  export CHANCERY_ENDPOINT=%s
  export ALIBABA_CLOUD_ACCESS_KEY_ID=%s
  export ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s

`, s.Endpoint, key.ID, key.Secret)
	if err := showConsoleLink(ctx, t, s, key); err != nil {
		return err
	}
	return s.Wait(ctx)
}

// startDemo starts the service with the demonstration in place of the Internet, on
// free ports where the usual ones are taken.
func startDemo(ctx context.Context, command *cobra.Command, config service.Config, demo *demonstration) (*service.Service, error) {
	demo.configure(&config)
	for _, address := range []*string{&config.Listen, &config.MetricsListen} {
		if taken(ctx, *address) {
			*address = "127.0.0.1:0"
		}
	}
	if !command.Flags().Changed("log-level") {
		config.LogLevel = "error"
	}
	log, err := config.NewLogger(command.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	return service.Start(ctx, config, chancery.SystemClock{}, log)
}

func taken(ctx context.Context, address string) bool {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	_ = listener.Close()
	return false
}

// demoKey gives an access key whose account can apply at least once: a later
// start in the same directory no longer knows the first one's secret.
func demoKey(ctx context.Context, s *service.Service) (admin.AccessKey, error) {
	if s.First != nil {
		return *s.First, nil
	}
	accounts, err := s.Admin.ListAccounts(ctx, admin.Nothing{})
	if err != nil {
		return admin.AccessKey{}, err
	}
	if _, err := s.Admin.GrantPlan(ctx, admin.Grant{AccountID: accounts[0].ID, ProductCode: chancery.DefaultProduct, Count: 1}); err != nil {
		return admin.AccessKey{}, err
	}
	return s.Admin.CreateAccessKey(ctx, admin.NewAccessKey{AccountID: accounts[0].ID})
}

// demoOrder is the whole journey of an applicant.
func demoOrder(ctx context.Context, t teller, c *client.Client, demo *demonstration, out string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	made, err := c.CreateCertificateRequest(ctx, cas.CreateCertificateRequestInput{
		Username: applicantName(), Phone: "none", Email: "none", Domain: demoName, ValidateType: "DNS",
	})
	if err != nil {
		return err
	}
	state, err := c.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: made.OrderId, Verbose: true})
	if err != nil {
		return err
	}
	t.text("Applied for %s: order %d\n\n", demoName, made.OrderId)
	if err := t.proof(made.OrderId, state); err != nil {
		return err
	}
	proof := chancery.Validation{Method: chancery.DNS, Place: state.RecordDomain, Token: state.RecordValue}
	if err := demo.Publish(proof); err != nil {
		return err
	}
	t.text("Published it on the demonstration zone's own DNS server (%s).\n", demo.dns.Addr())
	if err := t.wait(ctx, c, made.OrderId, out, nil); err != nil {
		return fmt.Errorf("waiting for the demonstration certificate: %w", err)
	}
	return nil
}

// showConsoleLink has the newcomer signed in by opening a link.
func showConsoleLink(ctx context.Context, t teller, s *service.Service, key admin.AccessKey) error {
	if s.Console == "" {
		return nil
	}
	link, err := s.Admin.NewConsoleLink(ctx, admin.AccessKeyName{AccountID: key.AccountID, ID: key.ID})
	if err != nil {
		return err
	}
	t.text("Open the console, signed in (once, within ten minutes):\n\n  %s\n\n", link.URL)
	return nil
}
