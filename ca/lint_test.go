package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"testing"
)

var loopback = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}

// An exception that excuses nothing should leave the table.
func TestEveryExceptionIsNeeded(t *testing.T) {
	whole := exceptions
	defer func() { exceptions = whole }()
	for i, e := range whole {
		if e.because == "" {
			t.Errorf("%s: no reason is given", e.lint)
		}
		if e.slow {
			continue
		}
		exceptions = slices.Delete(slices.Clone(whole), i, i+1)
		err := exerciseAll()
		var failed lintError
		if !errors.As(err, &failed) || !slices.Contains(failed, e.lint) {
			t.Errorf("without an exception for %s: %v", e.lint, err)
		}
	}
}

// exerciseAll makes one of everything that the exceptions speak of.
func exerciseAll() error {
	a, err := Open(context.Background(), Config{Store: newMemory(), Clock: &clock{now: testDay}})
	if err != nil {
		return err
	}
	key, err := applicantKeys["P-256"]()
	if err != nil {
		return err
	}
	life, err := a.issuing.period(testDay, 90*day)
	if err != nil {
		return err
	}
	template := a.leaf([]string{"www.shop.test"}, nil, key.Public(), life, 0)
	if _, err := a.sign(context.Background(), draft{a.issuing, 1, 1, testDay, 0, template, key.Public(), a.lint.leaf}); err != nil {
		return err
	}
	_, err = a.ServerCertificate(context.Background(), []string{"localhost"}, loopback)
	return err
}

// The exceptions for a missing base URL do not bind one that is set.
func TestLocatedCertificatesAreLintedForIt(t *testing.T) {
	located, err := newLinter(everyLeaf|caCertificate, true)
	if err != nil {
		t.Fatal(err)
	}
	a, _, _ := testCA(t, Config{})
	leaf := issue(t, a, requestFor(t, 1, "www.example.com"))
	var failed lintError
	if err := located.certificate(leaf.Raw); !errors.As(err, &failed) || len(failed) != 2 {
		t.Errorf("a leaf without locations: %v", err)
	}
	if err := located.certificate(a.Issuing()); !errors.As(err, &failed) || len(failed) != 1 {
		t.Errorf("an issuing CA without locations: %v", err)
	}
}

func TestHierarchyPassesItsLints(t *testing.T) {
	for _, base := range []string{"", testBase, testBase + ":8080/pki/"} {
		a, _, _ := testCA(t, Config{BaseURL: base})
		for _, der := range [][]byte{a.Root(), a.Issuing()} {
			if err := a.lint.authority.certificate(der); err != nil {
				t.Errorf("%q: %v", base, err)
			}
		}
	}
}

func TestLintOfGarbage(t *testing.T) {
	a, _, _ := testCA(t, Config{})
	if a.lint.leaf.certificate([]byte("garbage")) == nil || a.lint.list.revocationList([]byte("garbage")) == nil {
		t.Error("garbage passes")
	}
	var list *x509.RevocationList
	if der, err := a.CRL(context.Background()); err != nil {
		t.Error(err)
	} else if list, err = x509.ParseRevocationList(der); err != nil || list.Number.Sign() <= 0 {
		t.Errorf("the CRL: %v", err)
	}
}
