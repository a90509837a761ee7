package ca

import "time"

const day = 24 * time.Hour

// Rule is what holds for certificates issued from a date on. A day is 86,400 s.
type Rule struct {
	From      time.Time
	LeafDays  int // the longest life of a leaf, first and last second included (BR 6.3.2)
	ReuseDays int // how long one validation of a domain may be used (BR 4.2.1)
}

// rulebook is in order of dates.
var rulebook = []Rule{
	{date(2020, time.September, 1), 398, 398},
	{date(2026, time.March, 15), 200, 200},
	{date(2027, time.March, 15), 100, 100},
	{date(2029, time.March, 15), 47, 10},
}

func date(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// Limit gives the rule for a certificate issued at the given time; the first one
// for any time before it.
func Limit(at time.Time) Rule {
	rule := rulebook[0]
	for _, next := range rulebook {
		if !at.Before(next.From) {
			rule = next
		}
	}
	return rule
}

// Longest is the longest life that the rule allows.
func (r Rule) Longest() time.Duration { return time.Duration(r.LeafDays) * day }

// lifeOf counts the last second too: notAfter is still within the life (RFC
// 5280, section 4.1.2.5).
func lifeOf(notBefore, notAfter time.Time) time.Duration {
	return notAfter.Sub(notBefore) + time.Second
}

// Rulebook gives all rules, in order of dates.
func Rulebook() []Rule { return append([]Rule(nil), rulebook...) }
