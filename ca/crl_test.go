package ca

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
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
	if len(first.RevokedCertificateEntries) > 0 || first.Number.Int64() != 1 {
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
	if again := fetch(); again.Number.Int64() != 2 || again.ThisUpdate.After(now.Now()) {
		t.Errorf("an hour back: number %d of %v, from the future or with no higher number", again.Number, again.ThisUpdate)
	}
	now.set(testDay.Add(day))
	if next := fetch(); next.Number.Int64() != 3 || !next.NextUpdate.After(first.NextUpdate) {
		t.Errorf("a day later: number %d after %d", next.Number, first.Number)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.CRL(ctx); err == nil {
		t.Error("a cancelled call gave a list")
	}
}

// listed fetches a CRL as a client does, and checks what holds of every one.
func listed(t *testing.T, a *Authority, path string) *x509.RevocationList {
	t.Helper()
	recorder := httptest.NewRecorder()
	a.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
	if recorder.Code != 200 {
		t.Fatalf("%s: HTTP %d", path, recorder.Code)
	}
	list, err := x509.ParseRevocationList(recorder.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	now := a.config.Clock.Now()
	if err := list.CheckSignatureFrom(parse(t, a.Issuing())); err != nil {
		t.Error(err)
	}
	if life := list.NextUpdate.Sub(list.ThisUpdate); life > 10*day || !now.Before(list.NextUpdate) || list.ThisUpdate.After(now) {
		t.Errorf("the CRL holds from %s to %s", list.ThisUpdate, list.NextUpdate)
	}
	return list
}

func revoke(t *testing.T, a *Authority, leaf *x509.Certificate, reason chancery.Reason) {
	t.Helper()
	if err := a.Revoke(context.Background(), chancery.SerialHex(leaf.SerialNumber), a.config.Clock.Now(), reason); err != nil {
		t.Fatal(err)
	}
}

func serials(list *x509.RevocationList) []string {
	var all []string
	for _, entry := range list.RevokedCertificateEntries {
		all = append(all, chancery.SerialHex(entry.SerialNumber))
	}
	return all
}

func TestRevokedIsListed(t *testing.T) {
	a, _, now := testCA(t, Config{BaseURL: testBase})
	path := listPath(ID(a.Issuing()), 0)
	good := issue(t, a, requestFor(t, 1, "good.example.com"))
	listed(t, a, path)
	var revoked []*x509.Certificate
	reasons := []chancery.Reason{
		chancery.Unspecified, chancery.KeyCompromise, chancery.AffiliationChanged,
		chancery.Superseded, chancery.CessationOfOperation, chancery.PrivilegeWithdrawn,
	}
	for i, reason := range reasons {
		leaf := issue(t, a, requestFor(t, 2+i, fmt.Sprintf("n%d.example.com", i)))
		now.set(now.Now().Add(time.Second))
		revoke(t, a, leaf, reason)
		revoked = append(revoked, leaf)
	}
	now.set(now.Now().Add(lookPause))
	list := listed(t, a, path)
	if list.Number.Int64() != 2 || len(list.RevokedCertificateEntries) != len(reasons) {
		t.Fatalf("number %d, %d entries", list.Number, len(list.RevokedCertificateEntries))
	}
	for i, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(revoked[i].SerialNumber) != 0 || entry.ReasonCode != int(reasons[i]) {
			t.Errorf("entry %d: %x, reason %d", i, entry.SerialNumber, entry.ReasonCode)
		}
		if len(entry.Extensions) > 0 != (reasons[i] != chancery.Unspecified) {
			t.Errorf("reason %s: extensions %v", reasons[i], entry.Extensions)
		}
	}
	if slices.Contains(serials(list), chancery.SerialHex(good.SerialNumber)) {
		t.Error("a good certificate is listed")
	}
	for _, extension := range list.Extensions {
		if extension.Id.Equal(oidIssuingDistributionPoint) {
			t.Error("the only CRL says that it is one of several")
		}
	}

	// The first revocation stays.
	revoke(t, a, revoked[0], chancery.KeyCompromise)
	now.set(now.Now().Add(lookPause))
	if again := listed(t, a, path); !bytes.Equal(again.Raw, list.Raw) {
		t.Error("revoking again changed the CRL")
	}
	if err := a.Revoke(context.Background(), "0badc0de", now.Now(), 0); err == nil {
		t.Error("a serial that was never signed was revoked")
	}
}

func TestExpiredEntriesLeaveTheList(t *testing.T) {
	a, _, now := testCA(t, Config{BaseURL: testBase})
	path := listPath(ID(a.Issuing()), 0)
	leaf := issue(t, a, requestFor(t, 1, "www.example.com"))
	revoke(t, a, leaf, chancery.KeyCompromise)
	var last *x509.RevocationList
	for at := testDay; at.Before(leaf.NotAfter.Add(10 * day)); at = at.Add(6 * time.Hour) {
		now.set(at)
		list := listed(t, a, path)
		if len(list.RevokedCertificateEntries) == 0 {
			// It was on one made after the end before it left.
			if !last.ThisUpdate.After(leaf.NotAfter) || list.ThisUpdate.Sub(leaf.NotAfter) < listRenewal {
				t.Errorf("it left with the CRL of %s; the last one that had it is of %s, its end was %s", list.ThisUpdate, last.ThisUpdate, leaf.NotAfter)
			}
			return
		}
		last = list
	}
	t.Error("it never left")
}

func TestNumbersRiseAcrossProcesses(t *testing.T) {
	one, store, now := testCA(t, Config{BaseURL: testBase})
	open := func() *Authority {
		a, err := Open(context.Background(), Config{Store: store, Clock: now, BaseURL: testBase})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	nodes := []*Authority{one, open(), open()}
	path := listPath(ID(one.Issuing()), 0)
	for round := range 5 {
		leaf := issue(t, one, requestFor(t, round+1, fmt.Sprintf("n%d.example.com", round)))
		revoke(t, nodes[round%3], leaf, chancery.Superseded)
		now.set(now.Now().Add(lookPause))
		lists := make([]*x509.RevocationList, len(nodes))
		var all sync.WaitGroup
		for i, node := range nodes {
			all.Go(func() { lists[i] = listed(t, node, path) })
		}
		all.Wait()
		for i, list := range lists {
			if list.Number.Int64() != int64(round+1) || !bytes.Equal(list.Raw, lists[0].Raw) {
				t.Errorf("round %d: node %d shows number %d", round, i, list.Number)
			}
		}
	}
	if after := listed(t, open(), path); after.Number.Int64() != 5 || len(after.RevokedCertificateEntries) != 5 {
		t.Errorf("after a restart: number %d with %d entries", after.Number, len(after.RevokedCertificateEntries))
	}
}

func TestPartitions(t *testing.T) {
	a, _, now := testCA(t, Config{BaseURL: testBase, CRLSize: 2})
	id := ID(a.Issuing())
	var leaves []*x509.Certificate
	for i := range 5 {
		leaf := issue(t, a, requestFor(t, i+1, fmt.Sprintf("n%d.example.com", i)))
		leaves = append(leaves, leaf)
		if want := testBase + listPath(id, int64(i/2)); leaf.CRLDistributionPoints[0] != want {
			t.Errorf("certificate %d names %s, not %s", i, leaf.CRLDistributionPoints[0], want)
		}
		if i == 1 {
			listed(t, a, listPath(id, 0)) // alone, so complete
		}
	}
	for _, leaf := range leaves {
		revoke(t, a, leaf, chancery.Superseded)
	}
	now.set(now.Now().Add(lookPause))
	for partition, want := range [][]*x509.Certificate{leaves[:2], leaves[2:4], leaves[4:]} {
		path := listPath(id, int64(partition))
		list := listed(t, a, path)
		if len(list.RevokedCertificateEntries) != len(want) {
			t.Errorf("%s lists %d", path, len(list.RevokedCertificateEntries))
		}
		for _, leaf := range want {
			if !slices.Contains(serials(list), chancery.SerialHex(leaf.SerialNumber)) {
				t.Errorf("%s does not list %x", path, leaf.SerialNumber)
			}
		}
		scoped := slices.ContainsFunc(list.Extensions, func(e pkix.Extension) bool {
			return e.Id.Equal(oidIssuingDistributionPoint) && e.Critical && strings.Contains(string(e.Value), testBase+path)
		})
		if !scoped {
			t.Errorf("%s does not say that it is one of several", path)
		}
	}
	for _, path := range []string{listPath(id, 3), listPath(id, 0) + "-1", "/ca/" + id + "-0.crl", "/ca/" + id + "-01.crl", "/ca/" + id + "--1.crl", listPath(ID(a.Root()), 1)} {
		recorder := httptest.NewRecorder()
		a.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		if recorder.Code != 404 {
			t.Errorf("%s: HTTP %d", path, recorder.Code)
		}
	}
}

// TestPublishKeepsListsCurrent runs the background renewal once.
func TestPublishKeepsListsCurrent(t *testing.T) {
	a, store, now := testCA(t, Config{BaseURL: testBase})
	revoke(t, a, issue(t, a, requestFor(t, 1, "www.example.com")), chancery.Superseded)
	for days := range 3 {
		now.set(testDay.Add(time.Duration(days) * day))
		a.publishAll(context.Background())
		for _, authority := range a.all {
			if crl := store.crls[listPath(authority.id, 0)]; crl.Number != int64(days+1) {
				t.Errorf("day %d: %s has number %d", days, authority.kind, crl.Number)
			}
		}
	}
}
