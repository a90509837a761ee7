// Package testcert makes certificates and requests of strangers for tests: what
// a tenant uploads. Keys are elliptic, since those cost nothing to make.
package testcert

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

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// Pair is a certificate and its private key in PEM.
type Pair struct {
	Cert, Key string
	Serial    string // in hex, without leading zeros
}

// New makes a certificate for a name, good for 90 days from now.
func New(t testing.TB, now time.Time, name string) Pair {
	t.Helper()
	key := newKey(t)
	template := templateOf(t, now, name)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return Pair{inPEM("CERTIFICATE", der), keyInPEM(t, key), template.SerialNumber.Text(16)}
}

// NewSM2 is New with a key on the curve of SM2.
func NewSM2(t testing.TB, now time.Time, name string) Pair {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	must(t, err)
	like := templateOf(t, now, name)
	template := &smx509.Certificate{
		SerialNumber: like.SerialNumber, Subject: like.Subject, DNSNames: like.DNSNames, NotBefore: like.NotBefore, NotAfter: like.NotAfter,
	}
	der, err := smx509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	text, err := smx509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return Pair{inPEM("CERTIFICATE", der), inPEM("PRIVATE KEY", text), template.SerialNumber.Text(16)}
}

// NewRequest makes a certificate signing request for a name, and its private key.
func NewRequest(t testing.TB, name string) (csr, key string) {
	t.Helper()
	signer := newKey(t)
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, signer)
	must(t, err)
	return inPEM("CERTIFICATE REQUEST", der), keyInPEM(t, signer)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func templateOf(t testing.TB, now time.Time, name string) *x509.Certificate {
	t.Helper()
	const bits, days = 120, 90
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), bits))
	must(t, err)
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Other CA"}}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, days),
	}
}

func keyInPEM(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	text, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return inPEM("PRIVATE KEY", text)
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func must(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatalf("testcert: %v", err)
	}
}
