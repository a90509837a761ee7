package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chancery"
	"chancery/cas"
)

// burst measures a burst of RSA orders: how long until the certificates of as many as
// there are ready keys are there, with all of them ready and right after that.
func burst(ctx context.Context, l *lab) error {
	const size = 32 // as many as are kept ready by default
	fmt.Printf("\n| %d RSA_2048 orders at once, all issued after | with ready keys | right after that, with none |\n| --- | --- | --- |\n", size)
	for _, engine := range l.engines {
		in, err := l.start(ctx, engine, chancery.RSA2048)
		if err != nil {
			return err
		}
		defer func() { _ = in.stop() }()
		full, empty := []float64{}, []float64{}
		for range l.rounds {
			if err := in.awaitReadyKeys(ctx, size); err != nil {
				return err
			}
			for _, into := range []*[]float64{&full, &empty} {
				took, err := in.together(ctx, size)
				if err != nil {
					return err
				}
				*into = append(*into, took.Seconds())
			}
		}
		fmt.Printf("| %s | %.1f s | %.1f s |\n", engine, median(full), median(empty))
	}
	return nil
}

// awaitReadyKeys waits until so many keys are ready.
func (i *instance) awaitReadyKeys(ctx context.Context, n int) error {
	const patience = 5 * time.Minute
	full := fmt.Sprintf("\nchancery_ready_keys{algorithm=%q} %d\n", chancery.RSA2048, n)
	for began := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		metrics, err := i.scrape(ctx)
		if err != nil || strings.Contains(metrics, full) {
			return err
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%d keys were not ready within %s", n, patience)
		}
	}
}

func (i *instance) scrape(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.metrics+"/metrics", nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// together places so many orders at once and waits for all their certificates.
func (i *instance) together(ctx context.Context, orders int) (time.Duration, error) {
	began := time.Now()
	var failed atomic.Value
	var each sync.WaitGroup
	for range orders {
		each.Go(func() {
			if _, _, err := i.order(ctx, false); err != nil {
				failed.Store(err)
			}
		})
	}
	each.Wait()
	err, _ := failed.Load().(error)
	return time.Since(began), err
}

// memory measures what the service holds when it has nothing to do: after its start,
// after many certificates, and after a start with them.
func memory(ctx context.Context, l *lab) error {
	const clients, settle = 16, 5 * time.Second
	fmt.Printf("\n| resident memory | after a first start | after %d certificates | started again |\n| --- | --- | --- | --- |\n", l.certs)
	for _, engine := range l.engines {
		in, err := l.start(ctx, engine, chancery.ECC256)
		if err != nil {
			return err
		}
		defer func() { _ = in.stop() }()
		time.Sleep(settle)
		idle := in.resident()
		var left atomic.Int64
		var failed atomic.Value
		var each sync.WaitGroup
		left.Store(int64(l.certs))
		for range clients {
			each.Go(func() {
				for left.Add(-1) >= 0 && failed.Load() == nil {
					if _, _, err := in.order(ctx, false); err != nil {
						failed.Store(err)
					}
				}
			})
		}
		each.Wait()
		if err, _ := failed.Load().(error); err != nil {
			return err
		}
		time.Sleep(settle)
		used := in.resident()
		if err := in.end(); err != nil {
			return err
		}
		if err := in.serve(ctx); err != nil {
			return err
		}
		time.Sleep(settle)
		fmt.Printf("| %s | %.0f MiB | %.0f MiB | %.0f MiB |\n", engine, idle, used, in.resident())
	}
	return nil
}

// starts measures the time from the start of the process to its first answer to a signed
// call: on a database that is there, and on an empty one, with its CA to make.
func starts(ctx context.Context, l *lab) error {
	fmt.Print("\n| start to the first answer | first start | later |\n| --- | --- | --- |\n")
	for _, engine := range l.engines {
		var first, later []float64
		for range l.rounds {
			began := time.Now()
			in, err := l.start(ctx, engine, chancery.ECC256)
			if err != nil {
				return err
			}
			first = append(first, milliseconds(time.Since(began)))
			for range 3 {
				if err := in.end(); err != nil {
					return err
				}
				began = time.Now()
				if err := in.serve(ctx); err != nil {
					return err
				}
				if _, err := in.client.DescribePackageState(ctx, cas.DescribePackageStateInput{}); err != nil {
					return err
				}
				later = append(later, milliseconds(time.Since(began)))
			}
			if err := in.stop(); err != nil {
				return err
			}
		}
		fmt.Printf("| %s | %.0f ms | %.0f ms |\n", engine, median(first), median(later))
	}
	return nil
}
