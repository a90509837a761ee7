package dcv

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"chancery"
)

var _ chancery.Preflighter = (*Looker)(nil)

// preflightTime bounds a whole look ahead: somebody waits for it.
const preflightTime = 12 * time.Second

// Preflight asks for the zone and the CAA records of each name and, with FILE, for a
// file as a look does. It asks the configured resolvers and, by the rules of looks,
// the web servers that a look at the proof would go to; no more.
func (l *Looker) Preflight(ctx context.Context, names chancery.Names, method chancery.Method, authority chancery.CAAPolicy) []chancery.Foresight {
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	found := make([][]chancery.Foresight, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { found[i] = l.ahead(ctx, name, method, authority) })
	}
	all.Wait()
	var list []chancery.Foresight
	for _, of := range found {
		list = append(list, of...)
	}
	return list
}

func (l *Looker) ahead(ctx context.Context, name chancery.Name, method chancery.Method, authority chancery.CAAPolicy) []chancery.Foresight {
	list := make([]chancery.Foresight, 2, 3)
	var file *chancery.Foresight
	var all sync.WaitGroup
	all.Go(func() { list[0] = l.zoneOf(ctx, name) })
	all.Go(func() { list[1] = l.caa(ctx, name, authority) })
	if method == chancery.FILE && !name.Wildcard() {
		file = &chancery.Foresight{}
		all.Go(func() { *file = l.webServer(ctx, name) })
	}
	all.Wait()
	if file != nil {
		list = append(list, *file)
	}
	for i := range list {
		list[i].Name = name
	}
	return list
}

// upwards are a name and those above it, but for the top-level domain.
func upwards(name chancery.Name) (list []string) {
	labels := dns.SplitDomainName(string(name.Base()))
	for i := 0; i < len(labels)-1; i++ {
		list = append(list, dns.Fqdn(strings.Join(labels[i:], ".")))
	}
	return list
}

// zoneOf finds the zone by asking for its SOA record from the name upwards.
func (l *Looker) zoneOf(ctx context.Context, name chancery.Name) chancery.Foresight {
	for _, zone := range upwards(name) {
		found := l.resolver.lookup(ctx, zone, dns.TypeSOA)
		switch {
		case len(found.records) > 0 && len(found.chain) == 1:
			return chancery.Foresight{Outcome: chancery.ZoneFound, Where: shownName(zone)}
		case found.note == (note{}): // a CNAME's end that nobody could tell of included
			return chancery.Foresight{Outcome: chancery.ZoneUnknown, Where: shownName(zone), Detail: shownFailures(found.failed)}
		}
	}
	return chancery.Foresight{Outcome: chancery.ZoneMissing, Where: shownName(string(name.Base()))}
}

// caa judges the CAA records that count for the name: those at it or, where it has
// none, at the next name above that has some (RFC 8659, 3).
func (l *Looker) caa(ctx context.Context, name chancery.Name, authority chancery.CAAPolicy) chancery.Foresight {
	for _, owner := range upwards(name) {
		found := l.resolver.lookup(ctx, owner, dns.TypeCAA)
		if len(found.records) > 0 {
			f := judgeCAA(found.records, name.Wildcard(), authority)
			f.Where = shownName(owner)
			return f
		}
		if found.note == (note{}) {
			return chancery.Foresight{Outcome: chancery.CAAUnknown, Where: shownName(owner), Detail: shownFailures(found.failed)}
		}
	}
	return chancery.Foresight{Outcome: chancery.CAANone, Where: shownName(string(name.Base()))}
}

// judgeCAA decides by the properties issue and, for wildcards, issuewild, which takes
// the place of issue where there is one (RFC 8659, 4.3).
func judgeCAA(records []dns.RR, wildcard bool, authority chancery.CAAPolicy) chancery.Foresight {
	var issue, issuewild []string
	hasIssue, hasWild, unknown := false, false, ""
	for _, rr := range records {
		record := rr.(*dns.CAA)
		who, _, _ := strings.Cut(record.Value, ";")
		who = strings.ToLower(strings.TrimSpace(who))
		switch tag := strings.ToLower(record.Tag); tag {
		case "issue":
			issue, hasIssue = append(issue, who), true
		case "issuewild":
			issuewild, hasWild = append(issuewild, who), true
		case "iodef", "contactemail", "contactphone", "issuemail", "issuevmc":
		default:
			const critical = 128
			if record.Flag&critical != 0 {
				unknown = tag
			}
		}
	}
	allowed, limited := issue, hasIssue
	if wildcard && hasWild {
		allowed, limited = issuewild, true
	}
	return caaOutcome(allowed, limited, unknown, authority)
}

func caaOutcome(allowed []string, limited bool, critical string, authority chancery.CAAPolicy) chancery.Foresight {
	var named []string
	for _, who := range allowed {
		if who != "" {
			named = append(named, printable(who, maxValue))
		}
	}
	f := chancery.Foresight{Detail: strings.Join(named[:min(len(named), maxValues)], ", ")}
	if critical != "" {
		f.Detail = "a critical property " + excerpt([]string{critical})
	}
	known := func() bool {
		for _, identity := range authority.Identities {
			for _, who := range allowed {
				if strings.EqualFold(identity, who) {
					return true
				}
			}
		}
		return false
	}
	switch {
	case !limited && critical == "":
		f.Outcome = chancery.CAANone
	case !authority.Heeds:
		f.Outcome = chancery.CAAIgnored
	case critical != "", len(named) == 0:
		f.Outcome = chancery.CAAForbids
	case known():
		f.Outcome = chancery.CAAAllows
	case len(authority.Identities) == 0:
		f.Outcome = chancery.CAAOthers
	default:
		f.Outcome = chancery.CAAForbids
	}
	return f
}

// webServer fetches what is not there yet, in the way of a look: an error page will do.
func (l *Looker) webServer(ctx context.Context, name chancery.Name) chancery.Foresight {
	ctx, cancel := context.WithTimeout(ctx, l.fileTimeout)
	defer cancel()
	notes := l.lookFile(ctx, chancery.Validation{Name: name, Method: chancery.FILE, Token: rand.Text()})
	last := notes[len(notes)-1]
	for _, n := range notes {
		switch n.finding {
		case chancery.WrongValue, chancery.BadStatus, chancery.Seen:
			return chancery.Foresight{Outcome: chancery.FileReached, Where: n.where, Detail: n.detail}
		default:
			last = n
		}
	}
	return chancery.Foresight{Outcome: chancery.FileMissed, Where: last.where, Detail: last.detail}
}

func shownFailures(notes []note) string {
	if len(notes) == 0 {
		return ""
	}
	return notes[0].where + ": " + notes[0].detail
}
