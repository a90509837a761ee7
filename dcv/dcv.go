// Package dcv looks whether an applicant controls a domain: it asks for the TXT
// record, or fetches the file, that a chancery.Validation names (BR 3.2.2.4.7
// and 3.2.2.4.18).
//
// Whatever it meets on the way was chosen by strangers: names, addresses,
// redirects, pages. So it goes only to public addresses unless the operator
// allows more, reads little and never long, and tells the applicant what was
// found without repeating what was read.
package dcv

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"chancery"
)

// Config says how proofs are looked for. The zero value works.
type Config struct {
	// Resolvers are the DNS servers to ask, in this order, as host or host:port
	// (port 53 if none is given). The next one is asked when one fails. They must
	// resolve for others; where public rules matter they validate DNSSEC, all of
	// them, and see the public DNS, not an inner view of it. Empty means the
	// nameservers of /etc/resolv.conf at the start, and 127.0.0.1 if it has none.
	Resolvers []string

	// Allow are addresses that proofs may be fetched from besides public ones,
	// such as 10.0.0.0/8 for names inside the organisation. Whoever may apply for
	// a certificate can make Chancery send a GET there and learn its status.
	// Addresses at which clouds hand out credentials stay closed unless a prefix
	// names exactly that one address (169.254.169.254/32).
	Allow []netip.Prefix

	// HTTPPort and HTTPSPort are where files are fetched, first hop and redirects.
	// 0 means 80 and 443, the only ones that public rules allow.
	HTTPPort, HTTPSPort int

	// DNSPort is where the name servers of zones are asked; 0 means 53.
	DNSPort int

	// Timeout bounds one look at a file, http and https together with all
	// redirects; 0 means 10 s, the most is 30 s. A look at DNS takes at most 10 s.
	Timeout time.Duration

	// Clock dates the evidence; nil means the machine's clock.
	Clock chancery.Clock
}

// The longest that looks take. A chancery.Looker promises to end within 30 s.
const (
	dnsTimeout  = 10 * time.Second
	fileTimeout = 10 * time.Second
	maxTimeout  = 30 * time.Second
)

// Looker implements chancery.Looker. It holds no state between looks and may be
// used by any number of goroutines.
type Looker struct {
	resolver    resolver
	dialer      dialer
	ports       map[string]int // by URL scheme
	dnsPort     int            // of name servers other than the resolvers
	dnsTimeout  time.Duration
	fileTimeout time.Duration
	clock       chancery.Clock
}

var _ chancery.Looker = (*Looker)(nil)

// New checks the configuration and reads /etc/resolv.conf if that is needed. It
// sends nothing.
func New(config Config) (*Looker, error) {
	servers, err := resolverAddrs(config.Resolvers)
	if err != nil {
		return nil, err
	}
	l := &Looker{
		resolver:    resolver{servers: servers, rounds: []time.Duration{time.Second, 3 * time.Second}},
		dialer:      dialer{allow: slices.Clone(config.Allow), flag: "--dcv-allow"},
		ports:       map[string]int{"http": orElse(config.HTTPPort, 80), "https": orElse(config.HTTPSPort, 443)},
		dnsPort:     orElse(config.DNSPort, 53),
		dnsTimeout:  dnsTimeout,
		fileTimeout: orElse(config.Timeout, fileTimeout),
		clock:       config.Clock,
	}
	if l.clock == nil {
		l.clock = chancery.SystemClock{}
	}
	for scheme, port := range l.ports {
		if port < 1 || port > 65535 {
			return nil, fmt.Errorf("domain control validation: %d is not a port for %s", port, scheme)
		}
	}
	if l.dnsPort < 1 || l.dnsPort > 65535 {
		return nil, fmt.Errorf("domain control validation: %d is not a port for DNS", l.dnsPort)
	}
	if l.fileTimeout < 0 || l.fileTimeout > maxTimeout {
		return nil, fmt.Errorf("domain control validation: a timeout of %v is not between 0 and %v", l.fileTimeout, maxTimeout)
	}
	for _, prefix := range config.Allow {
		if !prefix.IsValid() || prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("domain control validation: %q is not a range to allow; write 10.0.0.0/8 or fd00::/8", prefix)
		}
	}
	return l, nil
}

func orElse[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// Look looks once. See chancery.Looker for what it promises; a DNS look leaves
// evidence of each resolver it asked, and, where a CA will look too, of each of the
// zone's name servers; a FILE look leaves one of http and, unless
// that proved it, one of https, after those of each address on the way that did
// not answer. Resolvers show there only if a name did not resolve.
func (l *Looker) Look(ctx context.Context, v chancery.Validation) (bool, []chancery.Evidence) {
	var notes []note
	proved := false
	switch {
	case v.Token == "":
		// An empty page or record must never equal an empty token.
		notes = []note{{"this validation", chancery.Refusal, "it has no token"}}
	case v.Name.Wildcard():
		notes = []note{{"this validation", chancery.Refusal, "a wildcard is proved at the name without its first label"}}
	case v.Method == chancery.DNS:
		notes, proved = l.lookDNS(ctx, v)
	case v.Method == chancery.FILE:
		notes = l.lookFile(ctx, v)
		proved = notes[len(notes)-1].finding == chancery.Seen
	default:
		notes = []note{{"this validation", chancery.Refusal, "its method is neither DNS nor FILE"}}
	}
	return proved, l.date(v, notes)
}

// note is a piece of evidence before it has a date: where, what was found, and
// why that is not enough.
type note struct {
	where   string
	finding chancery.Finding
	detail  string
}

func (l *Looker) date(v chancery.Validation, notes []note) (evidence []chancery.Evidence) {
	at := l.clock.Now()
	for _, n := range notes {
		evidence = append(evidence, chancery.Evidence{
			At: at, Method: v.Method, Name: v.Name,
			Where: n.where, Finding: n.finding, Detail: n.detail, Count: 1,
		})
	}
	return evidence
}
