package ram

import (
	"net/netip"
	"strings"
	"time"
)

// Request is what is to be decided: may this action be done to this object?
//
// It must be well formed: an action "<service>:<name>" of at most 256 bytes and
// without wildcards, and at least one resource, each a full name of at most 2048
// bytes. One that is not is denied implicitly, without looking at the policies,
// since a Deny could miss it.
type Request struct {
	// Action is "yundun-cert:DescribeCertificateState".
	Action string
	// Resources are all full names of the one object concerned, such as
	// "acs:yundun-cert:cn-hangzhou:1234567890123456:order/55"; the certificate
	// of an order has two. A request about no single object has one name, ending
	// in ":*", and only a pattern with a `*` there covers it: "order/*" does not.
	Resources []string
	Context   Context
}

// Context is what conditions look at. A value may be absent: an absent value
// equals nothing, lies in no range and is neither before nor after anything. So
// an ordinary operator does not hold for it and a Not operator does, under Deny
// as under Allow.
//
// It follows that {"Deny" IpAddress bad} does not stop a request without an
// address, while {"Deny" NotIpAddress good} does. Whoever builds a Context for a
// request from outside therefore always fills in SourceIP, Time and
// PrincipalARN; Secure and MFA are never absent, their zero value says "no".
type Context struct {
	// SourceIP (acs:SourceIp) is where the request came from. An IPv4-mapped
	// IPv6 address counts as IPv4; a zone is ignored. The zero value is absent.
	SourceIP netip.Addr
	// Time (acs:CurrentTime) is when it came, compared in whole seconds. The
	// zero value is absent.
	Time time.Time
	// Secure (acs:SecureTransport): it came over TLS.
	Secure bool
	// MFA (acs:MFAPresent): the caller showed a second factor.
	MFA bool
	// PrincipalARN (acs:PrincipalARN) is who calls, such as
	// "acs:ram::1234567890123456:user/alice". Empty is absent.
	PrincipalARN string
}

// Decision says what was decided and by which statement. The zero value is an
// implicit denial: no statement covered the request.
type Decision struct {
	Allowed bool
	// Explicit: a Deny statement decided.
	Explicit bool
	// Policy and Statement (counted from 1) name the statement that decided: of
	// several, the first in the order given. Statement 0: none did.
	Policy    string
	Statement int
}

const (
	maxAction = 256
	maxName   = 2048
)

// Evaluate decides a request by all identity policies that apply to the caller.
// A Deny that covers the object under any of its names wins; else an Allow that
// covers it under any of its names allows; else the request is denied. A trust
// policy among them says nothing here.
func Evaluate(policies []Policy, r Request) Decision {
	names, ok := r.names()
	if !ok {
		return Decision{}
	}
	return decide(policies, func(s *Statement) bool {
		return s.coversAction(r.Action) && s.coversName(names) && s.holds(&r.Context)
	})
}

// decide finds the first Deny that covers, else the first Allow that does.
func decide(policies []Policy, covers func(*Statement) bool) Decision {
	var allowed Decision
	for _, policy := range policies {
		for i := range policy.Statements {
			s := &policy.Statements[i]
			if s.Effect == Allow && allowed.Allowed || !covers(s) {
				continue
			}
			if s.Effect != Allow {
				return Decision{Explicit: true, Policy: policy.Name, Statement: i + 1}
			}
			allowed = Decision{Allowed: true, Policy: policy.Name, Statement: i + 1}
		}
	}
	return allowed
}

// names checks the form of a request and splits its resources.
func (r *Request) names() ([]name, bool) {
	if len(r.Resources) == 0 || len(r.Action) > maxAction || !isAction(r.Action) || strings.ContainsAny(r.Action, "*?") {
		return nil, false
	}
	names := make([]name, len(r.Resources))
	for i, text := range r.Resources {
		n, ok := splitName(text)
		if !ok || len(text) > maxName {
			return nil, false
		}
		names[i] = n
	}
	return names, true
}
