package work_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"chancery"
	"chancery/work"
)

// What counts notices is there before there are any: Prometheus sees no increase in a
// series that begins with 1.
func TestNoticesAreCountedFromNothing(t *testing.T) {
	registry := prometheus.NewRegistry()
	work.NewMetrics(registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "chancery_notices_total" {
			if got, want := len(family.GetMetric()), 3*len(chancery.NoticeKinds); got != want {
				t.Errorf("%d series, want %d", got, want)
			}
			return
		}
	}
	t.Error("there is no chancery_notices_total")
}
