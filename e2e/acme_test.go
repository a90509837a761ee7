package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"chancery"
	"chancery/admin"
	"chancery/internal/pebble"
)

// wildcards is the built-in product for them.
const wildcards = "symantec-dv-1-starter"

// startWithPebble starts a service whose built-in products are issued by a Pebble
// of its own.
func startWithPebble(t *testing.T) (*service, *pebble.Server) {
	t.Helper()
	s := start(t, "--dcv-dns-port", "1",
		"--issuer", chancery.DefaultProduct+"=pebble", "--issuer", wildcards+"=pebble")
	return s, startPebble(t, s)
}

// startPebble starts a Pebble of the service's own, which it knows as pebble.
func startPebble(t *testing.T, s *service) *pebble.Server {
	t.Helper()
	httpPort, err := strconv.Atoi(s.web.httpPort)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pebble.Start(t.Context(), pebble.Config{
		DNS: s.dns.Addr(), HTTPPort: httpPort, RetryAfter: 1,
		Environment: []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ca.Stop)
	bundle := file(t, "pebble.pem", ca.Bundle)
	s.operate(t, &admin.Issuer{}, "issuer", "add", "pebble", "--directory", ca.Directory, "--ca-bundle", bundle, "--contact", "mailto:ops@example.test")
	return ca
}

// The official clients get certificates from an ACME CA as they are: they publish
// what DescribeCertificateState tells them to.
func TestOfficialClientsGetCertificatesOfAnACMECA(t *testing.T) {
	t.Parallel()
	s, ca := startWithPebble(t)
	root, err := ca.Root(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	type journey struct {
		client          applicant
		method, product string
		own             bool
	}
	for i, j := range []journey{
		{openAPI, "DNS", chancery.DefaultProduct, false},
		{openAPI, "DNS", wildcards, true},
		{cas20200407, "DNS", wildcards, false},
		{openAPI, "FILE", chancery.DefaultProduct, true},
		{legacy, "FILE", chancery.DefaultProduct, false},
		{cas20200407, "DNS", chancery.DefaultProduct, true},
		{popCoreGet, "FILE", chancery.DefaultProduct, false},
		{commandLine, "DNS", chancery.DefaultProduct, false},
	} {
		t.Run(fmt.Sprintf("%s %s %s own CSR %t", j.client.name, j.method, j.product, j.own), func(t *testing.T) {
			j.client.needs(t)
			o := order{name: fmt.Sprintf("acme%d.example.test", i), method: j.method, product: j.product, who: s.tenant(t, j.product, 2)}
			if j.product == wildcards {
				o.name = "*." + o.name
			}
			var key *ecdsa.PrivateKey
			if j.own {
				var err error
				if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
					t.Fatal(err)
				}
				o.csr = requestFor(t, key, o.name)
			}
			all := j.client.apply(t, s, o)
			checkACMEProof(t, o, all.proof)
			leaf := verifyUnder(t, root, strings.Replace(o.name, "*.", "any.", 1), all.certificate)
			if j.own {
				if all.privateKey != "" || !key.PublicKey.Equal(leaf.PublicKey) {
					t.Error("the certificate is not for the CSR's key alone")
				}
			} else if _, err := tls.X509KeyPair([]byte(all.certificate), []byte(all.privateKey)); err != nil {
				t.Errorf("the private key: %v", err)
			}
		})
	}
	t.Run("operator's view", func(t *testing.T) {
		seen := s.command(t, "issuer", "test", "pebble")
		for _, want := range []string{"terms of service", "account status       valid", "profiles             default,shortlived", "external account     not needed"} {
			if seen.status != 0 || !strings.Contains(seen.stdout, want) {
				t.Errorf("issuer test ended with %d without %q:\n%s%s", seen.status, want, seen.stdout, seen.stderr)
			}
		}
		if removed := s.command(t, "issuer", "remove", "pebble"); removed.status != 0 {
			t.Errorf("removing the issuer: %s", removed.stderr)
		}
	})
}

// checkACMEProof checks that the proof is the CA's, in the usual fields.
func checkACMEProof(t *testing.T, o order, p proof) {
	t.Helper()
	switch {
	case o.method == "DNS" && p.RecordDomain == "_acme-challenge."+strings.TrimPrefix(o.name, "*.") && p.RecordType == "TXT" && len(p.RecordValue) == 43:
	case o.method == "FILE" && p.Domain == o.name && strings.HasPrefix(p.URI, "/.well-known/acme-challenge/") && strings.HasPrefix(p.Content, strings.TrimPrefix(p.URI, "/.well-known/acme-challenge/")+"."):
	default:
		t.Errorf("the proof by %s is %+v", o.method, p)
	}
}

func verifyUnder(t *testing.T, root *x509.Certificate, name, chain string) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode([]byte(chain))
	if block == nil {
		t.Fatalf("no PEM: %s", chain)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	between.AppendCertsFromPEM(rest)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: name}); err != nil {
		t.Error(err)
	}
	return leaf
}
