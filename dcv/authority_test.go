package dcv

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"chancery"
	"chancery/internal/zone"
)

const (
	acmeRecord = chancery.ACMEProofLabel + "." + host
	acmeToken  = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
)

// twoServers starts a resolver and two name servers of example.test on one port.
func twoServers(t *testing.T) (resolver, first, second *zone.Server, port int) {
	t.Helper()
	resolver, first = newZone(t), newZone(t)
	_, text, _ := strings.Cut(first.Addr(), ":")
	second, err := zone.Start("127.0.0.2:" + text)
	if err != nil {
		t.Skipf("no second address on loopback: %v", err)
	}
	t.Cleanup(func() { _ = second.Close() })
	if _, err := fmt.Sscan(text, &port); err != nil {
		t.Fatal(err)
	}
	resolver.Set("example.test", "NS", "ns1.example.test", "ns2.example.test")
	resolver.Set("ns1.example.test", "A", "127.0.0.1")
	resolver.Set("ns2.example.test", "A", "127.0.0.2")
	return resolver, first, second, port
}

func TestAllNameServersMustShowTheProof(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(resolver, first, second *zone.Server)
		proved bool
		found  []chancery.Finding // of the resolver, then of the servers
	}{
		{"all show it", nil, true, []chancery.Finding{chancery.Seen, chancery.Seen, chancery.Seen}},
		{"one has an older zone", func(_, _, second *zone.Server) { second.Set(acmeRecord, "TXT", "old") },
			false, []chancery.Finding{chancery.Seen, chancery.Seen, chancery.WrongValue}},
		{"one does not know the name", func(_, first, _ *zone.Server) { first.Set(acmeRecord, "TXT") },
			false, []chancery.Finding{chancery.Seen, chancery.NoName, chancery.Seen}},
		{"one has other records there", func(_, first, _ *zone.Server) { first.Set(acmeRecord, "TXT"); first.Set(acmeRecord, "A", "192.0.2.1") },
			false, []chancery.Finding{chancery.Seen, chancery.NoRecord, chancery.Seen}},
		{"one is out of order", func(_, _, second *zone.Server) { second.Fault(acmeRecord, zone.ServFail) },
			true, []chancery.Finding{chancery.Seen, chancery.Seen, chancery.ServerFailed}},
		{"one is silent", func(_, _, second *zone.Server) { second.Fault(acmeRecord, zone.Silent) },
			true, []chancery.Finding{chancery.Seen, chancery.Seen, chancery.NoAnswer}},
		{"one is not for the zone", func(_, first, _ *zone.Server) { first.Fault(acmeRecord, zone.Refer) },
			true, []chancery.Finding{chancery.Seen, chancery.ServerFailed, chancery.Seen}},
		{"one has a private address", func(resolver, _, _ *zone.Server) { resolver.Set("ns2.example.test", "A", "10.0.0.1") },
			true, []chancery.Finding{chancery.Seen, chancery.Seen, chancery.NotAsked}},
		{"one has no address", func(resolver, _, _ *zone.Server) { resolver.Set("ns2.example.test", "A") },
			true, []chancery.Finding{chancery.Seen, chancery.Seen, chancery.NotAsked}},
		{"none is known", func(resolver, _, _ *zone.Server) { resolver.Set("example.test", "NS") },
			true, []chancery.Finding{chancery.Seen, chancery.NotAsked}},
		{"the zone cannot be found", func(resolver, _, _ *zone.Server) { resolver.Fault("example.test", zone.ServFail) },
			true, []chancery.Finding{chancery.Seen, chancery.NotAsked}},
		{"the resolver has not seen it", func(resolver, _, _ *zone.Server) { resolver.Set(acmeRecord, "TXT", "other") },
			false, []chancery.Finding{chancery.WrongValue}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver, first, second, port := twoServers(t)
			for _, z := range []*zone.Server{resolver, first, second} {
				z.Set(acmeRecord, "TXT", acmeToken)
			}
			if test.spoil != nil {
				test.spoil(resolver, first, second)
			}
			l := newLooker(t, Config{DNSPort: port, Allow: prefixes("127.0.0.0/8")}, resolver)
			proved, evidence := l.Look(context.Background(), chancery.Validation{Name: host, Method: chancery.DNS, Token: acmeToken, Place: acmeRecord})
			var found []chancery.Finding
			for _, e := range evidence {
				found = append(found, e.Finding)
			}
			if proved != test.proved || fmt.Sprint(found) != fmt.Sprint(test.found) {
				t.Errorf("proved %v by %v; want %v by %v\n%+v", proved, found, test.proved, test.found, evidence)
			}
		})
	}
}

func TestNameServersBehindAnAlias(t *testing.T) {
	resolver, first, second, port := twoServers(t)
	resolver.Set(acmeRecord, "CNAME", "proofs.example.test")
	for _, z := range []*zone.Server{resolver, first, second} {
		z.Set("proofs.example.test", "TXT", acmeToken)
	}
	l := newLooker(t, Config{DNSPort: port, Allow: prefixes("127.0.0.0/8")}, resolver)
	v := chancery.Validation{Name: host, Method: chancery.DNS, Token: acmeToken, Place: acmeRecord}
	if proved, evidence := l.Look(context.Background(), v); !proved || len(evidence) != 3 {
		t.Errorf("proved %v by %+v", proved, evidence)
	}
	// Our own proof is not for a CA to look at: the resolver decides.
	resolver.Set(chancery.ProofLabel+"."+host, "TXT", token)
	if proved, evidence := look(t, l, chancery.DNS); !proved || len(evidence) != 1 {
		t.Errorf("our own proof: %v by %+v", proved, evidence)
	}
}

func TestACMEFileIsFetchedOverHTTPAlone(t *testing.T) {
	v := chancery.Validation{Name: host, Method: chancery.FILE, Token: "token.thumbprint", Place: chancery.ACMEProofPath + "token"}
	z := newZone(t)
	z.Set(host, "A", "127.0.0.1")
	plain := serve(t, "127.0.0.1:0", say("token.thumbprint"))
	if proved, evidence := newLooker(t, Config{HTTPPort: plain}, z).Look(context.Background(), v); !proved {
		t.Errorf("over http: %+v", evidence)
	} else if !strings.Contains(evidence[0].Where, v.Place) {
		t.Errorf("looked at %s", evidence[0].Where)
	}
	secure := serveTLS(t, "127.0.0.1:0", say("token.thumbprint"))
	if proved, evidence := newLooker(t, Config{HTTPSPort: secure}, z).Look(context.Background(), v); proved {
		t.Errorf("over https alone, where no CA looks: %+v", evidence)
	}
}
