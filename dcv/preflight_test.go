package dcv

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"chancery"
	"chancery/internal/zone"
)

func TestPreflight(t *testing.T) {
	dns, err := zone.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dns.Close() })
	dns.Set("example.com", "SOA", "ns.example.com hostmaster.example.com 1 3600 600 86400 60")
	dns.Set("private.example.com", "A", "10.1.2.3")
	dns.Set("caa.example.com", "CAA", `0 issue "ca.example.net; x=y"`, `0 issuewild ";"`)
	dns.Set("none.example.com", "CAA", `0 issue ";"`)
	dns.Set("critical.example.com", "CAA", `128 unheard "of"`)
	dns.Set("iodef.example.com", "CAA", `0 iodef "mailto:a@example.com"`)
	dns.Fault("broken.example.com", zone.ServFail)
	looker, err := New(Config{Resolvers: []string{dns.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	heeds := chancery.CAAPolicy{Heeds: true}
	for _, row := range []struct {
		name   string
		method chancery.Method
		policy chancery.CAAPolicy
		want   []chancery.Outcome
	}{
		{"www.example.com", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneFound, chancery.CAANone}},
		{"www.nowhere.org", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneMissing, chancery.CAANone}},
		{"www.caa.example.com", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneFound, chancery.CAAOthers}},
		{"*.caa.example.com", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneFound, chancery.CAAForbids}},
		{"caa.example.com", chancery.DNS, chancery.CAAPolicy{Heeds: true, Identities: []string{"ca.example.net"}}, []chancery.Outcome{chancery.ZoneFound, chancery.CAAAllows}},
		{"caa.example.com", chancery.DNS, chancery.CAAPolicy{Heeds: true, Identities: []string{"other.example"}}, []chancery.Outcome{chancery.ZoneFound, chancery.CAAForbids}},
		{"caa.example.com", chancery.DNS, chancery.CAAPolicy{}, []chancery.Outcome{chancery.ZoneFound, chancery.CAAIgnored}},
		{"none.example.com", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneFound, chancery.CAAForbids}},
		{"critical.example.com", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneFound, chancery.CAAForbids}},
		{"iodef.example.com", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneFound, chancery.CAANone}},
		{"broken.example.com", chancery.DNS, heeds, []chancery.Outcome{chancery.ZoneUnknown, chancery.CAAUnknown}},
		// What lies inside is not dialled, and nothing is told of it but that.
		{"private.example.com", chancery.FILE, heeds, []chancery.Outcome{chancery.ZoneFound, chancery.CAANone, chancery.FileMissed}},
	} {
		t.Run(row.name, func(t *testing.T) {
			found := looker.Preflight(t.Context(), chancery.Names{chancery.Name(row.name)}, row.method, row.policy)
			var outcomes []chancery.Outcome
			for _, f := range found {
				outcomes = append(outcomes, f.Outcome)
				if f.Outcome == chancery.FileMissed && !strings.Contains(f.Detail, "not a public address") {
					t.Errorf("a private address is told as %q", f.Detail)
				}
			}
			if len(outcomes) != len(row.want) {
				t.Fatalf("found %+v, want %v", found, row.want)
			}
			for i := range outcomes {
				if outcomes[i] != row.want[i] {
					t.Errorf("found %+v, want %v", found, row.want)
				}
			}
		})
	}
	t.Run("a web server", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(server.Close)
		web := int(netip.MustParseAddrPort(server.Listener.Addr().String()).Port())
		dns.Set("web.example.com", "A", "127.0.0.1")
		looker, err := New(Config{Resolvers: []string{dns.Addr()}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, HTTPPort: web})
		if err != nil {
			t.Fatal(err)
		}
		found := looker.Preflight(t.Context(), chancery.Names{"web.example.com"}, chancery.FILE, heeds)
		if last := found[len(found)-1]; last.Outcome != chancery.FileReached || !strings.Contains(last.Detail, "404") {
			t.Errorf("a web server that answers is told as %+v", last)
		}
	})
}
