// Command demoacme shows an unmodified official client getting a certificate of an
// ACME CA through Chancery: `make demo-acme`. It starts Pebble, a DNS server that
// all of them ask, and the service; the client publishes what the API tells it to.
package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"chancery/internal/pebble"
	"chancery/internal/zone"
)

const domain = "shop.example.test"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:gocritic // there is nothing to clean up but the signal
	}
}

// demo is everything that runs.
type demo struct {
	out io.Writer
	dir string
	dns *zone.Server
	ca  *pebble.Server

	endpoint  string
	id, right string // the access key
}

func run(ctx context.Context, out io.Writer) (err error) {
	const longest = 5 * time.Minute // building on a slow machine
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	d := &demo{out: out}
	if d.dir, err = os.MkdirTemp("", "demo-acme-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	d.say("Building the service and an official client ...")
	if err := d.build(ctx); err != nil {
		return err
	}
	if d.dns, err = zone.Start("127.0.0.1:0"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.dns.Close()) }()
	d.ca, err = pebble.Start(ctx, pebble.Config{DNS: d.dns.Addr(), Environment: []string{"PEBBLE_VA_NOSLEEP=1"}, RetryAfter: 1})
	if err != nil {
		return err
	}
	defer d.ca.Stop()
	d.say("Pebble, an ACME CA, is at %s.", d.ca.Directory)
	end, err := d.serve(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.journey(ctx)
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) path(name string) string { return filepath.Join(d.dir, name) }

func (d *demo) build(ctx context.Context) error {
	for _, arguments := range [][]string{
		{"build", "-o", d.path("chancery"), "./cmd/chancery"},
		{"build", "-C", filepath.Join("e2e", "clients", "go"), "-o", d.path("client"), "./openapi"},
	} {
		if output, err := exec.CommandContext(ctx, "go", arguments...).CombinedOutput(); err != nil { //nolint:gosec // our own programs
			return fmt.Errorf("go %v: %w\n%s", arguments, err, output)
		}
	}
	return nil
}

// serve starts the service and configures the CA as an operator does.
func (d *demo) serve(ctx context.Context) (end func(), err error) {
	service := exec.CommandContext(ctx, d.path("chancery"), "serve", "--data-dir", d.path("data"), "--listen", "127.0.0.1:0", //nolint:gosec // our own program
		"--metrics-listen", "off", "--log-format", "json", "--credentials-out", d.path("credentials.json"),
		"--dcv-resolver", d.dns.Addr(), "--issuer", "digicert-free-1-free=pebble")
	service.Env = []string{"HOME=" + d.dir}
	log, err := service.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := service.Start(); err != nil {
		return nil, err
	}
	end = func() {
		_ = service.Process.Signal(os.Interrupt)
		_ = service.Wait()
	}
	var listening struct{ Endpoint string }
	lines := bufio.NewReader(log)
	if err := until(lines, "msg", "listening", &listening); err != nil {
		end()
		return nil, fmt.Errorf("starting the service: %w", err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	d.endpoint = listening.Endpoint
	d.say("Chancery is at %s.", d.endpoint)
	if err := d.configure(ctx); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

func (d *demo) configure(ctx context.Context) error {
	if err := os.WriteFile(d.path("pebble.pem"), []byte(d.ca.Bundle), 0o600); err != nil {
		return err
	}
	for _, arguments := range [][]string{
		{"issuer", "add", "pebble", "--directory", d.ca.Directory, "--ca-bundle", d.path("pebble.pem"), "--contact", "mailto:ops@example.test"},
		{"issuer", "test", "pebble"},
	} {
		d.say("\n$ chancery %s", strings.ReplaceAll(strings.Join(arguments, " "), d.dir+"/", ""))
		command := exec.CommandContext(ctx, d.path("chancery"), append(arguments, "--data-dir", d.path("data"))...) //nolint:gosec // our own program
		output, err := command.CombinedOutput()
		d.say("%s", strings.TrimSpace(string(output)))
		if err != nil {
			return fmt.Errorf("chancery %v: %w", arguments, err)
		}
	}
	var key struct{ AccessKeyID, AccessKeySecret string }
	text, err := os.ReadFile(d.path("credentials.json"))
	if err == nil {
		err = json.Unmarshal(text, &key)
	}
	d.id, d.right = key.AccessKeyID, key.AccessKeySecret
	return err
}

// journey runs the official client, and publishes what it is told to.
func (d *demo) journey(ctx context.Context) error {
	client := exec.CommandContext(ctx, d.path("client")) //nolint:gosec // built from the official client
	client.Env = []string{
		"CHANCERY_ENDPOINT=" + strings.TrimPrefix(d.endpoint, "http://"), "CHANCERY_DOMAIN=" + domain, "CHANCERY_METHOD=DNS",
		"CHANCERY_ACCESS_KEY_ID=" + d.id, "CHANCERY_ACCESS_KEY_SECRET=" + d.right, "HOME=" + d.dir,
	}
	input, err := client.StdinPipe()
	if err != nil {
		return err
	}
	output, err := client.StdoutPipe()
	if err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}
	defer func() { _ = client.Process.Kill(); _ = client.Wait() }()
	d.say("\nThe official client (darabonba-openapi) applies for %s ...", domain)
	lines := bufio.NewReader(output)
	var proof struct{ RecordDomain, RecordType, RecordValue string }
	if err := until(lines, "step", "proof", &proof); err != nil {
		return fmt.Errorf("waiting for the proof: %w", err)
	}
	d.say("  it is told to publish  %s  %s  %q", proof.RecordDomain, proof.RecordType, proof.RecordValue)
	d.dns.Set(proof.RecordDomain, proof.RecordType, proof.RecordValue)
	if _, err := io.WriteString(input, "published\n"); err != nil {
		return err
	}
	d.say("  and did; Chancery looks, tells the CA, sends the CSR, checks the answer ...")
	var issued struct{ Certificate, PrivateKey string }
	if err := until(lines, "step", "issued", &issued); err != nil {
		return fmt.Errorf("waiting for the certificate: %w", err)
	}
	return d.show(ctx, issued.Certificate)
}

// show verifies the certificate under Pebble's root.
func (d *demo) show(ctx context.Context, chain string) error {
	root, err := d.ca.Root(ctx, 0)
	if err != nil {
		return err
	}
	block, rest := pem.Decode([]byte(chain))
	if block == nil {
		return errors.New("the answer is not PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	between.AppendCertsFromPEM(rest)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: domain}); err != nil {
		return err
	}
	d.say("  it has a certificate for %v\n    issued by %s, under %s\n    valid until %s; it verifies under Pebble's root.",
		leaf.DNSNames, leaf.Issuer.CommonName, root.Subject.CommonName, leaf.NotAfter.Format(time.DateOnly))
	return nil
}

// until reads lines of JSON up to the one whose field has a value.
func until(lines *bufio.Reader, field, value string, into any) error {
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		var fields map[string]any
		if json.Unmarshal(text, &fields) == nil && fields[field] == value {
			return json.Unmarshal(text, into)
		}
	}
}
