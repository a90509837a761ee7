package dcv

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chancery"
)

func TestNew(t *testing.T) {
	l, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.resolver.servers) == 0 || l.ports["http"] != 80 || l.ports["https"] != 443 || l.fileTimeout != 10*time.Second || l.clock == nil {
		t.Errorf("the zero configuration gives %+v", l)
	}
	for name, config := range map[string]Config{
		"port":          {HTTPPort: 65536},
		"negative port": {HTTPSPort: -1},
		"timeout":       {Timeout: 31 * time.Second},
		"no time":       {Timeout: -1},
		"no prefix":     {Allow: []netip.Prefix{{}}},
		"mapped prefix": {Allow: prefixes("::ffff:10.0.0.0/104")},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestResolverAddrs(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.53":          "192.0.2.53:53",
		"192.0.2.53:5353":     "192.0.2.53:5353",
		"2001:db8::53":        "[2001:db8::53]:53",
		"[2001:db8::53]":      "[2001:db8::53]:53",
		"[2001:db8::53]:5353": "[2001:db8::53]:5353",
		"fe80::1%eth0":        "[fe80::1%eth0]:53",
		"dns.example.net":     "dns.example.net:53",
		"dns.example.net:853": "dns.example.net:853",
		"":                    "",
		":53":                 "",
		"192.0.2.53:0":        "",
		"192.0.2.53:domain":   "",
		"192.0.2.53:65536":    "",
		"1:2:3":               "",
		"two words":           "",
	} {
		got, err := resolverAddrs([]string{text})
		if want == "" {
			if err == nil {
				t.Errorf("%q became %v", text, got)
			}
		} else if err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("%q became %v, %v", text, got, err)
		}
	}
}

func TestSystemServers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	check := func(want ...string) {
		t.Helper()
		if got, err := systemServers(path); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	check("127.0.0.1:53")
	for text, want := range map[string][]string{
		"options edns0\n": {"127.0.0.1:53"},
		"nameserver 192.0.2.53\nnameserver 2001:db8::53\n": {"192.0.2.53:53", "[2001:db8::53]:53"},
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		check(want...)
	}
}

// What no proof can be for is refused without asking anybody.
func TestLookRefuses(t *testing.T) {
	z := newZone(t)
	z.OnQuery(func(name, rrtype string) { t.Errorf("asked for %s %s", name, rrtype) })
	l := newLooker(t, Config{}, z)
	for _, v := range []chancery.Validation{
		{},
		{Name: host, Method: chancery.DNS},
		{Name: host, Method: chancery.FILE},
		{Name: host, Method: "EMAIL", Token: token},
		{Name: "*.example.test", Method: chancery.FILE, Token: token},
		{Name: "*.example.test", Method: chancery.DNS, Token: token},
	} {
		proved, evidence := l.Look(context.Background(), v)
		checkEvidence(t, proved, evidence)
		if proved || len(evidence) != 1 || evidence[0].Finding != chancery.Refusal || evidence[0].Method != v.Method || evidence[0].Name != v.Name {
			t.Errorf("%+v: %v, %+v", v, proved, evidence)
		}
	}
}
