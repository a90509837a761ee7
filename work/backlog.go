package work

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chancery"
)

// backlog reads from the database how background work stands, whenever metrics are
// scraped: nothing has to be counted while steps are worked on, and every node tells
// the same.
type backlog struct {
	store chancery.Store
	clock chancery.Clock
}

// scrapeTime bounds how long a scrape waits for the database.
const scrapeTime = 2 * time.Second

// WatchBacklog registers the metrics that tell how background work stands.
func WatchBacklog(registry prometheus.Registerer, store chancery.Store, clock chancery.Clock) {
	registry.MustRegister(&backlog{store, clock})
}

var (
	parkedSteps = prometheus.NewDesc("chancery_steps_parked",
		"Background steps that failed too often and wait for the operator (chancery steps list --parked). The same on every node.", []string{"kind"}, nil)
	waitingSteps = prometheus.NewDesc("chancery_steps_waiting",
		"Background steps that are due and that no node has begun. The same on every node.", []string{"kind"}, nil)
	oldestDue = prometheus.NewDesc("chancery_steps_oldest_due_seconds",
		"For how long the oldest of the steps that wait has been due; 0 when none waits. The same on every node.", nil, nil)
)

// Describe implements prometheus.Collector.
func (b *backlog) Describe(descs chan<- *prometheus.Desc) {
	descs <- parkedSteps
	descs <- waitingSteps
	descs <- oldestDue
}

// Collect implements prometheus.Collector. While the database is away it gives
// nothing, and all other metrics go on.
func (b *backlog) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	now := b.clock.Now()
	var stands chancery.StepBacklog
	err := b.store.Read(ctx, func(tx chancery.Tx) (err error) {
		stands, err = tx.StepBacklog(now)
		return err
	})
	if err != nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for desc, counts := range map[*prometheus.Desc]map[chancery.StepKind]int64{parkedSteps: stands.Parked, waitingSteps: stands.Waiting} {
		for kind := range (*Worker)(nil).kinds() { // those of which there are none, too
			counts[kind] += 0
		}
		for kind, count := range counts {
			gauge(desc, float64(count), string(kind))
		}
	}
	var late time.Duration
	if !stands.OldestDue.IsZero() {
		late = max(0, now.Sub(stands.OldestDue))
	}
	gauge(oldestDue, late.Seconds())
}
