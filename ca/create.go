package ca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"time"

	"chancery"
)

// maxOrganization leaves room in a common name of 64 characters (RFC 5280,
// appendix A.1) for the kind and the short id of the CA.
const maxOrganization = maxCommonName - len(" Issuing ") - 2*shortID

const shortID = 4 // bytes of the key id that tell CAs of one organisation apart

// makeRoot follows BR 7.1.2.1.
func (a *Authority) makeRoot(now time.Time) (chancery.Authority, error) {
	template, key, err := a.caTemplate("Root", now, rootYears)
	if err != nil {
		return chancery.Authority{}, err
	}
	template.AuthorityKeyId = template.SubjectKeyId
	self := signer{certificate: template, key: key}
	// A root cannot be rehearsed: under another key's signature it is not
	// self-signed, and the lints would take it for a subordinate CA. One that they
	// refuse goes away with its key.
	certificate, err := self.certify(template, key.Public())
	if err != nil {
		return chancery.Authority{}, err
	}
	if err := a.lint.authority.certificate(certificate.Raw); err != nil {
		return chancery.Authority{}, err
	}
	return record(chancery.RootAuthority, certificate, key, now)
}

// makeIssuing follows BR 7.1.2.6: it signs leaves for TLS servers and CRLs, and
// no CA can stand below it.
func (a *Authority) makeIssuing(root *authority, now time.Time) (chancery.Authority, error) {
	template, key, err := a.caTemplate("Issuing", now, issuingYears)
	if err != nil {
		return chancery.Authority{}, err
	}
	template.NotAfter = earlier(template.NotAfter, root.certificate.NotAfter)
	template.KeyUsage |= x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.MaxPathLenZero = true
	template.Policies = []x509.OID{domainValidated}
	a.locations.describe(template, root.id, 0)

	rehearsed, err := root.rehearse(template, key.Public(), a.lint.authority)
	if err != nil {
		return chancery.Authority{}, err
	}
	certificate, err := root.certifyExactly(rehearsed, template, key.Public())
	if err != nil {
		return chancery.Authority{}, err
	}
	return record(chancery.IssuingAuthority, certificate, key, now)
}

// caTemplate is what root and issuing CA have in common, with a new key.
func (a *Authority) caTemplate(kind string, now time.Time, years int) (*x509.Certificate, privateKey, error) {
	organization := a.config.Organization
	if n := len([]rune(organization)); n > maxOrganization {
		return nil, nil, fmt.Errorf("the organization has %d characters; at most %d fit", n, maxOrganization)
	}
	key, err := newCAKey(a.config.KeyType)
	if err != nil {
		return nil, nil, err
	}
	id, err := keyID(key.Public())
	if err != nil {
		return nil, nil, err
	}
	start := now.UTC().Truncate(time.Second).Add(-backdating)
	return &x509.Certificate{
		SerialNumber: newSerial(),
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   organization + " " + kind + " " + hex.EncodeToString(id[:shortID]),
		},
		NotBefore:             start,
		NotAfter:              start.AddDate(years, 0, 0).Add(-time.Second),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		SubjectKeyId:          id,
	}, key, nil
}
