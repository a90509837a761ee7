package dcv

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"chancery"
)

// maxAddrs is how many addresses of a host are tried.
const maxAddrs = 6

// connect opens a connection to the host of u, with TLS for https, and tells
// where it leads. The host is resolved once; the first of its addresses that may
// be dialled and takes the connection is used. The notes are of addresses that
// did not, or say why there is no connection.
func (l *Looker) connect(ctx context.Context, u *url.URL) (net.Conn, string, []note) {
	addrs, notes := l.resolve(ctx, u.Hostname())
	allowed, refused := l.sift(addrs, u)
	if len(allowed) == 0 {
		return nil, "", append(notes, refused...)
	}
	for i, to := range allowed {
		where := shownURL(u) + " at " + to.String()
		conn, err := l.open(ctx, to, u, len(allowed)-i)
		if err == nil {
			return conn, where, notes
		}
		notes = append(notes, note{where, chancery.NoAnswer, reason(err)})
	}
	return nil, "", notes
}

// sift parts the addresses of u's host into those to try and, as notes, those
// that may not be dialled.
func (l *Looker) sift(addrs []netip.Addr, u *url.URL) (allowed []netip.AddrPort, refused []note) {
	for _, addr := range addrs {
		to := netip.AddrPortFrom(addr, uint16(portOf(u))) //nolint:gosec // a port of ours or one that was checked
		if err := l.dialer.judge(addr); err != nil {
			refused = append(refused, note{shownURL(u) + " at " + to.String(), chancery.Refusal, err.Error()})
			continue
		}
		allowed = append(allowed, to)
	}
	return allowed[:min(len(allowed), maxAddrs)], refused[:min(len(refused), maxAddrs)]
}

// open connects to one address, taking at most its share of the time that is
// left for this many addresses.
func (l *Looker) open(ctx context.Context, to netip.AddrPort, u *url.URL, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	conn, err := l.dialer.dial(ctx, to)
	if err != nil || u.Scheme != "https" {
		return conn, err
	}
	secure := tls.Client(conn, tlsConfig(u.Hostname()))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, because(ctx, errors.Join(errTLS, err))
	}
	return secure, nil
}

// tlsConfig accepts any certificate: whoever asks for one has none yet that
// could be trusted, and the proof is the page, which plain http would show just
// as well (BR 3.2.2.4.18 allows both schemes and asks for no trust in either).
func tlsConfig(host string) *tls.Config {
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}} //nolint:gosec // see above
	if _, err := netip.ParseAddr(host); err != nil {
		config.ServerName = host // names only (RFC 6066, 3)
	}
	return config
}

// resolve asks our resolvers for a host's addresses, IPv4 first; the two
// questions run side by side and both have ended when it returns. If there are no
// addresses, the notes say why.
func (l *Looker) resolve(ctx context.Context, host string) ([]netip.Addr, []note) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	var v4, v6 answer
	var both sync.WaitGroup
	both.Go(func() { v4 = l.resolver.lookup(ctx, dns.Fqdn(host), dns.TypeA) })
	both.Go(func() { v6 = l.resolver.lookup(ctx, dns.Fqdn(host), dns.TypeAAAA) })
	both.Wait()

	var addrs []netip.Addr
	for _, rr := range slices.Concat(v4.records, v6.records) {
		if addr, ok := netip.AddrFromSlice(address(rr)); ok {
			addrs = append(addrs, addr.Unmap())
		}
	}
	if len(addrs) == 0 {
		return nil, noAddress(v4, v6)
	}
	return addrs, nil
}

// noAddress picks the answer that explains more.
func noAddress(v4, v6 answer) []note {
	told := v4
	if v4.finding == chancery.NoRecord {
		told = v6
	}
	switch {
	case told.finding == chancery.NoRecord:
		told.detail = shownName(told.chain.end()) + " has no address"
	case len(told.records) > 0: // but no address in them
		told.finding, told.detail = chancery.BadAnswer, "an address record is malformed"
	}
	return told.notes()
}

func address(rr dns.RR) net.IP {
	switch rr := rr.(type) {
	case *dns.A:
		return rr.A
	case *dns.AAAA:
		return rr.AAAA
	}
	return nil
}

var errTLS = errors.New("TLS handshake failed")

// reason puts a network error in words of ours: its own text may hold what the
// other side sent, and addresses of this machine.
func reason(err error) string {
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "the look was called off"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case errors.Is(err, errTLS):
		return "the TLS handshake failed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to this address"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was whole"
	}
	return "the connection failed"
}
