package ca

import (
	"testing"
	"time"
)

func TestLimitAtItsEdges(t *testing.T) {
	for _, test := range []struct {
		at          string
		leaf, reuse int
	}{
		{"2015-01-01T00:00:00Z", 398, 398},
		{"2026-03-14T23:59:59Z", 398, 398},
		{"2026-03-15T00:00:00Z", 200, 200},
		{"2026-03-15T00:00:01Z", 200, 200},
		{"2027-03-14T23:59:59Z", 200, 200},
		{"2027-03-15T00:00:00Z", 100, 100},
		{"2027-03-15T01:59:59+02:00", 200, 200}, // the dates are in UTC
		{"2029-03-14T23:59:59Z", 100, 100},
		{"2029-03-15T00:00:00Z", 47, 10},
		{"2040-01-01T00:00:00Z", 47, 10},
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if rule := Limit(at); rule.LeafDays != test.leaf || rule.ReuseDays != test.reuse {
			t.Errorf("%s: %d and %d days, want %d and %d", test.at, rule.LeafDays, rule.ReuseDays, test.leaf, test.reuse)
		}
	}
}

func TestLeafLivesADayLessThanTheLimit(t *testing.T) {
	a, _, now := testCA(t, Config{})
	order := 0
	for _, test := range []struct {
		at       string
		promised time.Duration
		want     time.Duration
	}{
		{"2026-11-23T12:00:00Z", 90 * day, 90 * day},
		{"2026-11-23T12:00:00Z", 365 * day, 199 * day},
		{"2026-11-23T12:00:00Z", 199 * day, 199 * day},
		{"2026-11-23T12:00:00Z", 199*day + time.Second, 199 * day},
		{"2026-11-23T12:00:00Z", 200 * day, 199 * day},
		{"2026-11-23T12:00:00Z", day + 1500*time.Millisecond, day + time.Second},
		{"2027-03-14T23:59:59Z", 365 * day, 199 * day},
		{"2027-03-15T00:00:00Z", 365 * day, 99 * day},
		// Backdated to the day before, it is still issued under the new rule.
		{"2027-03-15T00:00:01Z", 365 * day, 99 * day},
		{"2029-03-14T23:59:59Z", 365 * day, 99 * day},
		{"2029-03-15T00:00:00Z", 365 * day, 46 * day},
		{"2029-03-15T00:00:00Z", 30 * day, 30 * day},
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		now.set(at)
		order++
		request := requestFor(t, order, "www.example.com")
		request.Lifetime = test.promised
		leaf := issue(t, a, request)
		if got := leaf.NotAfter.Sub(leaf.NotBefore) + time.Second; got != test.want {
			t.Errorf("%s, promised %s: lives %s, want %s", test.at, test.promised, got, test.want)
		}
		if early := at.Sub(leaf.NotBefore); early != backdating {
			t.Errorf("%s: notBefore is %s before the signature", test.at, early)
		}
	}
}
