package dcv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Dialer opens connections to hosts that strangers named, for other things than
// proofs, by the same rules. It may be used by any number of goroutines.
type Dialer struct{ looker *Looker }

// NewDialer makes a Dialer that asks the given resolvers, or those of the system, and
// goes to public addresses and those of allow; flag is how the operator allows more.
func NewDialer(resolvers []string, allow []netip.Prefix, flag string) (*Dialer, error) {
	looker, err := New(Config{Resolvers: resolvers, Allow: allow})
	if err != nil {
		return nil, err
	}
	looker.dialer.flag = flag
	return &Dialer{looker}, nil
}

// Dial resolves a host once and connects to the first of its addresses that may be
// dialled and takes the connection; with onlyAllowed, public addresses are refused as
// well unless they are of allow. The error says why not, and may be shown to whoever
// named the host.
func (d *Dialer) Dial(ctx context.Context, host string, port uint16, onlyAllowed bool) (net.Conn, error) {
	host, ok := settledHost(host)
	if !ok {
		return nil, errors.New("the host is neither a full domain name nor an address")
	}
	addrs, notes := d.looker.resolve(ctx, host)
	var last error
	if len(notes) > 0 {
		last = errors.New(notes[len(notes)-1].detail)
		if notes[len(notes)-1].detail == "" {
			last = errors.New("the host's address is not known: " + string(notes[len(notes)-1].finding))
		}
	}
	addrs = addrs[:min(len(addrs), maxAddrs)]
	for i, addr := range addrs {
		conn, err := d.dialOne(ctx, netip.AddrPortFrom(addr, port), onlyAllowed, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		last = err
	}
	if last == nil {
		last = errors.New("the host has no address")
	}
	return nil, last
}

// dialOne takes at most its share of the time that is left for this many addresses.
func (d *Dialer) dialOne(ctx context.Context, to netip.AddrPort, onlyAllowed bool, left int) (net.Conn, error) {
	inside := func(p netip.Prefix) bool { return p.Contains(to.Addr()) }
	if onlyAllowed && !slices.ContainsFunc(d.looker.dialer.allow, inside) {
		return nil, fmt.Errorf("%s takes connections with TLS alone; the operator may allow others with %s", to.Addr(), d.looker.dialer.flag)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	conn, err := d.looker.dialer.dial(ctx, to)
	var refused refusedError
	if err != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("%s: %s", to, reason(err))
	}
	return conn, err
}
