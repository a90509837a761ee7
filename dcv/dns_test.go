package dcv

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"chancery"
	"chancery/internal/zone"
)

const record = chancery.ProofLabel + "." + host

func TestDNS(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name    string
		publish func(z *zone.Server)
		finding chancery.Finding
		detail  string
	}{
		{"the token", func(z *zone.Server) { z.Set(record, "TXT", token) }, chancery.Seen, ""},
		{"the token among others", func(z *zone.Server) { z.Set(record, "TXT", "a", long, token) }, chancery.Seen, ""},
		{"in capital letters", func(z *zone.Server) { z.Set(record, "TXT", strings.ToUpper(token)) }, chancery.WrongValue, "found"},
		{"in quotes", func(z *zone.Server) { z.Set(record, "TXT", `"`+token+`"`) }, chancery.WrongValue, `found "\"2026`},
		{"with a space", func(z *zone.Server) { z.Set(record, "TXT", token+" ") }, chancery.WrongValue, "found"},
		{"another value", func(z *zone.Server) { z.Set(record, "TXT", "old\x1b[2J") }, chancery.WrongValue, `found "old?[2J"`},
		{"many values", func(z *zone.Server) { z.Set(record, "TXT", "a", "b", "c", "d", "e") }, chancery.WrongValue, `found "a", "b", "c" and 2 more`},
		{"an empty value", func(z *zone.Server) { z.Set(record, "TXT", "") }, chancery.WrongValue, `found ""`},
		{"at the bare name", func(z *zone.Server) { z.Set(host, "TXT", token) }, chancery.NoName, record + " does not exist"},
		{"no name", func(*zone.Server) {}, chancery.NoName, "does not exist"},
		{"another type", func(z *zone.Server) { z.Set(record, "A", "127.0.0.1") }, chancery.NoRecord, "no TXT record"},
		{"only names below", func(z *zone.Server) { z.Set("a."+record, "TXT", token) }, chancery.NoRecord, "no TXT record"},
		{"SERVFAIL", fault(zone.ServFail), chancery.ServerFailed, "SERVFAIL"},
		{"REFUSED", fault(zone.Refuse), chancery.ServerFailed, "REFUSED"},
		{"not a resolver", fault(zone.Refer), chancery.ServerFailed, "does not resolve for others"},
		{"silence", fault(zone.Silent), chancery.NoAnswer, "no answer in time"},
		{"an answer to another question", fault(zone.Forge), chancery.NoAnswer, "no answer in time"},
		{"a record without a value", fault(zone.Hollow), chancery.WrongValue, `found ""`},
		{"truncated", fault(zone.Truncate), chancery.Seen, ""},
		{"longer than UDP takes", func(z *zone.Server) {
			z.Set(record, "TXT", long+"1", long+"2", long+"3", long+"4", long+"5", token)
		}, chancery.Seen, ""},
		{"CNAME", func(z *zone.Server) {
			z.Set(record, "CNAME", "proof.example.net")
			z.Set("proof.example.net", "TXT", token)
		}, chancery.Seen, "at proof.example.net, where the CNAME leads"},
		{"CNAME into another zone", func(z *zone.Server) {
			z.Set(record, "CNAME", "proof.example.net")
			z.Fault(record, zone.Sever)
			z.Set("proof.example.net", "TXT", token)
		}, chancery.Seen, "at proof.example.net"},
		{"CNAME to another value", func(z *zone.Server) {
			z.Set(record, "CNAME", "proof.example.net")
			z.Set("proof.example.net", "TXT", secret)
		}, chancery.WrongValue, "none of 1 TXT records at proof.example.net"},
		{"CNAME to nothing", func(z *zone.Server) { z.Set(record, "CNAME", "gone.example.net") }, chancery.NoName, "gone.example.net does not exist"},
		{"CNAME to another type", func(z *zone.Server) {
			z.Set(record, "CNAME", "proof.example.net")
			z.Set("proof.example.net", "A", "127.0.0.1")
		}, chancery.NoRecord, "proof.example.net has no TXT record"},
		{"CNAME to itself", func(z *zone.Server) { z.Set(record, "CNAME", record) }, chancery.BadAnswer, "CNAME loop"},
		{"CNAME loop across zones", func(z *zone.Server) {
			z.Set(record, "CNAME", "a.example.net")
			z.Set("a.example.net", "CNAME", record)
			z.Fault(record, zone.Sever)
			z.Fault("a.example.net", zone.Sever)
		}, chancery.BadAnswer, "CNAME loop"},
		{"8 CNAMEs", chainOf(8), chancery.Seen, "at i.example.net"},
		{"9 CNAMEs", chainOf(9), chancery.BadAnswer, "more than 8 CNAMEs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			z := newZone(t)
			test.publish(z)
			began := time.Now()
			proved, evidence := look(t, newLooker(t, Config{}, z), chancery.DNS)
			expect(t, evidence[0], "resolver "+z.Addr(), test.finding, test.detail)
			if proved != (test.finding == chancery.Seen) || len(evidence) != 1 {
				t.Errorf("proved is %v, evidence %+v", proved, evidence)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// fault publishes the right record at a server that fails.
func fault(f zone.Fault) func(*zone.Server) {
	return func(z *zone.Server) {
		z.Set(record, "TXT", token)
		z.Fault(record, f)
	}
}

// chainOf publishes the token behind n CNAMEs: the record's, then those of
// b.example.net, c.example.net ...
func chainOf(n int) func(*zone.Server) {
	return func(z *zone.Server) {
		from := record
		for i := range n {
			to := string(rune('b'+i)) + ".example.net"
			z.Set(from, "CNAME", to)
			from = to
		}
		z.Set(from, "TXT", token)
	}
}

func TestDNSLateRecord(t *testing.T) {
	z := newZone(t)
	l := newLooker(t, Config{}, z)
	if proved, evidence := look(t, l, chancery.DNS); proved {
		t.Fatalf("proved by nothing: %+v", evidence)
	}
	z.Set(record, "TXT", token)
	if proved, evidence := look(t, l, chancery.DNS); !proved {
		t.Fatalf("not seen: %+v", evidence)
	}
}

func TestDNSSecondResolver(t *testing.T) {
	tests := []struct {
		fault   zone.Fault
		finding chancery.Finding
	}{
		{zone.ServFail, chancery.ServerFailed},
		{zone.Silent, chancery.NoAnswer},
	}
	for _, test := range tests {
		first, second := newZone(t), newZone(t)
		first.Fault(record, test.fault)
		second.Set(record, "TXT", token)
		proved, evidence := look(t, newLooker(t, Config{}, first, second), chancery.DNS)
		if !proved || len(evidence) != 2 {
			t.Fatalf("proved is %v, evidence %+v", proved, evidence)
		}
		expect(t, evidence[0], first.Addr(), test.finding, "")
		expect(t, evidence[1], second.Addr(), chancery.Seen, "")
	}
}

// A definite answer ends the look: the second resolver is not a second chance.
func TestDNSFirstAnswerDecides(t *testing.T) {
	first, second := newZone(t), newZone(t)
	second.Set(record, "TXT", token)
	proved, evidence := look(t, newLooker(t, Config{}, first, second), chancery.DNS)
	if proved || len(evidence) != 1 {
		t.Fatalf("proved is %v, evidence %+v", proved, evidence)
	}
	expect(t, evidence[0], first.Addr(), chancery.NoName, "")
}

// A server that missed the first round is asked again, and refusing ones are not.
func TestDNSSecondRound(t *testing.T) {
	refusing, waking := newZone(t), newZone(t)
	refusing.Fault(record, zone.Refuse)
	waking.Set(record, "TXT", token)
	waking.Fault(record, zone.Silent)
	var asked atomic.Int32
	refusing.OnQuery(func(string, string) { asked.Add(1) })
	waking.OnQuery(func(string, string) { waking.Fault(record, zone.None) })
	proved, evidence := look(t, newLooker(t, Config{}, refusing, waking), chancery.DNS)
	if !proved || len(evidence) != 2 || asked.Load() != 1 {
		t.Fatalf("proved is %v, the refusing server was asked %d times, evidence %+v", proved, asked.Load(), evidence)
	}
}

func TestDNSEndsWithContext(t *testing.T) {
	z := newZone(t)
	z.Fault(record, zone.Silent)
	l := newLooker(t, Config{}, z)
	l.resolver.rounds = []time.Duration{time.Minute}
	ctx, cancel := context.WithCancel(context.Background())
	z.OnQuery(func(string, string) { cancel() })
	proved, evidence := l.Look(ctx, chancery.Validation{Name: host, Method: chancery.DNS, Token: token})
	checkEvidence(t, proved, evidence)
	expect(t, evidence[0], z.Addr(), chancery.NoAnswer, "called off")

	// The look's own limit.
	z.OnQuery(nil)
	l.dnsTimeout = 50 * time.Millisecond
	_, evidence = look(t, l, chancery.DNS)
	expect(t, evidence[0], z.Addr(), chancery.NoAnswer, "no answer in time")
}

func TestDNSUnreachable(t *testing.T) {
	z := newZone(t)
	l := newLooker(t, Config{}, z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_, evidence := look(t, l, chancery.DNS)
	expect(t, evidence[0], z.Addr(), chancery.NoAnswer, "connection refused")
}

// Whatever bytes a TXT record holds and however they are split, content is those
// bytes, so only the token itself equals the token.
func TestContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want string
		var escaped []string
		for _, part := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 255), 1, 4).Draw(t, "strings") {
			want += string(part)
			escaped = append(escaped, strings.ReplaceAll(string(part), `\`, `\\`))
		}
		sent := new(dns.Msg)
		sent.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: "a.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: escaped}}
		wire, err := sent.Pack()
		if err != nil {
			t.Fatal(err)
		}
		received := new(dns.Msg)
		if err := received.Unpack(wire); err != nil {
			t.Fatal(err)
		}
		if got := content(received.Answer[0].(*dns.TXT)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
