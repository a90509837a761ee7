package ca

import (
	"bytes"
	"context"
	"crypto/x509"
	"testing"
	"time"
)

func TestCRL(t *testing.T) {
	a, _, now := testCA(t, Config{})
	fetch := func() *x509.RevocationList {
		t.Helper()
		der, err := a.CRL(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := list.CheckSignatureFrom(parse(t, a.Issuing())); err != nil {
			t.Error(err)
		}
		return list
	}
	first := fetch()
	if len(first.RevokedCertificateEntries) > 0 || first.Number.Int64() != testDay.Unix() {
		t.Errorf("%d entries, number %d", len(first.RevokedCertificateEntries), first.Number)
	}
	if life := first.NextUpdate.Sub(first.ThisUpdate); life >= 10*day || life < 7*day {
		t.Errorf("good for %s", life)
	}
	if now := testDay; now.Before(first.ThisUpdate) || !bytes.Equal(first.AuthorityKeyId, parse(t, a.Issuing()).SubjectKeyId) {
		t.Errorf("made at %s, of %x", first.ThisUpdate, first.AuthorityKeyId)
	}

	now.set(testDay.Add(day - time.Second))
	if kept := fetch(); !bytes.Equal(kept.Raw, first.Raw) {
		t.Error("made anew within a day")
	}
	now.set(testDay.Add(-time.Hour))
	if kept := fetch(); !bytes.Equal(kept.Raw, first.Raw) {
		t.Error("the number fell with the clock")
	}
	now.set(testDay.Add(day))
	if next := fetch(); next.Number.Cmp(first.Number) <= 0 || !next.NextUpdate.After(first.NextUpdate) {
		t.Errorf("a day later: number %d after %d", next.Number, first.Number)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.CRL(ctx); err == nil {
		t.Error("a cancelled call gave a list")
	}
}
