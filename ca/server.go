package ca

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// serverLife is what the service's own certificate asks for; the rulebook may
// give less.
const serverLife = 90 * day

// ServerCertificate makes a certificate and key for a server of the service
// itself, valid 90 days or what the rulebook allows. It names DNS names, single
// labels such as "localhost" among them, and IP addresses, private ones among
// them. The key is P-256 and lives in memory only. The issuance is recorded, as
// every other, with account and order 0.
func (a *Authority) ServerCertificate(ctx context.Context, names []string, addresses []net.IP) (tls.Certificate, error) {
	if len(names)+len(addresses) == 0 {
		return tls.Certificate{}, errors.New("a server certificate needs a name or an address")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the server's key: %w", err)
	}
	now := a.config.Clock.Now()
	life, err := a.issuing.period(now, serverLife)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the server's certificate: %w", err)
	}
	crl, err := a.partition(ctx, a.issuing)
	if err != nil {
		return tls.Certificate{}, err
	}
	lower := make([]string, len(names))
	for i, name := range names {
		lower[i] = strings.ToLower(name)
	}
	chain, err := a.sign(ctx, draft{
		issuer:   a.issuing,
		crl:      crl,
		at:       now,
		template: a.leaf(lower, addresses, key.Public(), life, crl),
		key:      key.Public(),
		lint:     a.lint.server,
	})
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the server's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("parsing the server's certificate: %w", err)
	}
	return tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf}, nil
}

// Renewal makes and renews the certificate of a server of the service itself.
type Renewal struct {
	authority *Authority
	names     []string
	addresses []net.IP

	current atomic.Pointer[tls.Certificate]
	mu      sync.Mutex // held while renewing
	pause   time.Time  // no attempt before it; guarded by mu
}

// renewalPause lies between two failed attempts.
const renewalPause = time.Minute

// Renewal makes a first certificate as ServerCertificate does, and renews it on
// a handshake once a third of its life or less is left.
func (a *Authority) Renewal(ctx context.Context, names []string, addresses []net.IP) (*Renewal, error) {
	r := &Renewal{authority: a, names: names, addresses: addresses}
	first, err := a.ServerCertificate(ctx, names, addresses)
	if err != nil {
		return nil, err
	}
	r.current.Store(&first)
	return r, nil
}

// GetCertificate is for tls.Config. One handshake at a time renews; the others
// meanwhile, and all of them while renewing fails, get the certificate there is.
func (r *Renewal) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := r.authority.config.Clock.Now()
	if r.due(now) && r.mu.TryLock() {
		defer r.mu.Unlock()
		if r.due(now) && !now.Before(r.pause) {
			r.renew(hello.Context(), now)
		}
	}
	return r.current.Load(), nil
}

func (r *Renewal) due(now time.Time) bool {
	leaf := r.current.Load().Leaf
	// One from the future was made when the clock was ahead.
	return leaf.NotAfter.Sub(now) <= leaf.NotAfter.Sub(leaf.NotBefore)/3 || now.Before(leaf.NotBefore)
}

// renew needs r.mu. It outlives a client that hangs up, but not by much.
func (r *Renewal) renew(ctx context.Context, now time.Time) {
	const enough = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enough)
	defer cancel()
	next, err := r.authority.ServerCertificate(ctx, r.names, r.addresses)
	if err != nil {
		r.pause = now.Add(renewalPause)
		r.authority.config.Log.ErrorContext(ctx, "renewing the server's own certificate failed", "error", err)
		return
	}
	r.current.Store(&next)
}
