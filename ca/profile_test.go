package ca

import (
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The extensions of RFC 5280, section 4.2, by name; "!" marks a critical one.
const (
	extAKI              = "2.5.29.35"
	extSAN              = "2.5.29.17"
	extPolicies         = "2.5.29.32"
	extKeyUsage         = "2.5.29.15!"
	extEKU              = "2.5.29.37"
	extBasicConstraints = "2.5.29.19!"
	extAIA              = "1.3.6.1.5.5.7.1.1"
	extCRLDP            = "2.5.29.31"
	extSKI              = "2.5.29.14"
)

func TestLeafProfile(t *testing.T) {
	long := strings.Repeat("a", 50) + "." + strings.Repeat("b", 10) + ".test" // 66 characters
	always := []string{extAKI, extPolicies, extKeyUsage, extEKU, extBasicConstraints}
	for _, test := range []struct {
		what, base, name, key string
		lifetime              time.Duration
		commonName            string
		extensions            []string
		usage                 x509.KeyUsage
	}{
		{"plain", "", "www.example.com", "P-256", 90 * day, "www.example.com", []string{extSAN}, x509.KeyUsageDigitalSignature},
		{"with locations", testBase, "www.example.com", "P-256", 90 * day, "www.example.com",
			[]string{extSAN, extAIA, extCRLDP}, x509.KeyUsageDigitalSignature},
		{"RSA", testBase, "www.example.com", "RSA-2048", 90 * day, "www.example.com",
			[]string{extSAN, extAIA, extCRLDP}, x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment},
		{"short-lived", testBase, "www.example.com", "P-256", 7 * day, "www.example.com",
			[]string{extSAN, extAIA}, x509.KeyUsageDigitalSignature},
		{"a second more than short-lived", testBase, "www.example.com", "P-256", 7*day + time.Second, "www.example.com",
			[]string{extSAN, extAIA, extCRLDP}, x509.KeyUsageDigitalSignature},
		{"wildcard", "", "*.example.com", "P-256", 90 * day, "*.example.com", []string{extSAN}, x509.KeyUsageDigitalSignature},
		{"longest common name", "", long[2:], "P-256", 90 * day, long[2:], []string{extSAN}, x509.KeyUsageDigitalSignature},
		{"too long for a common name", "", long[1:], "P-256", 90 * day, "", []string{extSAN + "!"}, x509.KeyUsageDigitalSignature},
		{"international", "", "xn--bcher-kva.example.com", "P-256", 90 * day, "xn--bcher-kva.example.com",
			[]string{extSAN}, x509.KeyUsageDigitalSignature},
		{"company's own", "", "git.corp.internal", "P-256", 90 * day, "git.corp.internal", []string{extSAN}, x509.KeyUsageDigitalSignature},
	} {
		t.Run(test.what, func(t *testing.T) {
			a, _, _ := testCA(t, Config{BaseURL: test.base})
			request := requestFor(t, 1, test.name)
			request.CSR, request.Lifetime = csrFor(t, applicantKey(t, test.key)), test.lifetime
			leaf := issue(t, a, request)

			want := slices.Sorted(slices.Values(append(slices.Clone(always), test.extensions...)))
			if diff := cmp.Diff(want, extensionsOf(leaf)); diff != "" {
				t.Errorf("extensions (-want +got):\n%s", diff)
			}
			if leaf.Subject.CommonName != test.commonName || len(leaf.Subject.Names) > 1 {
				t.Errorf("subject is %s", leaf.Subject)
			}
			if leaf.KeyUsage != test.usage {
				t.Errorf("key usage is %b", leaf.KeyUsage)
			}
			checkEveryLeaf(t, a, leaf)
		})
	}
}

// checkEveryLeaf holds whatever the request was.
func checkEveryLeaf(t *testing.T, a *Authority, leaf *x509.Certificate) {
	t.Helper()
	issuing := parse(t, a.Issuing())
	if leaf.Version != 3 || leaf.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		t.Errorf("version %d, signed with %s", leaf.Version, leaf.SignatureAlgorithm)
	}
	if len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || len(leaf.UnknownExtKeyUsage) > 0 {
		t.Errorf("extended key usage is %v %v", leaf.ExtKeyUsage, leaf.UnknownExtKeyUsage)
	}
	if len(leaf.Policies) != 1 || leaf.Policies[0].String() != "2.23.140.1.2.1" {
		t.Errorf("policies are %v", leaf.Policies)
	}
	if leaf.IsCA || leaf.MaxPathLen > 0 {
		t.Error("it is a CA")
	}
	if !slices.Equal(leaf.AuthorityKeyId, issuing.SubjectKeyId) || len(leaf.SubjectKeyId) > 0 {
		t.Errorf("key ids are %x and %x", leaf.AuthorityKeyId, leaf.SubjectKeyId)
	}
	if a.locations.known() && !slices.Equal(leaf.IssuingCertificateURL, []string{testBase + "/ca/" + ID(a.Issuing()) + ".crt"}) {
		t.Errorf("issuer is at %v", leaf.IssuingCertificateURL)
	}
	for _, point := range leaf.CRLDistributionPoints {
		if point != testBase+"/ca/"+ID(a.Issuing())+".crl" {
			t.Errorf("CRL is at %s", point)
		}
	}
	if a.locations.known() != slices.Equal(leaf.OCSPServer, []string{testBase + "/ca/ocsp"}) {
		t.Errorf("OCSP is at %v", leaf.OCSPServer)
	}
}

func TestSerials(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 159)
	seen, varied := map[string]bool{}, new(big.Int)
	first := newSerial()
	for range 4096 {
		serial := newSerial()
		if serial.Sign() <= 0 || serial.Cmp(limit) >= 0 || len(serial.Bytes()) != 16 {
			t.Fatalf("serial %x", serial)
		}
		if seen[serial.String()] {
			t.Fatalf("serial %x came twice", serial)
		}
		seen[serial.String()] = true
		varied.Or(varied, new(big.Int).Xor(first, serial))
	}
	// A fixed bit, as in the 63-bit serials of 2019, would never differ.
	if all := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1)); varied.Cmp(all) != 0 {
		t.Errorf("bits that varied: %x", varied)
	}
}
