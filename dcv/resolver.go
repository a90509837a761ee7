package dcv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"chancery"
)

// resolver asks the configured DNS servers and nobody else. It never changes, so
// any number of looks may share it.
type resolver struct {
	servers []string // host:port, at least one
	// rounds are how long each server gets to answer, the first time round and
	// then again: short first, so that a dead server costs little when the next
	// one is well, then long enough for names that take time to resolve.
	rounds []time.Duration
}

// answer is what the servers said about one name and type.
type answer struct {
	// note is of the server that could tell, and zero if none could. With records
	// its finding is still open, since records by themselves prove nothing.
	note
	records []dns.RR // of the wanted type, at the end of the chain
	chain   chain    // the name asked for, and those that CNAMEs led to
	failed  []note   // of each server that could not tell
}

// notes are the evidence: one note for each server that was asked.
func (a answer) notes() []note {
	if a.note == (note{}) {
		return a.failed
	}
	return append(a.failed, a.note)
}

// via says where CNAMEs led; it is "" if there were none.
func (a answer) via() string {
	if len(a.chain) == 1 {
		return ""
	}
	return "at " + shownName(a.chain.end()) + ", where the CNAME leads"
}

// lookup finds the records of a type at a name or where its CNAMEs lead. The
// first server that can tell decides, for better or worse. A recursive resolver
// usually gives the whole chain at once; where it gives a part, the rest is
// asked for.
func (r resolver) lookup(ctx context.Context, name string, rrtype uint16) answer {
	a := answer{chain: chain{dns.CanonicalName(name)}}
	failures := make([]note, len(r.servers))
	for a.note == (note{}) {
		server, reply := r.ask(ctx, a.chain.end(), rrtype, failures)
		if reply == nil {
			break
		}
		a.read(server, reply, rrtype)
	}
	a.failed = slices.DeleteFunc(failures, func(n note) bool { return n == note{} })
	return a
}

// read takes in one reply. The note stays zero if all the reply does is lead on.
func (a *answer) read(server string, reply *dns.Msg, rrtype uint16) {
	before := len(a.chain)
	records, err := a.chain.follow(reply.Answer, rrtype)
	end := shownName(a.chain.end())
	switch {
	case err != nil:
		a.note = note{server, chancery.BadAnswer, err.Error()}
	case reply.Rcode == dns.RcodeNameError:
		a.note = note{server, chancery.NoName, end + " does not exist"}
	case len(records) > 0:
		a.note, a.records = note{where: server}, records
	case len(a.chain) == before:
		a.note = note{server, chancery.NoRecord, end + " has no " + dns.TypeToString[rrtype] + " record"}
	}
}

// ask puts one question to the servers in turn until one can tell. It keeps in
// failures, by server, why each of the others could not. A server that refuses
// has spoken and is not asked a second time.
func (r resolver) ask(ctx context.Context, name string, rrtype uint16, failures []note) (where string, reply *dns.Msg) {
	spoken := make([]bool, len(r.servers))
	for _, wait := range r.rounds {
		for i, server := range r.servers {
			if spoken[i] {
				continue
			}
			where := "resolver " + server
			reply, err := query(ctx, server, name, rrtype, wait)
			finding, detail := failure(reply, err)
			if finding == "" {
				failures[i] = note{}
				return where, reply
			}
			failures[i] = note{where, finding, detail}
			spoken[i] = err == nil
			if ctx.Err() != nil {
				return "", nil
			}
		}
	}
	return "", nil
}

// failure tells why a server's reply settles nothing, if so. NXDOMAIN settles
// something; SERVFAIL, which is also what a validating resolver says of forged
// data, never does.
func failure(reply *dns.Msg, err error) (finding chancery.Finding, detail string) {
	switch {
	case err != nil:
		return chancery.NoAnswer, reason(err)
	case reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError:
		if name, known := dns.RcodeToString[reply.Rcode]; known {
			return chancery.ServerFailed, name
		}
		return chancery.ServerFailed, fmt.Sprintf("response code %d", reply.Rcode)
	case reply.Rcode == dns.RcodeSuccess && len(reply.Answer) == 0 && !reply.Authoritative && !reply.RecursionAvailable:
		return chancery.ServerFailed, "this server does not resolve for others"
	}
	return "", ""
}

// maxCNAMEs is how many CNAMEs one lookup follows.
const maxCNAMEs = 8

// chain is a name and those that CNAMEs lead to from it, in canonical form.
type chain []string

func (c chain) end() string { return c[len(c)-1] }

// follow extends the chain by the CNAMEs of an answer and gives the records of
// the wanted type at its end. What an answer holds beside the chain is ignored.
func (c *chain) follow(answer []dns.RR, rrtype uint16) ([]dns.RR, error) {
	for {
		if found := recordsAt(c.end(), rrtype, answer); len(found) > 0 {
			return found, nil
		}
		cnames := recordsAt(c.end(), dns.TypeCNAME, answer)
		if len(cnames) == 0 {
			return nil, nil
		}
		target := dns.CanonicalName(cnames[0].(*dns.CNAME).Target)
		switch {
		case slices.Contains(*c, target):
			return nil, errors.New("CNAME loop")
		case len(*c) > maxCNAMEs:
			return nil, fmt.Errorf("more than %d CNAMEs", maxCNAMEs)
		}
		*c = append(*c, target)
	}
}

func recordsAt(owner string, rrtype uint16, rrs []dns.RR) (found []dns.RR) {
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype == rrtype && h.Class == dns.ClassINET && dns.CanonicalName(h.Name) == owner {
			found = append(found, rr)
		}
	}
	return found
}

// shownName is a DNS name as evidence shows it.
func shownName(name string) string {
	return printable(strings.TrimSuffix(name, "."), maxShown)
}
