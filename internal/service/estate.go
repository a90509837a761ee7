package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chancery"
	"chancery/store"
)

// estate has the metrics that only the database can tell: what there is of all
// accounts together. Every node tells the same of one database.
type estate struct {
	store *store.Store
	clock chancery.Clock
	log   *slog.Logger

	mu   sync.Mutex // guards what follows
	last *store.Estate
	next time.Time // when to count again
}

var (
	databaseUp = prometheus.NewDesc("chancery_database_up", "Whether the database answers: 1 or 0.", nil, nil)
	clockAhead = prometheus.NewDesc("chancery_clock_ahead_seconds", "How far this node's clock is ahead of the database's.", nil, nil)
	orderCount = prometheus.NewDesc("chancery_orders", "Orders of all accounts, by state.", []string{"state"}, nil)
	expiring   = prometheus.NewDesc("chancery_certificates_expiring", "Certificates, issued or uploaded, that are valid and end within so long.", []string{"within"}, nil)
	crlEnd     = prometheus.NewDesc("chancery_crl_end_timestamp_seconds", "When the first of the stored CRLs ends, in Unix time.", nil, nil)
)

// soonEnough are the times within which certificates end that are counted.
var soonEnough = []struct {
	label string
	time  time.Duration
}{{"1d", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", chancery.ExpiryWindow}}

const (
	// countPause and countShare bound what counting costs: it rests so long, and a
	// hundred times as long as it took.
	countPause = 15 * time.Second
	countShare = 100
	// countTime is less than a scrape waits as Prometheus comes.
	countTime = 5 * time.Second
)

// Describe implements prometheus.Collector.
func (*estate) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseUp, clockAhead, orderCount, expiring, crlEnd} {
		out <- d
	}
}

// Collect implements prometheus.Collector. While the database does not answer it
// tells that alone, and nothing that may be past.
func (e *estate) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	there, err := e.store.DatabaseClock(ctx)
	if err != nil {
		gauge(databaseUp, 0)
		return
	}
	gauge(databaseUp, 1)
	gauge(clockAhead, e.clock.Now().Sub(there).Seconds())
	counted := e.count(ctx)
	if counted == nil {
		return
	}
	for _, state := range chancery.States {
		gauge(orderCount, float64(counted.Orders[state]), string(state))
	}
	for i, within := range soonEnough {
		gauge(expiring, float64(counted.Expiring[i]), within.label)
	}
	if !counted.CRLEnd.IsZero() {
		gauge(crlEnd, float64(counted.CRLEnd.Unix()))
	}
}

// count gives the newest counts, nil for none. Scrapes that come meanwhile wait for it.
func (e *estate) count(ctx context.Context) *store.Estate {
	e.mu.Lock()
	defer e.mu.Unlock()
	began := time.Now() //nolint:forbidigo // measures, and the pause is one of this process
	if began.Before(e.next) {
		return e.last
	}
	within := make([]time.Duration, len(soonEnough))
	for i := range soonEnough {
		within[i] = soonEnough[i].time
	}
	counted, err := e.store.Estate(ctx, e.clock.Now(), within)
	e.next = began.Add(max(countPause, countShare*time.Since(began)))
	if err != nil {
		e.log.Warn("counting for metrics failed", "error", err)
		e.last = nil
		return nil
	}
	e.last = &counted
	return e.last
}
