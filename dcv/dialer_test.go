package dcv

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// Each range at its edges: the addresses just outside, and the first and last
// inside.
func TestPublicAddresses(t *testing.T) {
	tests := []struct {
		what                        string
		before, first, last, behind string // before or behind is "" where another forbidden range adjoins
	}{
		{"this network", "", "0.0.0.0", "0.255.255.255", "1.0.0.0"},
		{"private 10", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
		{"shared", "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
		{"loopback", "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
		{"link-local", "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
		{"private 172", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
		{"protocols", "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
		{"TEST-NET-1", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
		{"6to4 relays", "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
		{"private 192", "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
		{"benchmarks", "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
		{"TEST-NET-2", "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
		{"TEST-NET-3", "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
		{"multicast", "223.255.255.255", "224.0.0.0", "239.255.255.255", ""},
		{"reserved", "", "240.0.0.0", "255.255.255.255", ""},
		{"unspecified, loopback, IPv4-compatible", "", "::", "::ffff:ffff", ""},
		{"mapped loopback", "::ffff:126.255.255.255", "::ffff:127.0.0.0", "::ffff:127.255.255.255", "::ffff:128.0.0.0"},
		{"mapped private", "::ffff:9.255.255.255", "::ffff:10.0.0.0", "::ffff:10.255.255.255", "::ffff:11.0.0.0"},
		{"IPv4-compatible", "", "::8.8.8.8", "::10.0.0.1", ""},
		{"NAT64", "", "64:ff9b::", "64:ff9b::ffff:ffff", ""},
		{"local NAT64", "", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ""},
		{"discard", "", "100::", "100::ffff:ffff:ffff:ffff", ""},
		{"below global unicast", "", "200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"},
		{"protocols, Teredo", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
		{"documentation", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
		{"6to4", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
		{"more documentation", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
		{"above global unicast", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "5f00::1", ""},
		{"unique local", "", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
		{"link-local", "", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
		{"site-local", "", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
		{"multicast", "", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
	}
	for _, test := range tests {
		for _, inside := range []string{test.first, test.last} {
			if (dialer{}).judge(netip.MustParseAddr(inside)) == nil {
				t.Errorf("%s: %s is let through", test.what, inside)
			}
		}
		for _, outside := range []string{test.before, test.behind} {
			if outside == "" {
				continue
			}
			if err := (dialer{}).judge(netip.MustParseAddr(outside)); err != nil {
				t.Errorf("%s: %v", test.what, err)
			}
		}
	}
}

func TestAllowedAddresses(t *testing.T) {
	tests := []struct {
		allow, addr string
		want        bool
	}{
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.0.0.0/8", "::10.1.2.3", false},
		{"10.0.0.0/8", "11.0.0.1", true}, // public
		{"10.0.0.0/8", "192.168.0.1", false},
		{"fd00::/8", "fd12::1", true},
		{"fd00::/8", "fc00::1", false},
		{"fe80::/10", "fe80::1", true},
		{"fe80::/10", "fe80::1%eth0", false},
		{"127.0.0.0/8", "::ffff:127.0.0.1%eth0", false},
		{"0.0.0.0/0", "127.0.0.1", true},
		{"0.0.0.0/0", "169.254.169.254", false},
		{"169.254.169.254/31", "169.254.169.254", false},
		{"169.254.169.254/32", "169.254.169.254", true},
		{"169.254.169.254/32", "::ffff:169.254.169.254", true},
		{"169.254.169.254/32", "169.254.170.2", false},
		{"100.64.0.0/10", "100.100.100.200", false},
		{"168.63.129.16/32", "168.63.129.16", true},
		{"10.0.0.0/8", "168.63.129.16", false},
		{"fd00::/8", "fd00:ec2::254", false},
		{"fd00:ec2::254/128", "fd00:ec2::254", true},
		{"64:ff9b::/96", "64:ff9b::8.8.8.8", true},
		{"64:ff9b::/96", "64:ff9b::169.254.169.254", false},
		{"::/0", "::169.254.169.254", false},
		{"::/0", "2002:a9fe:a9fe::1", false},
		{"::/0", "2002:808:808::1", true},
	}
	for _, test := range tests {
		d := dialer{allow: prefixes(test.allow)}
		if err := d.judge(netip.MustParseAddr(test.addr)); (err == nil) != test.want {
			t.Errorf("%s with %s allowed: %v", test.addr, test.allow, err)
		}
	}
	if (dialer{}).judge(netip.Addr{}) == nil {
		t.Error("the zero address is let through")
	}
}

// dial judges for itself, whoever calls it.
func TestDialRefuses(t *testing.T) {
	for _, to := range []string{"127.0.0.1:80", "[::ffff:127.0.0.1]:80", "[::1]:80"} {
		_, err := dialer{}.dial(context.Background(), netip.MustParseAddrPort(to))
		if refused := refusedError(""); !errors.As(err, &refused) {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// netip knows some of the ranges by itself: nothing that it calls private,
// loopback, link-local or multicast is public.
func TestPublicAgreesWithNetip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")
		addr, _ := netip.AddrFromSlice(bytes)
		if rapid.Bool().Draw(t, "IPv4") {
			addr, _ = netip.AddrFromSlice(bytes[:4])
		}
		addr = addr.Unmap()
		if public(addr) && (!addr.IsGlobalUnicast() || addr.IsPrivate() || addr.IsLoopback()) {
			t.Fatalf("%v is called public", addr)
		}
	})
}
