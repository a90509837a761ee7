package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// testDraft is sound until a test spoils it.
func testDraft(t *testing.T, a *Authority) draft {
	t.Helper()
	d, err := a.draft(context.Background(), requestFor(t, 1, "www.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLintForbidsBadCertificates(t *testing.T) {
	for lint, spoil := range map[string]func(*x509.Certificate){
		"e_sub_cert_eku_missing":                        func(c *x509.Certificate) { c.ExtKeyUsage = nil },
		"e_sub_cert_certificate_policies_missing":       func(c *x509.Certificate) { c.Policies = nil },
		"e_sub_cert_aia_missing":                        func(c *x509.Certificate) { c.IssuingCertificateURL, c.OCSPServer = nil, nil },
		"e_missing_crl_distrib_point":                   func(c *x509.Certificate) { c.CRLDistributionPoints, c.OCSPServer = nil, nil },
		"e_dnsname_underscore_in_sld":                   func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "a_b.com") },
		"e_subject_common_name_not_exactly_from_san":    func(c *x509.Certificate) { c.Subject.CommonName = "other.example.com" },
		"e_sub_cert_key_usage_cert_sign_bit_set":        func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign },
		"e_ext_san_contains_reserved_ip":                func(c *x509.Certificate) { c.IPAddresses = loopback },
		"e_server_cert_valid_time_longer_than_200_days": func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(200 * day) }, // and one second
	} {
		a, store, _ := testCA(t, Config{BaseURL: testBase})
		d := testDraft(t, a)
		spoil(d.template)
		_, err := a.sign(context.Background(), d)
		var failed lintError
		if !errors.As(err, &failed) || !slices.Contains(failed, lint) {
			t.Errorf("%s: %v", lint, err)
		}
		if len(store.issuances) > 0 {
			t.Errorf("%s: something was recorded", lint)
		}
	}
}

func TestTheLongestLifeToTheSecond(t *testing.T) {
	for _, test := range []struct {
		at   time.Time
		life time.Duration
	}{
		{time.Date(2027, 3, 14, 23, 59, 59, 0, time.UTC), 200 * day},
		{time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), 100 * day},
		{time.Date(2029, 3, 15, 0, 0, 0, 0, time.UTC), 47 * day},
	} {
		for over, allowed := range map[time.Duration]bool{-time.Second: true, 0: true, time.Second: false} {
			a, _, now := testCA(t, Config{})
			now.set(test.at)
			d := testDraft(t, a)
			d.template.NotAfter = d.template.NotBefore.Add(test.life + over - time.Second)
			if _, err := a.sign(context.Background(), d); (err == nil) != allowed {
				t.Errorf("%s, %s and %s more: %v", test.at, test.life, over, err)
			}
			if err := checkLife(d.template, test.at); (err == nil) != allowed {
				t.Errorf("%s, %s and %s more, by the rulebook alone: %v", test.at, test.life, over, err)
			}
		}
	}
}

// As when a profile is reloaded between the two signatures.
func TestWhatIsSignedIsWhatWasLinted(t *testing.T) {
	a, store, _ := testCA(t, Config{})
	for what, change := range map[string]func(*x509.Certificate){
		"name":   func(c *x509.Certificate) { c.DNSNames = []string{"other.example.com"} },
		"life":   func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(time.Second) },
		"serial": func(c *x509.Certificate) { c.SerialNumber = newSerial() },
		"usage":  func(c *x509.Certificate) { c.IsCA = true },
	} {
		d := testDraft(t, a)
		rehearsed, err := a.intend(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := rehearsed.CheckSignatureFrom(a.issuing.certificate); err == nil {
			t.Error("the rehearsal carries the CA's own signature")
		}
		if _, err := a.issuing.certifyExactly(rehearsed, d.template, d.key); err != nil {
			t.Errorf("unchanged: %v", err)
		}
		change(d.template)
		if _, err := a.issuing.certifyExactly(rehearsed, d.template, d.key); err == nil {
			t.Errorf("a changed %s was signed", what)
		}
	}
	if len(store.completed()) > 0 {
		t.Error("a withheld certificate was recorded as complete")
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	a, store, _ := testCA(t, Config{})
	secret := fmt.Sprintf("%x", store.authorities[1].Key.Reveal()[36:52])
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		if got := fmt.Sprintf(verb, a.issuing.signer); got != "[signer]" {
			t.Errorf("%s of a signer prints %s", verb, got)
		}
		for _, holder := range []any{a, *a, a.issuing, store.authorities} {
			if got := fmt.Sprintf(verb, holder); strings.Contains(got, secret) {
				t.Errorf("%s of %T holds a key", verb, holder)
			}
		}
	}
}
