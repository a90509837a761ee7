package zone_test

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"chancery/internal/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *zone.Server {
	t.Helper()
	z, err := zone.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = z.Close() })
	return z
}

// ask gives the reply, or nil if none came.
func ask(t *testing.T, z *zone.Server, network, name, rrtype string) *dns.Msg {
	t.Helper()
	client := dns.Client{Net: network, Timeout: 2 * time.Second}
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[rrtype])
	reply, _, err := client.Exchange(query, z.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// lines are the records of an answer as in a zone file, single-spaced.
func lines(rrs []dns.RR) (texts []string) {
	for _, rr := range rrs {
		texts = append(texts, strings.Join(strings.Fields(rr.String()), " "))
	}
	return texts
}

func TestAnswers(t *testing.T) {
	z := start(t)
	z.Set("www.example.test", "A", "192.0.2.1", "192.0.2.2")
	z.Set("WWW.example.test.", "AAAA", "2001:db8::1")
	z.Set("a.b.example.test", "TXT", "one", `two "\`)
	z.Set("alias.example.test", "CNAME", "www.example.test")
	z.Set("astray.example.test", "CNAME", "gone.example.net.")
	z.Set("loop.example.test", "CNAME", "loop.example.test")
	z.Set("once.example.test", "TXT", "old")
	z.Set("once.example.test", "TXT")
	z.Set("changed.example.test", "TXT", "old")
	z.Set("changed.example.test", "TXT", "new")

	tests := []struct {
		name, rrtype string
		rcode        int
		answer       []string
	}{
		{"www.example.test", "A", dns.RcodeSuccess, []string{"www.example.test. 1 IN A 192.0.2.1", "www.example.test. 1 IN A 192.0.2.2"}},
		{"wWw.Example.TEST", "AAAA", dns.RcodeSuccess, []string{"www.example.test. 1 IN AAAA 2001:db8::1"}},
		{"www.example.test", "TXT", dns.RcodeSuccess, nil},
		{"a.b.example.test", "TXT", dns.RcodeSuccess, []string{`a.b.example.test. 1 IN TXT "one"`, `a.b.example.test. 1 IN TXT "two \"\\"`}},
		{"b.example.test", "TXT", dns.RcodeSuccess, nil}, // leads to another, so it exists
		{"test", "SOA", dns.RcodeSuccess, nil},
		{".", "A", dns.RcodeSuccess, nil},
		{"c.example.test", "TXT", dns.RcodeNameError, nil},
		{"x.www.example.test", "A", dns.RcodeNameError, nil},
		{"ww.example.test", "A", dns.RcodeNameError, nil},
		{"once.example.test", "TXT", dns.RcodeNameError, nil},
		{"changed.example.test", "TXT", dns.RcodeSuccess, []string{`changed.example.test. 1 IN TXT "new"`}},
		{"alias.example.test", "AAAA", dns.RcodeSuccess, []string{"alias.example.test. 1 IN CNAME www.example.test.", "www.example.test. 1 IN AAAA 2001:db8::1"}},
		{"alias.example.test", "CNAME", dns.RcodeSuccess, []string{"alias.example.test. 1 IN CNAME www.example.test."}},
		{"alias.example.test", "TXT", dns.RcodeSuccess, []string{"alias.example.test. 1 IN CNAME www.example.test."}},
		{"astray.example.test", "A", dns.RcodeNameError, []string{"astray.example.test. 1 IN CNAME gone.example.net."}},
	}
	for _, test := range tests {
		for _, network := range []string{"udp", "tcp"} {
			reply := ask(t, z, network, test.name, test.rrtype)
			if reply.Rcode != test.rcode || !slices.Equal(lines(reply.Answer), test.answer) || !reply.Authoritative {
				t.Errorf("%s %s over %s:\n%v", test.name, test.rrtype, network, reply)
			}
			negative := test.answer == nil || strings.Contains(test.answer[len(test.answer)-1], "CNAME") && test.rrtype != "CNAME"
			if soa := len(reply.Ns) == 1; soa != negative {
				t.Errorf("%s %s over %s: authority is %v", test.name, test.rrtype, network, reply.Ns)
			}
		}
	}
	if reply := ask(t, z, "tcp", "loop.example.test", "A"); len(reply.Answer) == 0 {
		t.Errorf("a loop gives %v", reply)
	}
}

func TestLongText(t *testing.T) {
	z := start(t)
	long := strings.Repeat("0123456789", 60)
	z.Set("example.test", "TXT", long)
	if reply := ask(t, z, "udp", "example.test", "TXT"); !reply.Truncated || len(reply.Answer) != 0 {
		t.Errorf("600 bytes came within 512: %v", reply)
	}
	txt := ask(t, z, "tcp", "example.test", "TXT").Answer[0].(*dns.TXT).Txt
	if len(txt) != 3 || strings.Join(txt, "") != long {
		t.Errorf("got %q", txt)
	}
}

func TestFaults(t *testing.T) {
	z := start(t)
	const name = "alias.example.test"
	z.Set(name, "CNAME", "www.example.test")
	z.Set("www.example.test", "A", "192.0.2.1")
	z.Set("www.example.test", "TXT", "value")

	tests := []struct {
		fault           zone.Fault
		network         string
		rcode, answers  int
		truncated, same bool // same: the question is the one asked
	}{
		{zone.None, "udp", dns.RcodeSuccess, 2, false, true},
		{zone.ServFail, "udp", dns.RcodeServerFailure, 0, false, true},
		{zone.Refuse, "tcp", dns.RcodeRefused, 0, false, true},
		{zone.Refer, "udp", dns.RcodeSuccess, 0, false, true},
		{zone.Truncate, "udp", dns.RcodeSuccess, 0, true, true},
		{zone.Truncate, "tcp", dns.RcodeSuccess, 2, false, true},
		{zone.Forge, "udp", dns.RcodeSuccess, 2, false, false},
		{zone.Hollow, "udp", dns.RcodeSuccess, 2, false, true},
		{zone.Sever, "udp", dns.RcodeSuccess, 1, false, true},
		{zone.None, "tcp", dns.RcodeSuccess, 2, false, true},
	}
	for _, test := range tests {
		z.Fault(name, test.fault)
		reply := ask(t, z, test.network, name, "A")
		same := reply.Question[0].Name == name+"."
		if reply.Rcode != test.rcode || len(reply.Answer) != test.answers || reply.Truncated != test.truncated || same != test.same {
			t.Errorf("fault %d over %s:\n%v", test.fault, test.network, reply)
		}
		if other := ask(t, z, "udp", "www.example.test", "A"); len(other.Answer) != 1 {
			t.Errorf("fault %d spoils another name", test.fault)
		}
	}
}

func TestSilence(t *testing.T) {
	z := start(t)
	z.Fault("example.test", zone.Silent)
	for _, network := range []string{"udp", "tcp"} {
		client := dns.Client{Net: network, Timeout: 50 * time.Millisecond}
		query := new(dns.Msg).SetQuestion("example.test.", dns.TypeA)
		if reply, _, err := client.Exchange(query, z.Addr()); err == nil {
			t.Errorf("%s: %v", network, reply)
		}
	}
}

func TestOnQuery(t *testing.T) {
	z := start(t)
	z.Set("example.test", "TXT", "first")
	asked := make(chan string, 1)
	z.OnQuery(func(name, rrtype string) {
		asked <- name + " " + rrtype
		z.Set("example.test", "TXT", "second")
	})
	if got := lines(ask(t, z, "udp", "Example.test", "TXT").Answer); !strings.Contains(got[0], "first") {
		t.Errorf("first answer %v", got)
	}
	if got := <-asked; got != "example.test TXT" {
		t.Errorf("told of %q", got)
	}
	z.OnQuery(nil)
	if got := lines(ask(t, z, "udp", "example.test", "TXT").Answer); !strings.Contains(got[0], "second") {
		t.Errorf("second answer %v", got)
	}
}

func TestUseFromManyGoroutines(t *testing.T) {
	z := start(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				z.Set("example.test", "TXT", "value")
				z.Fault("other.example.test", zone.ServFail)
				ask(t, z, "udp", "example.test", "TXT")
			}
		})
	}
	wg.Wait()
}

func TestSetPanics(t *testing.T) {
	z := start(t)
	for _, bad := range [][]string{{"A", "not an address"}, {"NOTYPE", "x"}, {"CNAME", "two names"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was taken", bad)
				}
			}()
			z.Set("example.test", bad[0], bad[1])
		}()
	}
}

func TestStart(t *testing.T) {
	z := start(t)
	if _, err := zone.Start(z.Addr()); err == nil {
		t.Error("the same address twice")
	}
	for _, addr := range []string{"", "127.0.0.1", "192.0.2.1:0"} {
		if _, err := zone.Start(addr); err == nil {
			t.Errorf("started on %q", addr)
		}
	}
}

func TestClose(t *testing.T) {
	z := start(t)
	idle, err := net.Dial("tcp", z.Addr()) // must not hold Close up
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	began := time.Now()
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
	if err := z.Close(); err == nil {
		t.Error("closed twice")
	}
	again, err := zone.Start(z.Addr())
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}
