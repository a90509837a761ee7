package rpc

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests by operation and outcome.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers the gateway's metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chancery_requests_total", Help: "API requests answered, by operation, HTTP status and error code.",
		}, []string{"action", "status", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chancery_request_seconds", Help: "How long API requests took.", Buckets: prometheus.ExponentialBuckets(0.0005, 3, 9),
		}, []string{"action"}),
	}
	registry.MustRegister(m.requests, m.seconds)
	return m
}

// observe takes labels only from our own tables, so that callers cannot make
// series.
func (m *Metrics) observe(c *call, a answer, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(c.operation.Name, strconv.Itoa(a.status), string(a.code)).Inc()
	m.seconds.WithLabelValues(c.operation.Name).Observe(took.Seconds())
}
