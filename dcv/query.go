package dcv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// udpSize is the longest reply asked for over UDP: it fits into one packet
// nearly everywhere, and nobody can slip in a forged fragment (RFC 9715).
const udpSize = 1232

// query asks one server once, over UDP and, if the reply did not fit, over TCP.
func query(ctx context.Context, server, name string, rrtype uint16, wait time.Duration) (*dns.Msg, error) {
	return queryAt(ctx, server, name, rrtype, wait, true)
}

// queryAt is query for a server that shall, or shall not, ask others.
func queryAt(ctx context.Context, server, name string, rrtype uint16, wait time.Duration, recurse bool) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for _, network := range []string{"udp", "tcp"} {
		question := new(dns.Msg).SetQuestion(name, rrtype).SetEdns0(udpSize, false)
		question.RecursionDesired = recurse
		reply, err := exchange(ctx, network, server, question)
		if err != nil || !reply.Truncated {
			return reply, err
		}
	}
	return nil, errors.New("truncated over TCP")
}

// exchange sends one question and waits for its reply. It ends with ctx.
func exchange(ctx context.Context, network, server string, question *dns.Msg) (*dns.Msg, error) {
	raw, err := new(net.Dialer).DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = raw.Close() }()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()

	conn := &dns.Conn{Conn: raw, UDPSize: udpSize}
	if err := conn.WriteMsg(question); err != nil {
		return nil, because(ctx, err)
	}
	for {
		reply, err := conn.ReadMsg()
		switch {
		case reply == nil:
			return nil, because(ctx, err)
		case !replies(reply, question):
			// Perhaps a forger's guess; over UDP the true reply may still come, and
			// over TCP the connection ends with ctx if it does not.
		case err == nil, reply.Truncated: // a truncated one may end within a record
			return reply, nil
		}
	}
}

// replies tells whether this is the answer to our question: more than the ID has
// to fit (RFC 5452, 9.1). A server that fails may leave the question out.
func replies(reply, question *dns.Msg) bool {
	if !reply.Response || reply.Id != question.Id {
		return false
	}
	if len(reply.Question) == 0 {
		return reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError
	}
	got, asked := reply.Question[0], question.Question[0]
	return len(reply.Question) == 1 && got.Qtype == asked.Qtype && got.Qclass == asked.Qclass &&
		strings.EqualFold(got.Name, asked.Name)
}

// because prefers the end of ctx as the reason of an error, since that is what
// closes connections.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// resolverAddrs settles how resolvers were written: host:port each.
func resolverAddrs(resolvers []string) ([]string, error) {
	if len(resolvers) == 0 {
		return systemServers("/etc/resolv.conf")
	}
	settled := make([]string, len(resolvers))
	for i, text := range resolvers {
		host, port, err := net.SplitHostPort(text)
		if err != nil { // no port, or an IPv6 address without brackets
			host, port = strings.Trim(text, "[]"), "53"
		}
		number, err := strconv.ParseUint(port, 10, 16)
		_, notAddress := netip.ParseAddr(host)
		_, isName := dns.IsDomainName(host)
		if err != nil || number == 0 || notAddress != nil && (!isName || strings.ContainsAny(host, ": ")) {
			return nil, fmt.Errorf("domain control validation: %q is not a resolver; write 192.0.2.53, 192.0.2.53:53 or [2001:db8::53]:53", text)
		}
		settled[i] = net.JoinHostPort(host, port)
	}
	return settled, nil
}

// systemServers reads resolv.conf(5), which says what its absence means.
func systemServers(path string) ([]string, error) {
	config, err := dns.ClientConfigFromFile(path)
	switch {
	case err != nil && !os.IsNotExist(err):
		return nil, fmt.Errorf("domain control validation: reading the system's resolvers: %w", err)
	case err != nil || len(config.Servers) == 0:
		return []string{"127.0.0.1:53"}, nil //nolint:nilerr // resolv.conf(5): without the file the local server is asked
	}
	settled := make([]string, len(config.Servers))
	for i, server := range config.Servers {
		settled[i] = net.JoinHostPort(server, config.Port)
	}
	return settled, nil
}
