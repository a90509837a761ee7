package ca

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net"
	"time"
)

// domainValidated is the certificate policy of DV leaves (BR 7.1.6.1).
var domainValidated = oid(2, 23, 140, 1, 2, 1)

// maxCommonName is ub-common-name of RFC 5280, appendix A.1.
const maxCommonName = 64

// backdating starts a certificate's life before its signature, for clients whose
// clocks are slow. BR 7.1.2.7 allows 48 hours.
const backdating = 5 * time.Minute

// shortLived is the longest life that needs no revocation information (BR 1.6.1).
const shortLived = 7 * day

// leaf is a template after BR 7.1.2.7, without its serial. The first name is the
// common name too if it fits; a certificate without one has an empty subject,
// and crypto/x509 then marks the names critical. A leaf has no subject key
// identifier: BR 7.1.2.7.6 discourages it.
func (a *Authority) leaf(names []string, addresses []net.IP, key crypto.PublicKey, life period, partition int64) *x509.Certificate {
	template := &x509.Certificate{
		NotBefore:             life.notBefore,
		NotAfter:              life.notAfter,
		DNSNames:              names,
		IPAddresses:           addresses,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		Policies:              []x509.OID{domainValidated},
		BasicConstraintsValid: true,
	}
	if len(names) > 0 && len(names[0]) <= maxCommonName {
		template.Subject.CommonName = names[0]
	}
	if _, ok := key.(*rsa.PublicKey); ok {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	a.locations.describe(template, a.issuing.id, partition)
	if a.locations.known() {
		template.OCSPServer = []string{a.locations.responder()}
	}
	return template
}

// period is a certificate's validity, both ends included.
type period struct{ notBefore, notAfter time.Time }

// period gives a leaf that the issuer signs now the life it was promised, or less: a day less
// than the rulebook's limit (as BR 6.3.2 advises), and no longer than its issuer.
// It refuses a promise that is over before a client could use it.
func (s signer) period(now time.Time, promised time.Duration) (period, error) {
	life := min(promised, Limit(now).Longest()-day).Truncate(time.Second)
	start := now.UTC().Truncate(time.Second).Add(-backdating)
	if life <= backdating {
		return period{}, refused(nil, "a life of %s is too short for a certificate", promised)
	}
	end := earlier(start.Add(life-time.Second), s.certificate.NotAfter)
	if !now.Before(end) {
		return period{}, fmt.Errorf("the issuing CA's own certificate ended at %s", end)
	}
	return period{start, end}, nil
}

func earlier(one, other time.Time) time.Time {
	if one.Before(other) {
		return one
	}
	return other
}

func oid(numbers ...uint64) x509.OID {
	id, err := x509.OIDFromInts(numbers)
	if err != nil {
		panic(err)
	}
	return id
}
