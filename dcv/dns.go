package dcv

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"chancery"
)

// lookDNS looks for the token among the TXT records of the validation's record
// name, or of the name that CNAMEs lead to (BR 3.2.2.4.7). Where a CA is going to
// look as well, the zone's own name servers have to show it too.
func (l *Looker) lookDNS(ctx context.Context, v chancery.Validation) (notes []note, proved bool) {
	ctx, cancel := context.WithTimeout(ctx, l.dnsTimeout)
	defer cancel()
	found := l.resolver.lookup(ctx, v.Record(), dns.TypeTXT)
	if len(found.records) > 0 {
		found.finding, found.detail = judgeTXT(found, v.Token)
	}
	notes, proved = found.notes(), found.finding == chancery.Seen
	if v.Place == "" || !proved {
		return notes, proved
	}
	confirmed, denied := l.confirm(ctx, found.chain.end(), v.Token)
	return append(notes, confirmed...), !denied
}

// judgeTXT compares each record whole and exactly; one that equals the token is
// enough, whatever stands beside it.
func judgeTXT(found answer, token string) (chancery.Finding, string) {
	values := make([]string, len(found.records))
	for i, rr := range found.records {
		values[i] = content(rr.(*dns.TXT))
		if values[i] == token {
			return chancery.Seen, found.via()
		}
	}
	if via := found.via(); via != "" {
		// A CNAME can point at any name that our resolvers see, also at one whose
		// records are none of the applicant's business.
		return chancery.WrongValue, fmt.Sprintf("none of %d TXT records %s, equals the token", len(values), via)
	}
	return chancery.WrongValue, "found " + excerpt(values)
}

// content is the text of a TXT record: its strings joined without anything
// between them (RFC 7208, 3.3), in the bytes of the wire. The library hands them
// out with escapes: \" and \\, and \DDD in decimals (RFC 1035, 5.1).
func content(txt *dns.TXT) string {
	escaped := strings.Join(txt.Txt, "")
	var plain strings.Builder
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c == '\\' && i+1 < len(escaped) {
			i++
			c = escaped[i]
			if isDigit(c) && i+2 < len(escaped) {
				c = 100*(c-'0') + 10*(escaped[i+1]-'0') + escaped[i+2] - '0'
				i += 2
			}
		}
		plain.WriteByte(c)
	}
	return plain.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
