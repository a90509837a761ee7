package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chancery"
)

const (
	// keyPause is how long after its start, and after each look that found nothing to do,
	// a node looks whether keys are lacking.
	keyPause = 5 * time.Second
	// keyRest is how many times as long as a key took the node rests after it, so that
	// keys which nobody needs yet take a quarter of one processor at most.
	keyRest = 3
	// readyKeysKept bounds how long a key waits.
	readyKeysKept = 30 * 24 * time.Hour
)

// keepKeysReady makes keys ahead, one at a time, until ctx ends; one that was begun is
// finished. Several nodes may each make one too many.
func (w *Worker) keepKeysReady(ctx context.Context) {
	pause := w.KeyPause
	for sleep(ctx, spread(pause)) {
		pause = w.KeyPause
		algorithm := w.lackingKey(ctx)
		if algorithm == "" {
			continue
		}
		began := time.Now() //nolint:forbidigo // it measures
		err := w.addReadyKey(context.WithoutCancel(ctx), algorithm)
		pause = max(keyRest*time.Since(began), time.Millisecond)
		if err != nil {
			w.Log.Warn("making a key ahead failed", "algorithm", algorithm, "error", err)
			pause += w.KeyPause
		}
	}
}

// sleep is false when ctx ended.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// lackingKey gives the algorithm of which the fewest keys are ready, if those are too
// few; "" also while there is something more urgent to do, or the database is away.
func (w *Worker) lackingKey(ctx context.Context) (lacking chancery.KeyAlgorithm) {
	if len(w.makers) > 0 {
		return ""
	}
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		lacking = ""
		next, err := tx.NextStep()
		if err == nil && !next.After(w.Clock.Now()) {
			return nil
		}
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		counts, err := tx.CountReadyKeys()
		fewest := int64(w.ReadyKeys)
		for _, algorithm := range w.Catalogue.SlowKeys() {
			if counts[algorithm] < fewest {
				lacking, fewest = algorithm, counts[algorithm]
			}
		}
		return err
	})
	if err != nil {
		return ""
	}
	return lacking
}

func (w *Worker) addReadyKey(ctx context.Context, algorithm chancery.KeyAlgorithm) error {
	signer, err := chancery.GenerateKey(algorithm)
	if err != nil {
		return err
	}
	text, err := chancery.KeyPEM(signer)
	if err != nil {
		return err
	}
	w.Metrics.madeKey(algorithm, "pool")
	ready := chancery.ReadyKey{ID: chancery.NewID(), Algorithm: algorithm, Key: text, CreatedAt: w.Clock.Now()}
	err = w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error { return tx.AddReadyKey(ready) })
	if err != nil {
		return fmt.Errorf("storing it: %w", err)
	}
	return nil
}

// readyKeyCount reads from the database how many keys are ready, whenever metrics are scraped.
type readyKeyCount struct {
	store      chancery.Store
	algorithms []chancery.KeyAlgorithm
}

// WatchReadyKeys registers the metric that counts ready keys, of the algorithms that
// are made ahead for the catalogue, and of others of which there are some.
func WatchReadyKeys(registry prometheus.Registerer, store chancery.Store, catalogue chancery.Catalogue) {
	registry.MustRegister(&readyKeyCount{store, catalogue.SlowKeys()})
}

var readyKeys = prometheus.NewDesc("chancery_ready_keys",
	"Private keys that were made ahead and wait for an order. The same on every node.", []string{"algorithm"}, nil)

// Describe implements prometheus.Collector.
func (*readyKeyCount) Describe(descs chan<- *prometheus.Desc) { descs <- readyKeys }

// Collect implements prometheus.Collector. While the database is away it gives nothing.
func (c *readyKeyCount) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	var counts map[chancery.KeyAlgorithm]int64
	err := c.store.Read(chancery.Glance(ctx), func(tx chancery.Tx) (err error) {
		counts, err = tx.CountReadyKeys()
		return err
	})
	if err != nil {
		return
	}
	for _, algorithm := range c.algorithms { // those of which there are none, too
		counts[algorithm] += 0
	}
	for algorithm, count := range counts {
		metrics <- prometheus.MustNewConstMetric(readyKeys, prometheus.GaugeValue, float64(count), string(algorithm))
	}
}
