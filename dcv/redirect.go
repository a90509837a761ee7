package dcv

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"chancery"
)

// follow settles where a redirect leads, if it may be followed: to http or https
// on one of our two ports, at a name or address, without a user name (BR
// 3.2.2.4.18). Whether the address may be dialled is decided when it is dialled.
// A finding other than "" is why not.
func (l *Looker) follow(from *url.URL, location, token string) (next *url.URL, finding chancery.Finding, detail string) {
	to, err := from.Parse(location)
	if err != nil || location == "" || to.Opaque != "" {
		return nil, chancery.BadAnswer, "redirect without a valid Location"
	}
	if _, known := l.ports[to.Scheme]; !known {
		return nil, chancery.Refusal, "redirect to something other than http and https"
	}
	if to.User != nil {
		return nil, chancery.Refusal, "redirect with a user name"
	}
	port := portOf(to)
	if port != l.ports["http"] && port != l.ports["https"] {
		return nil, chancery.Refusal, "redirect to a port other than those for http and https"
	}
	host, ok := settledHost(to.Hostname())
	if !ok {
		return nil, chancery.Refusal, "redirect to something other than a full domain name or an address"
	}
	// The whole value must not appear in the request (BR 3.2.2.4.18), else a page
	// that echoes its URL would prove anything.
	if holds(host+to.RequestURI(), token) {
		return nil, chancery.Refusal, "redirect with the token in its URL, or with a URL that cannot be read"
	}
	to.Host, to.Fragment, to.RawFragment = hostPort(to.Scheme, host, port), "", ""
	return to, "", ""
}

// settledHost makes one spelling of a host: an IP address, or a name by the same
// rules as those of applicants, which also keeps out numbers that some systems
// take for addresses.
func settledHost(host string) (string, bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), addr.Zone() == ""
	}
	name, err := chancery.ParseName(host)
	return string(name), err == nil && !name.Wildcard() && utf8.ValidString(host)
}

// holds tells whether a request would carry the token, plain or percent-encoded.
func holds(request, token string) bool {
	plain, err := url.PathUnescape(request)
	return err != nil || strings.Contains(plain, token) || strings.Contains(request, token)
}

// portOf is the port of a URL; 0 if it is no number that a port can be.
func portOf(u *url.URL) int {
	text := u.Port()
	if text == "" {
		return standardPort(u.Scheme)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return int(port)
}

func standardPort(scheme string) int {
	if scheme == "https" {
		return 443
	}
	return 80
}

// hostPort is the host part of a URL, with the port only where it says something.
func hostPort(scheme, host string, port int) string {
	if port != standardPort(scheme) {
		return net.JoinHostPort(host, strconv.Itoa(port))
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// shownURL is a URL as evidence shows it: without its query, which may be meant
// for the server alone.
func shownURL(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return printable(bare.String(), maxShown)
}
