// Package e2e tests Chancery as its users meet it: the true binary as a process,
// unmodified official clients as processes, a real DNS server and a real web
// server. What the tests are made of stands in files of its own:
//
//	process    a child that never outlives its test
//	service    `chancery serve` with its data directory and surroundings
//	site       the web server of all applicants
//	tenant     an account with a key and a plan, so that its quota is its own
//	call       one request signed by hand
//	applicant  one client on its whole journey
//	proxy      a proxy that cuts connections
//	balancer   a load balancer before two nodes
//	secrets    finding a secret in any form
//	mailbox    a mail server that is busy at first
//	receiver   a receiver of webhooks that fails at first
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"chancery/internal/pgtest"
)

// torture is whether the long runs were asked for: `make torture`.
var torture = os.Getenv("CHANCERY_TORTURE") == "1"

// What is under test, built once for a run.
var (
	program   string // chancery, with the race detector
	goClients string // the directory of the programs in clients/go
)

// lifetime is that of all children. It ends a little before the time limit of
// `go test`, which would leave them behind.
var lifetime = context.Background()

func TestMain(m *testing.M) {
	flag.Parse()
	status := run(m)
	pgtest.Stop()
	os.Exit(status)
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chancery-e2e-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(dir)
	}
	if err == nil {
		err = allowParallel()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	limit, _ := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration)
	if limit > 0 {
		var cancel context.CancelFunc
		lifetime, cancel = context.WithTimeout(lifetime, limit-min(limit/10, 15*time.Second))
		defer cancel()
	}
	return m.Run()
}

func build(dir string) error {
	program, goClients = filepath.Join(dir, "chancery"), dir
	for _, arguments := range [][]string{
		{"build", "-race", "-o", program, "chancery/cmd/chancery"},
		{"build", "-C", filepath.Join("clients", "go"), "-o", goClients, "./legacy", "./openapi", "./repeat"},
	} {
		if output, err := exec.Command("go", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w\n%s", arguments, err, output)
		}
	}
	return nil
}

// allowParallel lets more tests run at once than there are processors, unless
// the command line says how many: most of them wait for looks and processes.
func allowParallel() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", "6")
}
