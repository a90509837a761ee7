package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Chain is a certificate from somewhere else, as one that is uploaded.
type Chain struct {
	Leaf, Intermediate, Root string // PEM, one certificate each
	Key                      string // PEM, PKCS #8
	Private                  *ecdsa.PrivateKey
	Parsed                   *x509.Certificate // the leaf
}

// Full is leaf and intermediate, as most people send them.
func (c Chain) Full() string { return c.Leaf + c.Intermediate }

// NewChain makes a certificate for a name that is valid until then, with a CA of
// its own above it.
func NewChain(t testing.TB, name string, notAfter time.Time) Chain {
	t.Helper()
	root := newAuthority(t, "Test Root", nil)
	intermediate := newAuthority(t, "Test Intermediate", root)
	key := newECKey(t)
	leaf := sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: notAfter.Add(-90 * 24 * time.Hour), NotAfter: notAfter,
	}, key, intermediate)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Chain{
		Leaf: certificatePEM(leaf), Intermediate: certificatePEM(intermediate.certificate), Root: certificatePEM(root.certificate),
		Key:     string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		Private: key, Parsed: leaf,
	}
}

type testAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string, parent *testAuthority) *testAuthority {
	t.Helper()
	a := &testAuthority{key: newECKey(t)}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Test Authority"}}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(4e9, 0),
	}
	if parent == nil {
		parent = &testAuthority{certificate: template, key: a.key}
	}
	a.certificate = sign(t, template, a.key, parent)
	return a
}

func sign(t testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey, by *testAuthority) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func newECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificatePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
