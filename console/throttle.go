package console

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"chancery"
)

// How often somebody may try to sign in within attemptTime: with one access key or as
// one user, from wherever, and from one address, as whomever. All nodes count together.
const (
	attemptTime     = 15 * time.Minute
	attemptsAs      = 10
	attemptsFrom    = 30
	ipv6HostNetwork = 64 // what one host has of IPv6
)

var errTooMany = errors.New("too many attempts")

// attempt counts an attempt before it is looked at, so that none of many at once is
// free, and is errTooMany when there were enough already.
func (p *page) attempt(as string) error {
	for _, limit := range []struct {
		subject []byte
		most    int64
	}{{subject("from", network(p.visitor.Address)), attemptsFrom}, {subject("as", as), attemptsAs}} {
		now := p.console.Clock.Now()
		var count int64
		err := p.console.Store.Write(chancery.Confine(p.r.Context(), 0), func(tx chancery.Tx) (err error) {
			count, _, err = tx.CountAttempt(limit.subject, now, now.Add(attemptTime))
			return err
		})
		if err != nil {
			return fmt.Errorf("counting an attempt to sign in: %w", err)
		}
		if count > limit.most {
			return errTooMany
		}
	}
	return nil
}

// succeeded takes back what attempt counted. Those from the address stay, but for this
// one: else whoever has one account could guess at all others for ever.
func (p *page) succeeded(tx chancery.Tx, as string) error {
	if err := tx.ForgetAttempts(subject("as", as)); err != nil {
		return err
	}
	return tx.ForgiveAttempt(subject("from", network(p.visitor.Address)))
}

func subject(kind, text string) []byte {
	sum := sha256.Sum256([]byte(kind + " " + text))
	return sum[:]
}

func network(address netip.Addr) string {
	if address.Is6() {
		if prefix, err := address.Prefix(ipv6HostNetwork); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
