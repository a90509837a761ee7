package chancery

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
)

// GenerateKey makes a private key. An RSA key of 2048 bits takes about 130 ms of
// a processor, one of 4096 bits seconds, an elliptic-curve key next to nothing.
func GenerateKey(algorithm KeyAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case ECC256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECC384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return nil, fmt.Errorf("key algorithm %q is not known", algorithm)
}

// maxCommonName is the upper bound of X.520; a longer name stands in the
// alternative names alone.
const maxCommonName = 64

// NewKeyAndCSR writes a key as PEM ("RSA PRIVATE KEY" or "EC PRIVATE KEY", the
// forms that CAS answers) and makes a CSR for the name with it.
func NewKeyAndCSR(key crypto.Signer, name Name) (Secret, []byte, error) {
	template := &x509.CertificateRequest{DNSNames: []string{string(name)}}
	if len(name) <= maxCommonName {
		template.Subject = pkix.Name{CommonName: string(name)}
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return Secret{}, nil, fmt.Errorf("making a CSR: %w", err)
	}
	text, err := keyPEM(key)
	return text, csr, err
}

func keyPEM(key crypto.Signer) (Secret, error) {
	var block pem.Block
	switch k := key.(type) {
	case *rsa.PrivateKey:
		block = pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)}
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			return Secret{}, fmt.Errorf("writing a key: %w", err)
		}
		block = pem.Block{Type: "EC PRIVATE KEY", Bytes: der}
	default:
		return Secret{}, fmt.Errorf("writing a key: it is a %T", key)
	}
	return NewSecret(pem.EncodeToMemory(&block)), nil
}

// KeyFits is an error unless the PEM key is that of the certificate. The error
// holds nothing of the key.
func KeyFits(key Secret, certificate *x509.Certificate) error {
	block, _ := pem.Decode(key.Reveal())
	if block == nil {
		return errors.New("the key is not PEM")
	}
	signer, err := parseKey(block)
	if err != nil {
		return errors.New("the key cannot be parsed")
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certificate.PublicKey) {
		return errors.New("the key is not the certificate's")
	}
	return nil
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	if block.Type == "RSA PRIVATE KEY" {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}
