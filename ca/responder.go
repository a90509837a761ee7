package ca

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// responderLife is short, since nobody can revoke what vouches for revocation.
const responderLife = 7 * day

// oidNoCheck marks a certificate whose own status is not to be asked (RFC 6960,
// section 4.2.2.2.1); BR 7.1.2.8 demands it.
var oidNoCheck = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}

// responders gives the certificate and key that sign an authority's OCSP answers
// in its place, so that its own key signs certificates and CRLs alone.
type responders struct {
	mu      sync.Mutex // held while a new one is made
	current signer
}

// responder gives one with at least a third of its life left. The key is P-256
// and lives in memory only; the issuance is recorded, as every other, with
// account and order 0.
func (a *Authority) responder(ctx context.Context, issuer *authority) (signer, error) {
	r := &issuer.responders
	r.mu.Lock()
	defer r.mu.Unlock()
	now := a.config.Clock.Now()
	if c := r.current.certificate; c != nil && !now.Before(c.NotBefore) && c.NotAfter.Sub(now) > responderLife/3 {
		return r.current, nil
	}
	next, err := a.makeResponder(ctx, issuer, now)
	if err != nil {
		return signer{}, fmt.Errorf("making an OCSP responder for authority %s: %w", issuer.id, err)
	}
	r.current = next
	return next, nil
}

func (a *Authority) makeResponder(ctx context.Context, issuer *authority, now time.Time) (signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signer{}, fmt.Errorf("making its key: %w", err)
	}
	life, err := issuer.period(now, responderLife)
	if err != nil {
		return signer{}, err
	}
	template, err := responderTemplate(issuer, key, life)
	if err != nil {
		return signer{}, err
	}
	crl, err := a.partition(ctx, issuer)
	if err != nil {
		return signer{}, err
	}
	a.locations.describe(template, issuer.id, crl)
	chain, err := a.sign(ctx, draft{issuer: issuer, at: now, crl: crl, template: template, key: key.Public(), lint: a.lint.responder})
	if err != nil {
		return signer{}, err
	}
	certificate, err := x509.ParseCertificate(chain[0])
	return signer{certificate: certificate, key: key}, err
}

// responderTemplate follows BR 7.1.2.8.
func responderTemplate(issuer *authority, key privateKey, life period) (*x509.Certificate, error) {
	id, err := keyID(key.Public())
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		Subject: pkix.Name{
			Organization: issuer.certificate.Subject.Organization,
			CommonName:   "OCSP responder " + hex.EncodeToString(id[:shortID]),
		},
		NotBefore:             life.notBefore,
		NotAfter:              life.notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: oidNoCheck, Value: asn1.NullBytes}},
	}, nil
}
