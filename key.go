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
	"strings"
	"time"
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

// QuickToMake tells whether a key takes so little to make that it need not be made ahead.
func (a KeyAlgorithm) QuickToMake() bool { return a == ECC256 || a == ECC384 }

// AlgorithmOf tells of which of KeyAlgorithms a public key is; "" for any other.
func AlgorithmOf(public crypto.PublicKey) KeyAlgorithm {
	switch k := public.(type) {
	case *rsa.PublicKey:
		for _, algorithm := range []KeyAlgorithm{RSA2048, RSA3072, RSA4096} {
			if fmt.Sprintf("RSA_%d", k.N.BitLen()) == string(algorithm) {
				return algorithm
			}
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return ECC256
		case elliptic.P384():
			return ECC384
		}
	}
	return ""
}

// ReadyKey is a private key that was made ahead, for whichever order takes it.
type ReadyKey struct {
	ID        int64
	Algorithm KeyAlgorithm
	Key       Secret // PEM
	CreatedAt time.Time
}

// maxCommonName is the upper bound of X.520; a longer name stands in the
// alternative names alone.
const maxCommonName = 64

// NewKeyAndCSR writes a key as PEM ("RSA PRIVATE KEY" or "EC PRIVATE KEY", the
// forms that CAS answers) and makes a CSR for the names with it.
func NewKeyAndCSR(key crypto.Signer, names Names) (Secret, []byte, error) {
	template := &x509.CertificateRequest{DNSNames: names.Strings()}
	if common := names.Common(); len(common) <= maxCommonName {
		template.Subject = pkix.Name{CommonName: string(common)}
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return Secret{}, nil, fmt.Errorf("making a CSR: %w", err)
	}
	text, err := KeyPEM(key)
	return text, csr, err
}

// KeyPEM writes an RSA or ECDSA key in its traditional form, as NewKeyAndCSR does.
func KeyPEM(key crypto.Signer) (Secret, error) {
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
	signer, err := ParsePrivateKey(string(key.Reveal()))
	if err != nil {
		return err
	}
	if !SameKey(signer.Public(), certificate.PublicKey) {
		return errors.New("the key is not the certificate's")
	}
	return nil
}

// SameKey compares two public keys.
func SameKey(one, other crypto.PublicKey) bool {
	key, ok := one.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(other)
}

// MaxKey bounds the PEM text of a private key, in bytes; an RSA-8192 key takes about 6.5 KB.
const MaxKey = 12 << 10

// ParsePrivateKey reads the one private key in a PEM text: PKCS #1, SEC 1 or PKCS #8,
// whatever the label says. It refuses, with InvalidParameter, a key that is
// encrypted, more than one key, and what is no key for signing. No error holds
// anything of the text.
func ParsePrivateKey(text string) (crypto.Signer, error) {
	if len(text) > MaxKey {
		return nil, Errorf(InvalidParameter, "Key: more than %d bytes", MaxKey)
	}
	block, err := onlyKey([]byte(text))
	if err != nil {
		return nil, err
	}
	if strings.Contains(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, Errorf(InvalidParameter, "Key: is encrypted; give it without a passphrase")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, Errorf(InvalidParameter, "Key: not a private key in PKCS #1, SEC 1 or PKCS #8 that signs")
	}
	return signer, nil
}

// onlyKey passes over what tools write around a key, such as "EC PARAMETERS".
func onlyKey(text []byte) (*pem.Block, error) {
	var key *pem.Block
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		switch {
		case block == nil && key == nil:
			return nil, Errorf(InvalidParameter, `Key: not a private key in PEM; it begins with "-----BEGIN PRIVATE KEY-----" or the like and has line breaks`)
		case block == nil:
			return key, nil
		case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		case key != nil:
			return nil, Errorf(InvalidParameter, "Key: more than one private key")
		default:
			key = block
		}
	}
}

// ParseKeyAlgorithm reads the algorithm and size of a key to be made: RSA with 2048,
// 3072 or 4096 bits, or ECC with 256. SM2 needs a library that is not part of
// this program, so it is refused here and nowhere else.
func ParseKeyAlgorithm(algorithm string, size int64) (KeyAlgorithm, error) {
	switch strings.ToUpper(algorithm) {
	case "RSA":
		if made := KeyAlgorithm(fmt.Sprintf("RSA_%d", size)); made == RSA2048 || made == RSA3072 || made == RSA4096 {
			return made, nil
		}
		return "", Errorf(InvalidParameter, "KeySize: an RSA key has 2048, 3072 or 4096 bits")
	case "ECC":
		if size == 256 {
			return ECC256, nil
		}
		return "", Errorf(InvalidParameter, "KeySize: an ECC key has 256 bits")
	case "SM2":
		return "", Errorf(InvalidParameter, "Algorithm: SM2 is not offered here; use RSA or ECC")
	}
	return "", Errorf(InvalidParameter, "Algorithm: %q is neither RSA nor ECC", excerpt(algorithm))
}

// KeyBlock is the first PEM block that can be a key: OpenSSL writes the curve in
// one of its own before it. Nil if there is none.
func KeyBlock(text string) *pem.Block {
	block, rest := pem.Decode([]byte(text))
	for block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	return block
}
