package dcv

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"chancery"
)

// Bounds of what one look asks of a zone's own name servers.
const (
	maxServers       = 6 // of a zone
	maxServerAddrs   = 2 // of a server
	maxZoneQuestions = 8 // to find the zone
)

// confirm asks the name servers of the zone that holds a name for the token there. A
// CA's resolver may ask any of them, so one that shows something else is a no, even
// where our resolver says yes. Servers that cannot be found, may not be asked or do
// not answer change nothing: then the resolver's word counts.
func (l *Looker) confirm(ctx context.Context, name, token string) (notes []note, denied bool) {
	servers, missing := l.nameServers(ctx, name)
	if len(servers) == 0 {
		return []note{missing}, false
	}
	found := make([][]note, len(servers))
	var all sync.WaitGroup
	for i, server := range servers {
		all.Go(func() { found[i] = l.askServer(ctx, server, name, token) })
	}
	all.Wait()
	notes = slices.Concat(found...)
	for _, n := range notes {
		switch n.finding {
		case chancery.WrongValue, chancery.NoRecord, chancery.NoName:
			denied = true
		default:
		}
	}
	return notes, denied
}

// nameServers finds the zone by asking for NS records from the name upwards, and
// never at a top-level domain. The note says why there are none.
func (l *Looker) nameServers(ctx context.Context, name string) ([]string, note) {
	labels := dns.SplitDomainName(name)
	for i := 0; i < len(labels)-1 && i < maxZoneQuestions; i++ {
		zone := dns.Fqdn(strings.Join(labels[i:], "."))
		found := l.resolver.lookup(ctx, zone, dns.TypeNS)
		if len(found.records) > 0 && len(found.chain) == 1 {
			servers := make([]string, 0, maxServers)
			for _, rr := range found.records[:min(len(found.records), maxServers)] {
				servers = append(servers, dns.CanonicalName(rr.(*dns.NS).Ns))
			}
			slices.Sort(servers)
			return servers, note{}
		}
		if found.note == (note{}) && len(found.records) == 0 { // nobody could tell
			return nil, note{"name servers of " + shownName(zone), chancery.NotAsked, "the resolvers could not find them"}
		}
	}
	return nil, note{"name servers of " + shownName(name), chancery.NotAsked, "the resolvers know of none"}
}

// askServer asks a name server at each of its addresses.
func (l *Looker) askServer(ctx context.Context, server, name, token string) (notes []note) {
	addrs, _ := l.resolve(ctx, strings.TrimSuffix(server, "."))
	if len(addrs) == 0 {
		return []note{{"name server " + shownName(server), chancery.NotAsked, "its address could not be found"}}
	}
	for _, addr := range addrs[:min(len(addrs), maxServerAddrs)] {
		to := netip.AddrPortFrom(addr, uint16(l.dnsPort)) //nolint:gosec // it was checked
		where := "name server " + shownName(server) + " at " + to.String()
		if err := l.dialer.judge(addr); err != nil {
			notes = append(notes, note{where, chancery.NotAsked, err.Error()})
			continue
		}
		finding, detail := l.askAddress(ctx, to, name, token)
		notes = append(notes, note{where, finding, detail})
	}
	return notes
}

func (l *Looker) askAddress(ctx context.Context, to netip.AddrPort, name, token string) (chancery.Finding, string) {
	reply, err := l.queryAuthority(ctx, net.JoinHostPort(to.Addr().String(), strconv.Itoa(int(to.Port()))), name)
	switch {
	case err != nil:
		return chancery.NoAnswer, reason(err)
	case !reply.Authoritative:
		return chancery.ServerFailed, "it does not answer for the zone"
	}
	if finding, detail := failure(reply, nil); finding != "" {
		return finding, detail
	}
	at := chain{dns.CanonicalName(name)}
	records, err := at.follow(reply.Answer, dns.TypeTXT)
	switch {
	case err != nil:
		return chancery.BadAnswer, err.Error()
	case len(records) > 0:
		return judgeTXT(answer{records: records, chain: at}, token)
	case len(at) > 1: // it leads on to a zone of somebody else, where the resolver looked
		return chancery.NotAsked, "it has a CNAME that leads elsewhere"
	case reply.Rcode == dns.RcodeNameError:
		return chancery.NoName, shownName(name) + " does not exist"
	}
	return chancery.NoRecord, shownName(name) + " has no TXT record"
}

// queryAuthority asks a server for what it knows itself, with the patience that a
// resolver gets.
func (l *Looker) queryAuthority(ctx context.Context, server, name string) (*dns.Msg, error) {
	err := errors.New("not asked")
	for _, wait := range l.resolver.rounds {
		var reply *dns.Msg
		if reply, err = queryAt(ctx, server, name, dns.TypeTXT, wait, false); err == nil || ctx.Err() != nil {
			return reply, err
		}
	}
	return nil, err
}
