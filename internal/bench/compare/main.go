// Command compare measures the true program from outside and prints the tables of
// docs/performance.md: orders end to end on each engine, calls against a bare signed
// echo server, memory, and the time to the first answer. `make bench` runs it.
//
// Each figure is the median of several rounds. A round takes every case once, one after
// another, so that what disturbs the machine disturbs all of them; compare figures of one
// run by their ratios. The clients share the machine with the service, so the
// processor time is that of the service alone, as the kernel counts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancery"
)

// settings are what the flags say.
type settings struct {
	rounds  int
	length  time.Duration
	clients []int
	engines []string
	keys    []string
	certs   int
	only    string
	against string
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "echo" {
		serveEcho()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func flags() (s settings, err error) {
	flag.IntVar(&s.rounds, "rounds", 3, "how often each case is measured; the median counts")
	flag.DurationVar(&s.length, "length", 5*time.Second, "how long each measurement takes")
	clients := flag.String("clients", "1,16,64", "numbers of clients at once")
	engines := flag.String("engines", "SQLite,PostgreSQL", "engines to measure")
	keys := flag.String("keys", "ECC_256,RSA_2048,CSR", "whose keys: made by the service, or the client's CSR")
	flag.IntVar(&s.certs, "certificates", 10_000, "how many certificates there are when memory is measured")
	flag.StringVar(&s.only, "only", "", "one part alone: orders, calls, burst, memory or start")
	flag.StringVar(&s.against, "against", "", "another build of the program, which orders are measured with by turns: before and after in one run")
	flag.Parse()
	for _, text := range strings.Split(*clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s, fmt.Errorf("-clients: %q is not a number of clients", text)
		}
		s.clients = append(s.clients, n)
	}
	s.engines, s.keys = strings.Split(*engines, ","), strings.Split(*keys, ",")
	return s, nil
}

func run(ctx context.Context) error {
	s, err := flags()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l := &lab{settings: s, dir: dir, program: filepath.Join(dir, "chancery")}
	defer l.close()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", l.program, "./cmd/chancery")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, out)
	}
	fmt.Printf("%s, %d processors, %s; %d rounds of %s\n", chancery.SystemClock{}.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.Version(), s.rounds, s.length)
	for _, part := range []struct {
		name    string
		measure func(context.Context, *lab) error
	}{{"orders", orders}, {"calls", calls}, {"burst", burst}, {"memory", memory}, {"start", starts}} {
		if s.only != "" && s.only != part.name {
			continue
		}
		if err := part.measure(ctx, l); err != nil {
			return fmt.Errorf("measuring %s: %w", part.name, err)
		}
	}
	return nil
}

// median of figures, of which there is at least one.
func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
