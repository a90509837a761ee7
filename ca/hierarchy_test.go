package ca

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chancery"
)

func TestFirstStartMakesTheHierarchy(t *testing.T) {
	a, store, _ := testCA(t, Config{BaseURL: testBase + "/"})
	root, issuing := parse(t, a.Root()), parse(t, a.Issuing())

	if root.CheckSignatureFrom(root) != nil || issuing.CheckSignatureFrom(root) != nil {
		t.Error("the signatures do not verify")
	}
	wantRoot := []string{extAKI, extSKI, extKeyUsage, extBasicConstraints}
	if diff := cmp.Diff(slices.Sorted(slices.Values(wantRoot)), extensionsOf(root)); diff != "" {
		t.Errorf("the root's extensions (-want +got):\n%s", diff)
	}
	wantIssuing := append(slices.Clone(wantRoot), extEKU, extPolicies, extAIA, extCRLDP)
	if diff := cmp.Diff(slices.Sorted(slices.Values(wantIssuing)), extensionsOf(issuing)); diff != "" {
		t.Errorf("the issuing CA's extensions (-want +got):\n%s", diff)
	}
	const caUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	if root.KeyUsage != caUsage || issuing.KeyUsage != caUsage|x509.KeyUsageDigitalSignature {
		t.Errorf("key usages are %b and %b", root.KeyUsage, issuing.KeyUsage)
	}
	if !issuing.MaxPathLenZero || root.MaxPathLen != -1 {
		t.Errorf("path lengths are %d and %d", root.MaxPathLen, issuing.MaxPathLen)
	}
	if !bytes.Equal(root.AuthorityKeyId, root.SubjectKeyId) || !bytes.Equal(issuing.AuthorityKeyId, root.SubjectKeyId) {
		t.Error("the key ids do not fit")
	}
	if url := testBase + "/ca/" + ID(a.Root()); issuing.IssuingCertificateURL[0] != url+".crt" || issuing.CRLDistributionPoints[0] != url+".crl" {
		t.Errorf("the root is at %v, its CRL at %v", issuing.IssuingCertificateURL, issuing.CRLDistributionPoints)
	}
	if !strings.HasPrefix(root.Subject.String(), "CN=Chancery Private PKI Root ") ||
		!strings.HasPrefix(issuing.Subject.String(), "CN=Chancery Private PKI Issuing ") ||
		root.Subject.Organization[0] != defaultOrganization {
		t.Errorf("subjects are %s and %s", root.Subject, issuing.Subject)
	}
	if root.NotAfter.Year() != 2046 || issuing.NotAfter.Year() != 2031 {
		t.Errorf("they end at %s and %s", root.NotAfter, issuing.NotAfter)
	}
	if len(store.authorities) != 2 || store.authorities[0].Kind != chancery.RootAuthority || store.authorities[0].ID != ID(a.Root()) {
		t.Error("the records do not fit")
	}
}

func TestNextStartLoadsTheHierarchy(t *testing.T) {
	a, store, now := testCA(t, Config{})
	now.set(testDay.AddDate(3, 0, 0))
	again, err := Open(context.Background(), Config{Store: store, Clock: now, KeyType: chancery.RSA4096, Organization: "Another"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Root(), again.Root()) || !bytes.Equal(a.Issuing(), again.Issuing()) || len(store.authorities) != 2 {
		t.Error("the second start made something")
	}
}

func TestFirstStartOfManyNodes(t *testing.T) {
	store, now := newMemory(), &clock{now: testDay}
	var group sync.WaitGroup
	nodes := make([]*Authority, 8)
	for i := range nodes {
		group.Go(func() {
			a, err := Open(context.Background(), Config{Store: store, Clock: now})
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i] = a
		})
	}
	group.Wait()
	for _, a := range nodes {
		if !bytes.Equal(a.Issuing(), nodes[0].Issuing()) || !bytes.Equal(a.Root(), nodes[0].Root()) {
			t.Error("the nodes do not agree")
		}
	}
	if len(store.authorities) != 2 {
		t.Errorf("%d authorities are stored", len(store.authorities))
	}
}

func TestFirstStartThatFailsLeavesNothing(t *testing.T) {
	store := newMemory()
	full := errors.New("disk full")
	store.fail = func(method string) error {
		if method == "AddAuthority" {
			return full
		}
		return nil
	}
	if _, err := Open(context.Background(), Config{Store: store}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if len(store.authorities) > 0 {
		t.Error("half a hierarchy is stored")
	}
}

func TestSuccessorOfTheIssuingCA(t *testing.T) {
	a, store, now := testCA(t, Config{})
	request := requestFor(t, 1, "www.example.com")
	old := issue(t, a, request)

	end := parse(t, a.Issuing()).NotAfter
	now.set(end.Add(-issuingRest))
	if _, err := Open(context.Background(), Config{Store: store, Clock: now}); err != nil || len(store.authorities) != 2 {
		t.Fatalf("too early: %d authorities, %v", len(store.authorities), err)
	}
	now.set(end.Add(-issuingRest + time.Second))
	next, err := Open(context.Background(), Config{Store: store, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(next.Issuing(), a.Issuing()) || !bytes.Equal(next.Root(), a.Root()) || len(store.authorities) != 3 {
		t.Fatal("no new issuing CA under the same root")
	}
	issue(t, next, requestFor(t, 2, "www.example.com"))
	if chain, err := next.Issue(context.Background(), request); err != nil || !bytes.Equal(chain[0], old.Raw) || !bytes.Equal(chain[1], a.Issuing()) {
		t.Errorf("the old order's chain: %v", err)
	}
	// A node that has not been started since knows the successor from the store.
	request.OrderID = 2
	if chain, err := a.Issue(context.Background(), request); err != nil || !bytes.Equal(chain[1], next.Issuing()) {
		t.Errorf("the new order's chain on an old node: %v", err)
	}
}

func TestIssuingCAsEndWithTheRoot(t *testing.T) {
	a, store, now := testCA(t, Config{})
	end := parse(t, a.Root()).NotAfter
	now.set(end.Add(-2 * 366 * day))
	for range 2 {
		next, err := Open(context.Background(), Config{Store: store, Clock: now})
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(t, next.Issuing()).NotAfter; !got.Equal(end) || len(store.authorities) != 3 {
			t.Errorf("%d authorities, the last ends at %s, the root at %s", len(store.authorities), got, end)
		}
		now.set(end.Add(-day))
	}
}

func TestOpenRefusesABrokenRecord(t *testing.T) {
	for what, spoil := range map[string]func([]chancery.Authority){
		"key of another":   func(all []chancery.Authority) { all[1].Key = all[0].Key },
		"no key":           func(all []chancery.Authority) { all[1].Key = chancery.Secret{} },
		"another id":       func(all []chancery.Authority) { all[0].ID = all[1].ID },
		"cut certificate":  func(all []chancery.Authority) { all[0].Certificate = all[0].Certificate[:100] },
		"no root":          func(all []chancery.Authority) { all[0] = all[1] },
		"a stranger's CA":  func(all []chancery.Authority) { all[0] = strangers(t) },
		"a key not to use": func(all []chancery.Authority) { all[0].Key = chancery.NewSecret([]byte("garbage")) },
	} {
		_, store, now := testCA(t, Config{})
		spoil(store.authorities)
		if _, err := Open(context.Background(), Config{Store: store, Clock: now}); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func strangers(t *testing.T) chancery.Authority {
	t.Helper()
	_, store, _ := testCA(t, Config{})
	return store.authorities[0]
}

func TestConfigurationRefused(t *testing.T) {
	for what, config := range map[string]Config{
		"no store":          {},
		"https":             {Store: newMemory(), BaseURL: "https://pki.example.com"},
		"no scheme":         {Store: newMemory(), BaseURL: "pki.example.com"},
		"no host":           {Store: newMemory(), BaseURL: "http:///pki"},
		"query":             {Store: newMemory(), BaseURL: "http://pki.example.com/?a=b"},
		"fragment":          {Store: newMemory(), BaseURL: "http://pki.example.com/#a"},
		"user":              {Store: newMemory(), BaseURL: "http://me@pki.example.com/"},
		"not a URL":         {Store: newMemory(), BaseURL: "http://pki example"},
		"weak key":          {Store: newMemory(), KeyType: chancery.RSA2048},
		"unknown key":       {Store: newMemory(), KeyType: "DSA"},
		"long organization": {Store: newMemory(), Organization: strings.Repeat("o", 48)},
	} {
		if _, err := Open(context.Background(), config); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func TestLongestOrganization(t *testing.T) {
	a, _, _ := testCA(t, Config{Organization: strings.Repeat("ö", 47)})
	if n := len([]rune(parse(t, a.Issuing()).Subject.CommonName)); n != maxCommonName {
		t.Errorf("the common name has %d characters", n)
	}
}

func TestRSAHierarchy(t *testing.T) {
	a, _, _ := testCA(t, Config{KeyType: chancery.RSA3072})
	for _, der := range [][]byte{a.Root(), a.Issuing()} {
		key, ok := parse(t, der).PublicKey.(*rsa.PublicKey)
		if !ok || key.N.BitLen() != 3072 {
			t.Errorf("its key is %T", parse(t, der).PublicKey)
		}
	}
	leaf := issue(t, a, requestFor(t, 1, "www.example.com"))
	if leaf.SignatureAlgorithm != x509.SHA256WithRSA {
		t.Errorf("signed with %s", leaf.SignatureAlgorithm)
	}
	if _, err := a.CRL(context.Background()); err != nil {
		t.Error(err)
	}
	opensslVerify(t, a, leaf)
}
