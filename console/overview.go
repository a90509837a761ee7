package console

import (
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
)

// overviewData is what the first page shows.
type overviewData struct {
	Holdings section[cas.Holdings]
	Estate   section[cas.Estate]
	Orders   []statusCount
	Weeks    []weekCount
	Calm     bool // nothing needs attention
	// LateCRLs are for the operator; MayIssuers that the page about them is, too.
	LateCRLs   []admin.LateCRL
	MayIssuers bool
	Rules      []ruleShown
}

// statusCount is how many orders are in a status.
type statusCount struct {
	Status string
	Count  int64
}

// weekCount is how many certificates end in seven days.
type weekCount struct {
	From  time.Time
	Days  int // left, at the beginning
	Count int64
}

// ruleShown is a limit of the lives of certificates, and what it means for a calendar.
type ruleShown struct {
	Rule
	Now bool // it holds today
	// Renewals a year, at the latest with a third of the life left.
	Renewals int
	DaysTo   int // until it holds
}

func overview(p *page) error {
	holdings, err := sectionOf[cas.Holdings](p, "Holdings", cas.Nothing{})
	if err != nil {
		return err
	}
	estate, err := sectionOf[cas.Estate](p, "Estate", cas.Nothing{})
	if err != nil {
		return err
	}
	now := p.console.Clock.Now()
	data := overviewData{Holdings: holdings, Estate: estate, Rules: p.console.rules(now)}
	if data.MayIssuers = p.mayDo("chancery:issuer.list"); p.mayDo("chancery:authority.late") {
		if err := p.instruct("authority.late", admin.Nothing{}, &data.LateCRLs); err != nil {
			return err
		}
	}
	if !estate.Denied {
		data.Weeks = weeks(estate.Got.Endings[:], now)
		e := estate.Got
		data.Calm = len(e.Waiting)+len(e.Failed)+len(e.Expiring)+len(e.Revoked)+len(e.Troubles)+len(data.LateCRLs) == 0
		for _, status := range chancery.ListStatuses {
			if count := estate.Got.Orders[status]; count > 0 {
				data.Orders = append(data.Orders, statusCount{string(status), count})
			}
		}
	}
	return p.render("overview", data)
}

// weeks adds up days.
func weeks(days []int64, now time.Time) (list []weekCount) {
	const week = 7
	for first := 0; first < len(days); first += week {
		w := weekCount{From: now.AddDate(0, 0, first), Days: first}
		for _, count := range days[first:min(first+week, len(days))] {
			w.Count += count
		}
		list = append(list, w)
	}
	return list
}

// rules are the limit that holds now and those to come.
func (c *Console) rules(now time.Time) (list []ruleShown) {
	const day = 24 * time.Hour
	for i, rule := range c.Rules {
		last := i+1 == len(c.Rules)
		if !last && !now.Before(c.Rules[i+1].From) {
			continue // over
		}
		shown := ruleShown{Rule: rule, Now: !now.Before(rule.From), Renewals: (365*3 + 2*rule.LeafDays - 1) / (2 * rule.LeafDays)}
		if !shown.Now {
			shown.DaysTo = int((rule.From.Sub(now) + day - 1) / day)
		}
		list = append(list, shown)
	}
	return list
}
