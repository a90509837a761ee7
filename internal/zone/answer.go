package zone

import (
	"net"
	"strings"

	"github.com/miekg/dns"
)

// ttl of everything, in seconds: short, since tests and newcomers change
// records and look again.
const ttl = 1

// maxChain bounds the CNAMEs that one answer follows; a loop ends there.
const maxChain = 16

// ServeDNS answers one query. The library calls it, from a goroutine of its own.
func (s *Server) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	question := query.Question[0] // the library lets exactly one pass
	_, udp := w.RemoteAddr().(*net.UDPAddr)

	reply, fault, watch := s.answer(query)
	if watch != nil {
		name := strings.TrimSuffix(dns.CanonicalName(question.Name), ".")
		watch(name, dns.TypeToString[question.Qtype])
	}
	if !fault.apply(reply, udp) {
		return
	}
	if opt := query.IsEdns0(); opt != nil {
		reply.SetEdns0(opt.UDPSize(), false)
	}
	if udp {
		reply.Truncate(udpSize(query))
	}
	// The asker may be gone; that is its own business.
	_ = w.WriteMsg(reply)
}

// udpSize is how long a reply the asker takes (RFC 6891, 6.2.3).
func udpSize(query *dns.Msg) int {
	if opt := query.IsEdns0(); opt != nil {
		return int(opt.UDPSize())
	}
	return dns.MinMsgSize
}

// answer makes up the reply as it would be without the fault, and gives what
// else there is to do with it.
func (s *Server) answer(query *dns.Msg) (*dns.Msg, Fault, func(string, string)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	question := query.Question[0]
	name := dns.CanonicalName(question.Name)
	fault := s.faults[name]

	reply := new(dns.Msg).SetReply(query)
	reply.Authoritative = true
	for range maxChain {
		found := s.records[name][question.Qtype]
		cname := s.records[name][dns.TypeCNAME]
		if len(found) == 0 && len(cname) == 0 {
			found = s.inherited(name, question.Qtype)
		}
		if len(found) > 0 || len(cname) == 0 {
			reply.Answer = append(reply.Answer, found...)
			break
		}
		reply.Answer = append(reply.Answer, cname[0])
		if fault == Sever {
			return reply, fault, s.watch
		}
		name = dns.CanonicalName(cname[0].(*dns.CNAME).Target)
	}
	if !s.exists(name) {
		reply.Rcode = dns.RcodeNameError // of the last name of the chain (RFC 6604, 3)
	}
	if len(s.records[name][question.Qtype]) == 0 && len(s.inherited(name, question.Qtype)) == 0 {
		reply.Ns = []dns.RR{soa()}
	}
	return reply, fault, s.watch
}

// exists tells whether the name or any name below it has records: a name that
// only leads to others exists too (RFC 8020).
func (s *Server) exists(name string) bool {
	for owner := range s.records {
		if dns.IsSubDomain(name, owner) {
			return true
		}
	}
	return name == "." || s.domainOf(name) != ""
}

// domainOf is the domain that SetBelow was given for a name, or empty.
func (s *Server) domainOf(name string) string {
	for domain := range s.below {
		if name != domain && dns.IsSubDomain(domain, name) {
			return domain
		}
	}
	return ""
}

// inherited are the records that a name has from the domain it is below.
func (s *Server) inherited(name string, rrtype uint16) (own []dns.RR) {
	for _, rr := range s.below[s.domainOf(name)][rrtype] {
		rr = dns.Copy(rr)
		rr.Header().Name = name
		own = append(own, rr)
	}
	return own
}

// soa lets a resolver keep a negative answer, for one second (RFC 2308, 3).
func soa() dns.RR {
	return &dns.SOA{
		Hdr: header(".", dns.TypeSOA), Ns: "localhost.", Mbox: "hostmaster.localhost.",
		Serial: 1, Refresh: 1, Retry: 1, Expire: 1, Minttl: ttl,
	}
}

func header(owner string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}
