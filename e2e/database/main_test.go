// Package database tests what two nodes do when their PostgreSQL fails, under 64
// clients: the true binary, a real server that each test has alone, and between them,
// where the network is what fails, a proxy that reads enough of PostgreSQL's protocol.
//
//	faults   the faults, and what must be true of each
//	clients  who applies and reads meanwhile, and what they measure
//	nodes    the two nodes and what surrounds them
//	wire     the proxy
//
// Each fault lasts some seconds, or two minutes with CHANCERY_TORTURE=1 (`make
// torture`). CHANCERY_FAULT_TIME sets another time.
package database

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// torture is whether the long run was asked for.
var torture = os.Getenv("CHANCERY_TORTURE") == "1"

const (
	// patience is how long anything may take that should happen soon, on a busy machine.
	patience = 45 * time.Second
	// settleTime is how long orders may take to end once the database is back: a step
	// whose outcome could not be stored waits for its lease.
	settleTime = 3 * time.Minute
)

var buildDir string

// TestMain lets some faults happen at once, unless the command line says how many: they
// mostly wait. In the long run each has the machine for itself.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "3")
	}
	os.Exit(run(m))
}

// run removes what the tests built.
func run(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "chancery-database-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(buildDir) }()
	return m.Run()
}

// program is the service's binary with the race detector, built once.
var program = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(buildDir, "chancery")
	output, err := exec.Command("go", "build", "-race", "-o", binary, "chancery/cmd/chancery").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the service: %w\n%s", err, output)
	}
	return binary, nil
})

// faultTime is how long a fault lasts.
func faultTime(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("CHANCERY_FAULT_TIME"); text != "" {
		length, err := time.ParseDuration(text)
		must(t, err)
		return length
	}
	if torture {
		return 2 * time.Minute
	}
	return 6 * time.Second
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
