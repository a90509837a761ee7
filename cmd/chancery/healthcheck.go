package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"chancery/internal/service"
)

func healthcheckCommand() *cobra.Command {
	var config service.Config
	command := &cobra.Command{
		Use: "healthcheck", GroupID: "operator", Args: cobra.NoArgs,
		Short: "Ask the service on this machine whether it is ready",
		Long: `Ask the service on this machine whether it is ready, as GET /readyz of its
metrics listener does, and end with status 0 if it is and 1 if not. It is for
container images that have no other program to ask with.`,
		Example: "  chancery healthcheck --metrics-listen 127.0.0.1:8281",
		RunE: func(command *cobra.Command, _ []string) error {
			if err := configure(command, ""); err != nil {
				return usageError{err, hint(command)}
			}
			return healthcheck(command.Context(), config.MetricsListen)
		},
	}
	command.Flags().StringVar(&config.MetricsListen, "metrics-listen", service.DefaultMetricsListen, "as for serve (CHANCERY_METRICS_LISTEN)")
	return command
}

// healthcheckTime is more than /readyz takes when the database hangs.
const healthcheckTime = 5 * time.Second

func healthcheck(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("--metrics-listen: %q is not an address to ask", listen)
	}
	switch ip, _ := netip.ParseAddr(host); { // it may listen on all addresses
	case host == "", ip == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case ip == netip.IPv6Unspecified():
		host = "::1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy of the environment's
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the service does not answer: %v", err) //nolint:errorlint // explain would take it for one of the API
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		const enough = 256
		text, _ := io.ReadAll(io.LimitReader(response.Body, enough))
		return fmt.Errorf("the service is not ready: HTTP %d: %s", response.StatusCode, text)
	}
	return nil
}
