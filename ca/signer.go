package ca

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
)

// signer is a CA certificate and its key.
type signer struct {
	certificate *x509.Certificate
	key         privateKey
}

// Format implements fmt.Formatter for every verb, so that none reaches the key.
func (signer) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[signer]") }

// standIn has the signer's name, key id and algorithm, but another key: what it
// signs differs in the signature alone, and that signature is worth nothing.
func (s signer) standIn() (signer, error) {
	key, err := rehearsalKey(s.key.Public())
	if err != nil {
		return signer{}, fmt.Errorf("making a rehearsal key: %w", err)
	}
	certificate := *s.certificate
	certificate.PublicKey = key.Public()
	return signer{certificate: &certificate, key: key}, nil
}

// certify signs the template as it is.
func (s signer) certify(template *x509.Certificate, key crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, s.certificate, key, s.key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the signed certificate: %w", err)
	}
	return certificate, nil
}

// rehearse signs the template with the stand-in and lints the result, so that
// nothing carries the signer's own signature that the lints have not seen.
func (s signer) rehearse(template *x509.Certificate, key crypto.PublicKey, lint *linter) (*x509.Certificate, error) {
	standIn, err := s.standIn()
	if err != nil {
		return nil, err
	}
	rehearsed, err := standIn.certify(template, key)
	if err != nil {
		return nil, err
	}
	return rehearsed, lint.certificate(rehearsed.Raw)
}

// certifyExactly signs the template, and refuses to release what is not byte for
// byte the rehearsed certificate. That the signature verifies with the key, and that
// the key is the signer's certificate's, x509.CreateCertificate has checked.
func (s signer) certifyExactly(rehearsed, template *x509.Certificate, key crypto.PublicKey) (*x509.Certificate, error) {
	certificate, err := s.certify(template, key)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(certificate.RawTBSCertificate, rehearsed.RawTBSCertificate) {
		return nil, errors.New("what was signed is not what was linted; the certificate is withheld")
	}
	return certificate, nil
}
