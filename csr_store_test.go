package chancery_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"
	"unicode"

	"chancery"
)

func TestParseCSRNames(t *testing.T) {
	for _, tt := range []struct{ common, sans, want string }{
		{"WWW.example.com", "", "www.example.com"},
		{"www.example.com", " ", "www.example.com"},
		{"*.example.com", "example.com, *.example.com", "*.example.com,example.com"},
		{"bücher.example", "x.example", "xn--bcher-kva.example,x.example"},
		{"", "", "CommonName: \"\" is empty; give a domain name such as www.example.com"},
		{"www.example.com", "10.0.0.1", "Sans: \"10.0.0.1\" is an IP address; give a domain name"},
		{"www.example.com", "a.example,,b.example", "Sans: \"\" is empty; give a domain name such as www.example.com"},
	} {
		names, err := chancery.ParseCSRNames(tt.common, tt.sans)
		got := names.String()
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "InvalidParameter: ")
		}
		if got != tt.want {
			t.Errorf("%q, %q: %s; want %s", tt.common, tt.sans, got, tt.want)
		}
	}
}

func TestPageOffset(t *testing.T) {
	for _, tt := range []struct {
		page chancery.Page
		want int64
	}{
		{chancery.Page{Number: 1, Size: 50}, 0},
		{chancery.Page{Number: 3, Size: 50}, 100},
		{chancery.Page{Number: 1<<63 - 1, Size: 100}, 100 << 24},
	} {
		if got := tt.page.Offset(); got != tt.want || got > 1<<31-1 {
			t.Errorf("%+v: %d; want %d", tt.page, got, tt.want)
		}
	}
}

// Whatever a stranger's request holds, what is kept of it can be listed, and its
// PEM reads back as the same request.
func FuzzReadStoredCSR(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, template := range []*x509.CertificateRequest{
		{},
		{Subject: pkix.Name{CommonName: "a\x00b", Country: []string{"C", "D"}}, DNSNames: []string{"a,b", "*.c"}},
	} {
		der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pemText("CERTIFICATE REQUEST", der))
		f.Add(pemText("NEW CERTIFICATE REQUEST", der))
	}
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		csr, err := chancery.ReadStoredCSR(text)
		if err != nil {
			if chancery.CodeOf(err) != chancery.InvalidParameter {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		for _, text := range []string{csr.CommonName, csr.SANs, csr.Subject.Country, csr.Subject.CorpName, csr.Subject.Department} {
			if strings.ContainsFunc(text, unicode.IsControl) {
				t.Fatalf("control characters in %q", text)
			}
		}
		again, err := chancery.ReadStoredCSR(csr.PEM)
		if err != nil || again.PEM != csr.PEM {
			t.Fatalf("it does not come back: %v", err)
		}
		block, _ := pem.Decode([]byte(csr.PEM))
		if sum, err := chancery.CSRKeySHA2(block.Bytes); err != nil || sum != csr.KeySHA2 {
			t.Fatalf("KeySHA2 %s, %v; want %s", sum, err, csr.KeySHA2)
		}
	})
}
