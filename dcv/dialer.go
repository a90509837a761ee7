package dcv

import (
	"context"
	"net"
	"net/netip"
	"slices"
)

// dialer opens connections to addresses that proofs may be fetched from, and to
// no others.
type dialer struct {
	allow []netip.Prefix // what the operator opened besides public addresses
	flag  string         // how
}

// refusedError says why an address may not be dialled.
type refusedError string

func (e refusedError) Error() string { return string(e) }

// dial connects to exactly the address that it has judged: it takes no names, so
// nothing is resolved between the judgement and the connection.
func (d dialer) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	addr := to.Addr().Unmap()
	if err := d.judge(addr); err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, "tcp", netip.AddrPortFrom(addr, to.Port()).String())
}

// judge gives a refusedError for an address that may not be dialled. An
// IPv4-mapped address is judged as what it is to the machine that dials it.
func (d dialer) judge(addr netip.Addr) error {
	if !addr.IsValid() || addr.Zone() != "" {
		return refusedError("an address of one link only is not a public address")
	}
	addr = addr.Unmap()
	inside := func(p netip.Prefix) bool { return p.Contains(addr) }
	exactly := func(p netip.Prefix) bool { return p.IsSingleIP() && p.Contains(addr) }
	switch {
	case metadata(addr) && !slices.ContainsFunc(d.allow, exactly):
		return refusedError(addr.String() + " is where a cloud keeps credentials")
	case !public(addr) && !slices.ContainsFunc(d.allow, inside):
		return refusedError(addr.String() + " is not a public address; the operator may allow it with " + d.flag)
	}
	return nil
}

// public tells whether an address is one of the Internet at large, by IANA's
// registries of special-purpose addresses.
func public(addr netip.Addr) bool {
	inside := func(p netip.Prefix) bool { return p.Contains(addr) }
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return false
	}
	return !slices.ContainsFunc(special, inside)
}

// globalUnicast is all of IPv6 that IANA hands out for it. Loopback (::1), the
// IPv4-compatible addresses (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48),
// discard (100::/64), unique local (fc00::/7), link-local (fe80::/10), site-local
// (fec0::/10) and multicast (ff00::/8) lie outside.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// special are the ranges that are not for hosts of the public Internet.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // between a provider and its customers
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and broadcast
	"2001::/23",       // protocol assignments, Teredo among them
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4, which leads to any IPv4 address
	"3fff::/20",       // documentation
)

func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

// metadata tells whether a cloud's own service answers at an address and hands
// its machines credentials, or settings that hold some.
func metadata(addr netip.Addr) bool {
	return slices.Contains(metadataAddrs, embedded(addr))
}

var metadataAddrs = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // nearly all
	netip.MustParseAddr("169.254.170.2"),   // Amazon ECS
	netip.MustParseAddr("169.254.170.23"),  // Amazon EKS
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure, in a public range
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("fd00:ec2::254"),   // Amazon EC2
	netip.MustParseAddr("fd00:ec2::23"),    // Amazon EKS
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("fd00:42::42"),     // Scaleway
}

// embedded is the IPv4 address that an IPv6 address stands for, where routers or
// hosts translate it, and else the address itself.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	switch {
	case compatible.Contains(addr), nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

var (
	compatible = netip.MustParsePrefix("::/96")        // RFC 4291, 2.5.5.1
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052, 2.1
	sixToFour  = netip.MustParsePrefix("2002::/16")    // RFC 3056, 2
)
