// Package sm2 reads certificates and keys on the curve SM2 (GB/T 32918), which
// crypto/x509 does not know.
package sm2

import (
	"crypto"
	"crypto/x509"
	"fmt"

	"github.com/emmansun/gmsm/smx509"

	"chancery"
)

// Reader reads SM2 certificates and keys.
var Reader = chancery.CertificateReader{Certificate: parseCertificate, Key: parseKey, Signed: signed}

// parseCertificate fills what the service looks at; Raw is the whole.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, err := smx509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing an SM2 certificate: %w", err)
	}
	return &x509.Certificate{
		Raw: c.Raw, RawSubject: c.RawSubject, RawIssuer: c.RawIssuer, PublicKey: c.PublicKey,
		SerialNumber: c.SerialNumber, Issuer: c.Issuer, Subject: c.Subject, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		IsCA: c.IsCA, DNSNames: c.DNSNames, IPAddresses: c.IPAddresses,
	}, nil
}

func signed(child, parent *x509.Certificate) error {
	c, err := smx509.ParseCertificate(child.Raw)
	if err != nil {
		return fmt.Errorf("parsing an SM2 certificate: %w", err)
	}
	p, err := smx509.ParseCertificate(parent.Raw)
	if err != nil {
		return fmt.Errorf("parsing an SM2 certificate: %w", err)
	}
	return c.CheckSignatureFrom(p)
}

// parseKey reads PKCS #8 and SEC 1, whatever the label says.
func parseKey(text string) (crypto.Signer, error) {
	block := chancery.KeyBlock(text)
	if block == nil {
		return nil, chancery.Errorf(chancery.InvalidParameter, "the private key is not PEM")
	}
	if key, err := smx509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if key, err := smx509.ParseSM2PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, chancery.Errorf(chancery.InvalidParameter, "the private key cannot be read as PKCS #8 or SEC 1")
}
