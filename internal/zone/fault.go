package zone

import "github.com/miekg/dns"

// Fault is how the server fails for one name.
type Fault int

// The faults. They concern queries for the name itself, of any type.
const (
	None     Fault = iota
	ServFail       // SERVFAIL
	Refuse         // REFUSED
	Silent         // no answer at all
	Truncate       // over UDP nothing but the mark that it did not fit, over TCP all of it
	Forge          // the answer repeats another question, as a blind forger's would
	Refer          // neither answer nor error, like a server that does not resolve for others
	Hollow         // records come without their data
	Sever          // a CNAME comes alone, as if its target were in somebody else's zone
)

// Fault makes the server fail for name from now on; None mends it.
func (s *Server) Fault(name string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == None {
		delete(s.faults, dns.CanonicalName(name))
		return
	}
	s.faults[dns.CanonicalName(name)] = f
}

// apply spoils a good reply. It tells whether anything is to be sent at all.
func (f Fault) apply(reply *dns.Msg, udp bool) bool {
	switch f {
	case Silent:
		return false
	case ServFail:
		fail(reply, dns.RcodeServerFailure)
	case Refuse:
		fail(reply, dns.RcodeRefused)
	case Refer:
		fail(reply, dns.RcodeSuccess)
		reply.Authoritative = false
	case Truncate:
		if udp {
			fail(reply, dns.RcodeSuccess)
			reply.Truncated = true
		}
	case Hollow:
		for i, rr := range reply.Answer {
			empty := dns.TypeToRR[rr.Header().Rrtype]()
			*empty.Header() = *rr.Header()
			reply.Answer[i] = empty
		}
	case Forge:
		reply.Question[0].Name = "forged." + reply.Question[0].Name
	case None, Sever:
	}
	return true
}

func fail(reply *dns.Msg, rcode int) {
	reply.Rcode, reply.Answer, reply.Ns = rcode, nil, nil
}
