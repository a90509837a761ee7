package service

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// behindProxies tells what is behind it whom a request is from, and whether it came over
// TLS, as proxies at the addresses say in X-Forwarded-For and X-Forwarded-Proto. Of
// anybody else those headers count for nothing. Each proxy adds the address that it
// sees, so the last one that is no proxy's is the client's: what stands before it the
// client may have made up.
func behindProxies(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	trusted := func(address netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && trusted(peer.Addr()) {
			r = r.Clone(r.Context())
			if client, ok := clientOf(r.Header.Values("X-Forwarded-For"), trusted); ok {
				r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
			}
			if scheme := r.Header.Values("X-Forwarded-Proto"); len(scheme) > 0 && r.TLS == nil && strings.EqualFold(last(scheme), "https") {
				r.TLS = &tls.ConnectionState{HandshakeComplete: true} // to the proxy
			}
		}
		next.ServeHTTP(w, r)
	})
}

// clientOf finds the client from the right; it is the leftmost proxy where all are.
func clientOf(headers []string, trusted func(netip.Addr) bool) (client netip.Addr, found bool) {
	for _, text := range slices.Backward(strings.Split(strings.Join(headers, ","), ",")) {
		address, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break // whoever wrote that, it names nobody
		}
		client, found = address.Unmap(), true
		if !trusted(client) {
			break
		}
	}
	return client, found
}

// last is the last element of a list that may be spread over several headers.
func last(headers []string) string {
	parts := strings.Split(headers[len(headers)-1], ",")
	return strings.TrimSpace(parts[len(parts)-1])
}
