package ca

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chancery"
)

// published is a CA on the machine's clock, which OpenSSL goes by, with its
// handler on loopback as its base URL.
func published(t *testing.T, config Config) *Authority {
	t.Helper()
	var a *Authority
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.Handler().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	config.Store, config.BaseURL, config.Log = newMemory(), server.URL, slog.New(slog.DiscardHandler)
	a, err := Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// fetched saves the CRL that a certificate names and gives the file.
func fetched(t *testing.T, leaf *x509.Certificate) string {
	t.Helper()
	recorder, err := http.Get(leaf.CRLDistributionPoints[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = recorder.Body.Close() }()
	path := filepath.Join(t.TempDir(), "list.crl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.ReadFrom(recorder.Body); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSSLSeesRevocation(t *testing.T) {
	for _, kind := range []chancery.KeyAlgorithm{chancery.ECC256, chancery.RSA3072} {
		for _, size := range []int64{0, 1} { // one CRL for all; one for each certificate
			t.Run(fmt.Sprintf("%s, CRL size %d", kind, size), func(t *testing.T) {
				opensslSeesRevocation(t, published(t, Config{KeyType: kind, CRLSize: size}))
			})
		}
	}
}

func opensslSeesRevocation(t *testing.T, a *Authority) {
	bad := issue(t, a, requestFor(t, 1, "bad.example.com"))
	good := issue(t, a, requestFor(t, 2, "good.example.com"))
	revoke(t, a, bad, chancery.KeyCompromise)

	file := certificateFiles(t)
	root, issuing := file("root.pem", a.Root()), file("issuing.pem", a.Issuing())
	text := openssl(t, "crl", "-in", fetched(t, bad), "-inform", "DER", "-noout", "-text")
	if serial := fmt.Sprintf("Serial Number: %X", bad.SerialNumber.Bytes()); !strings.Contains(text, serial) || !strings.Contains(text, "Key Compromise") {
		t.Errorf("openssl crl shows no %s:\n%s", serial, text)
	}
	verify := func(leaf *x509.Certificate) (string, error) {
		return tryOpenSSL(t, "verify", "-x509_strict", "-crl_check", "-extended_crl", "-CAfile", root, "-untrusted", issuing,
			"-CRLfile", fetched(t, leaf), file("leaf.pem", leaf.Raw))
	}
	if said, err := verify(bad); err == nil || !strings.Contains(said, "certificate revoked") {
		t.Errorf("openssl verify takes the revoked certificate: %v\n%s", err, said)
	}
	if said, err := verify(good); err != nil {
		t.Errorf("openssl verify refuses the good certificate: %v\n%s", err, said)
	}
	for _, hash := range []string{"-sha1", "-sha256"} {
		ask := func(leaf *x509.Certificate) string {
			return openssl(t, "ocsp", "-CAfile", root, "-issuer", issuing, "-verify_other", issuing, hash,
				"-cert", file("leaf.pem", leaf.Raw), "-url", leaf.OCSPServer[0], "-no_nonce")
		}
		if said := ask(bad); !strings.Contains(said, "Response verify OK") || !strings.Contains(said, ": revoked") || !strings.Contains(said, "Reason: keyCompromise") {
			t.Errorf("openssl ocsp of the revoked certificate: %s", said)
		}
		if said := ask(good); !strings.Contains(said, "Response verify OK") || !strings.Contains(said, ": good") {
			t.Errorf("openssl ocsp of the good certificate: %s", said)
		}
	}
}
