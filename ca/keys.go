package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"sync"

	"chancery"
)

type privateKey = crypto.Signer

// newCAKey makes the key of a CA. RSA takes a second or more.
func newCAKey(algorithm chancery.KeyAlgorithm) (privateKey, error) {
	switch algorithm {
	case chancery.ECC256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case chancery.RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case chancery.RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	default:
		return nil, fmt.Errorf("CA keys can be %s, %s or %s, not %q",
			chancery.ECC256, chancery.RSA3072, chancery.RSA4096, algorithm)
	}
}

// Rehearsals are signed with keys that never protect anything, one for each
// signature algorithm of a CA, made when first needed. An RSA key's length is
// not part of the algorithm, so a quick one serves for all.
var (
	rehearsalECDSA = sync.OnceValues(func() (privateKey, error) {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	})
	rehearsalRSA = sync.OnceValues(func() (privateKey, error) {
		return rsa.GenerateKey(rand.Reader, 2048)
	})
)

func rehearsalKey(instead crypto.PublicKey) (privateKey, error) {
	if _, ok := instead.(*rsa.PublicKey); ok {
		return rehearsalRSA()
	}
	return rehearsalECDSA()
}

// keyID is the subject key identifier: the first 160 bits of the SHA-256 of the
// key's bit string (RFC 7093, section 2, method 1).
func keyID(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the public key: %w", err)
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	sum := sha256.Sum256(info.Key.Bytes)
	return sum[:20], nil
}
