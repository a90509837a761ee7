package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/internal/service"
)

func serveCommand() *cobra.Command {
	var config service.Config
	var file string
	command := &cobra.Command{
		Use:     "serve",
		GroupID: "service",
		Short:   "Run the service",
		Long: `Run the service until it is told to stop (SIGTERM or Ctrl-C), and then finish
what is in hand.

The first start makes a root CA and an issuing CA, one account with an access
key, which is shown once, and the free plan. No configuration is needed; every
flag can also be set as an environment variable (--data-dir is
CHANCERY_DATA_DIR) or as a key of a YAML file named with --config, where the
command line is stronger than the environment and that than the file.`,
		Example: `  chancery serve
  chancery serve --listen 0.0.0.0:8280 --tls self --credentials-out credentials.json
  chancery serve --config /etc/chancery.yaml --dcv-resolver 192.0.2.53`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := configure(command, file); err != nil {
				return usageError{err, "serve "}
			}
			if err := config.TakeKey(); err != nil {
				return usageError{err, "serve "}
			}
			if err := config.TakeSMTPPassword(); err != nil {
				return usageError{err, "serve "}
			}
			config.Settings = settingsOf(command.Flags())
			return serve(command.Context(), config, command)
		},
	}
	config.Flags(command.Flags(), defaultDataDir())
	command.Flags().StringVar(&file, "config", "", "YAML file with any of these settings, by flag name")
	return command
}

// collectAt has the garbage collected when there is twice as much of it as of what is in
// use. That is little, so it costs little memory and spares a good part of the
// collector's work.
const collectAt = 200

// stopTime is how long requests may take to finish once the service is told to stop.
const stopTime = 20 * time.Second

func serve(ctx context.Context, config service.Config, command *cobra.Command) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	log, err := config.NewLogger(command.ErrOrStderr())
	if err != nil {
		return err
	}
	s, err := service.Start(ctx, config, chancery.SystemClock{}, log)
	if errors.Is(err, context.Canceled) {
		return nil // told to stop while it started
	}
	if err != nil {
		return err
	}
	if s.First != nil {
		showFirst(command, config, s)
	}
	tell := func(state string) {
		if err := tellSystemd(context.WithoutCancel(ctx), state); err != nil {
			log.Warn("telling systemd failed", "state", state, "error", err)
		}
	}
	tell("READY=1")
	err = s.Wait(ctx)
	log.Info("stopping; a second signal ends at once")
	tell("STOPPING=1")
	if err == nil {
		s.TurnAway(context.WithoutCancel(ctx), config.StopDelay)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if stopErr := s.Stop(stopping); err == nil {
		err = stopErr
	}
	return err
}

func showFirst(command *cobra.Command, config service.Config, s *service.Service) {
	out := command.OutOrStdout()
	_, _ = fmt.Fprintf(out, "First start: account %d with %d applications of %s.\n", s.First.AccountID, chancery.FreePlanUnits, chancery.DefaultProduct)
	if config.CredentialsOut != "" {
		_, _ = fmt.Fprintf(out, "Its access key is in %s.\n", config.CredentialsOut)
		return
	}
	_, _ = fmt.Fprintf(out, `Its access key, shown this once:

  export ALIBABA_CLOUD_ACCESS_KEY_ID=%s
  export ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s
  export CHANCERY_ENDPOINT=%s

`, s.First.ID, s.First.Secret, s.Endpoint)
	if s.Console != "" {
		_, _ = fmt.Fprintf(out, "Sign in with it at %s\n\n", s.Console)
	}
}
