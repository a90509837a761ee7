package ca

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
)

func TestIssueTakesEveryKindOfKey(t *testing.T) {
	a, store, _ := testCA(t, Config{})
	order := 0
	for kind := range applicantKeys {
		order++
		request := requestFor(t, order, "www.example.com")
		request.CSR = csrFor(t, applicantKey(t, kind))
		leaf := issue(t, a, request)
		record := store.issuances[chancery.SerialHex(leaf.SerialNumber)]
		if !bytes.Equal(record.ToBeSigned, leaf.RawTBSCertificate) || !bytes.Equal(record.Certificate, leaf.Raw) {
			t.Errorf("%s: the record is not of what was issued", kind)
		}
		if record.AuthorityID != ID(a.Issuing()) || record.AccountID != request.AccountID ||
			record.OrderID != request.OrderID || !record.At.Equal(testDay) {
			t.Errorf("%s: recorded for authority %s, account %d, order %d at %s", kind,
				record.AuthorityID, record.AccountID, record.OrderID, record.At)
		}
	}
}

func TestIssueTwiceGivesOneCertificate(t *testing.T) {
	a, store, now := testCA(t, Config{})
	request := requestFor(t, 1, "www.example.com")
	first, err := a.Issue(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	now.set(testDay.Add(time.Hour))
	again, err := a.Issue(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != 2 || !bytes.Equal(first[0], again[0]) || !bytes.Equal(again[1], a.Issuing()) {
		t.Error("the second call gave another chain")
	}
	if n := len(store.issuances); n != 1 {
		t.Errorf("%d issuances are recorded", n)
	}
}

func TestIssueForManyAtOnce(t *testing.T) {
	a, store, now := testCA(t, Config{})
	other, err := Open(context.Background(), Config{Store: store, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	request := requestFor(t, 1, "www.example.com")
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		seen  = map[string]int{}
	)
	for i := range 50 {
		group.Go(func() {
			node := a
			if i%2 == 1 {
				node = other
			}
			chain, err := node.Issue(context.Background(), request)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			seen[string(chain[0])]++
		})
	}
	group.Wait()
	if len(seen) != 1 || len(store.completed()) != 1 {
		t.Errorf("%d certificates were given out, %d recorded", len(seen), len(store.completed()))
	}
}

func TestOrdersAndAccountsAreApart(t *testing.T) {
	a, store, _ := testCA(t, Config{})
	request := requestFor(t, 1, "www.example.com")
	issue(t, a, request)
	request.AccountID++
	issue(t, a, request)
	request.OrderID++
	issue(t, a, request)
	if n := len(store.completed()); n != 3 {
		t.Errorf("%d certificates for three orders", n)
	}
}

// Each row: where a call dies, and how many issuances stay behind. Nothing that
// stays behind holds a certificate unless it is the one given out in the end.
func TestIssueAfterACrash(t *testing.T) {
	for method, records := range map[string]int{"AddIssuance": 1, "CompleteIssuance": 2} {
		t.Run(method, func(t *testing.T) {
			a, store, _ := testCA(t, Config{})
			died := errors.New("died")
			store.fail = func(at string) error {
				if at == method {
					return died
				}
				return nil
			}
			request := requestFor(t, 1, "www.example.com")
			if _, err := a.Issue(context.Background(), request); !errors.Is(err, died) {
				t.Fatalf("got %v", err)
			}
			if len(store.completed()) != 0 {
				t.Error("a call that died left a certificate")
			}
			store.fail = nil
			leaf := issue(t, a, request)
			if len(store.issuances) != records || len(store.completed()) != 1 {
				t.Errorf("%d issuances, %d completed", len(store.issuances), len(store.completed()))
			}
			if got := store.completed()[0].Serial; got != chancery.SerialHex(leaf.SerialNumber) {
				t.Errorf("serial %s is recorded, %x given out", got, leaf.SerialNumber)
			}
		})
	}
}

// The certificate was recorded but the answer was lost, as when the connection
// to the database breaks during the commit.
func TestIssueAfterALostAnswer(t *testing.T) {
	a, store, _ := testCA(t, Config{})
	lost := errors.New("lost")
	broken := *a
	broken.config.Store = lossy{store, lost}
	request := requestFor(t, 1, "www.example.com")
	if _, err := broken.Issue(context.Background(), request); !errors.Is(err, lost) {
		t.Fatalf("got %v", err)
	}
	leaf := issue(t, a, request)
	if len(store.issuances) != 1 || !bytes.Equal(store.completed()[0].Certificate, leaf.Raw) {
		t.Error("a second certificate was made")
	}
}

// lossy loses the answer to the transaction that completes an issuance.
type lossy struct {
	*memory
	err error
}

func (l lossy) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	before := len(l.completed())
	if err := l.memory.Write(ctx, fn); err != nil || len(l.completed()) == before {
		return err
	}
	return l.err
}

func TestTakenSerialIsDrawnAnew(t *testing.T) {
	a, store, _ := testCA(t, Config{})
	left := 2
	store.fail = func(at string) error {
		if at == "AddIssuance" && left > 0 {
			left--
			return chancery.ErrConflict
		}
		return nil
	}
	issue(t, a, requestFor(t, 1, "www.example.com"))

	left = 1000
	_, err := a.Issue(context.Background(), requestFor(t, 2, "www.example.com"))
	if err == nil || errors.Is(err, chancery.ErrConflict) || left < 990 {
		t.Errorf("serials that are always taken: %v after %d draws", err, 1000-left)
	}
}

func TestIssueRefuses(t *testing.T) {
	a, store, _ := testCA(t, Config{})
	forged := bytes.Clone(csrFor(t, applicantKey(t, "P-256")))
	forged[len(forged)-1] ^= 1
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		change func(*chancery.IssueRequest)
		reason string
	}{
		"no CSR":            {func(r *chancery.IssueRequest) { r.CSR = nil }, "PKCS #10"},
		"garbage":           {func(r *chancery.IssueRequest) { r.CSR = []byte("garbage") }, "PKCS #10"},
		"forged signature":  {func(r *chancery.IssueRequest) { r.CSR = forged }, "does not verify"},
		"P-224":             {func(r *chancery.IssueRequest) { r.CSR = csrFor(t, p224) }, "curve"},
		"Ed25519":           {func(r *chancery.IssueRequest) { r.CSR = csrFor(t, edwards) }, "neither RSA nor ECDSA"},
		"a guessed key":     {func(r *chancery.IssueRequest) { r.CSR = csrFor(t, smallKey(t)) }, "e_ecdsa_small_private_key"},
		"RSA-1024":          {func(r *chancery.IssueRequest) { r.CSR = csrFor(t, weak) }, "1024 bits"},
		"upper case":        {func(r *chancery.IssueRequest) { r.Names = chancery.Names{"WWW.example.com"} }, "not what a certificate can name"},
		"underscore":        {func(r *chancery.IssueRequest) { r.Names = chancery.Names{"a_b.example.com"} }, "not what a certificate can name"},
		"closing dot":       {func(r *chancery.IssueRequest) { r.Names = chancery.Names{"www.example.com."} }, "not what a certificate can name"},
		"Unicode":           {func(r *chancery.IssueRequest) { r.Names = chancery.Names{"bücher.example.com"} }, "not what a certificate can name"},
		"no name":           {func(r *chancery.IssueRequest) { r.Names = chancery.Names{""} }, "not what a certificate can name"},
		"address":           {func(r *chancery.IssueRequest) { r.Names = chancery.Names{"192.0.2.1"} }, "not what a certificate can name"},
		"public suffix":     {func(r *chancery.IssueRequest) { r.Names = chancery.Names{"*.co.uk"} }, "not what a certificate can name"},
		"reverse zone":      {func(r *chancery.IssueRequest) { r.Names = chancery.Names{"1.2.0.192.in-addr.arpa"} }, "e_arpa_domain_not_allowed"},
		"no life":           {func(r *chancery.IssueRequest) { r.Lifetime = 0 }, "too short"},
		"negative life":     {func(r *chancery.IssueRequest) { r.Lifetime = -day }, "too short"},
		"over before it is": {func(r *chancery.IssueRequest) { r.Lifetime = backdating }, "too short"},
	} {
		request := requestFor(t, 1, "www.example.com")
		test.change(&request)
		_, err := a.Issue(context.Background(), request)
		var no *chancery.RefusedError
		if !errors.As(err, &no) || !strings.Contains(no.Reason, test.reason) {
			t.Errorf("%s: %v; want a refusal that says %q", what, err, test.reason)
		}
	}
	if n := len(store.issuances); n > 0 {
		t.Errorf("%d refused requests left a record", n)
	}
}

// smallKey is one that anybody can find by trying.
func smallKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	scalar := make([]byte, 32)
	scalar[31] = 5
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What the service itself made a moment ago is not tried for the faults of foreign keys:
// only there would this key, which it never makes, be certified.
func TestOwnKeysAreNotTried(t *testing.T) {
	a, _, _ := testCA(t, Config{})
	request := requestFor(t, 1, "www.example.com")
	request.CSR, request.Made = csrFor(t, smallKey(t)), true
	issue(t, a, request)
}

func TestIssueErrorsThatAreNotFinal(t *testing.T) {
	a, store, now := testCA(t, Config{})
	check := func(what string, err error) {
		t.Helper()
		var no *chancery.RefusedError
		if err == nil || errors.As(err, &no) {
			t.Errorf("%s: %v; want an error that is tried again", what, err)
		}
	}
	request := requestFor(t, 1, "www.example.com")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := a.Issue(ctx, request)
	check("cancelled", err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, ids := range [][2]int64{{0, 1}, {1, 0}, {-1, 1}} {
		without := request
		without.AccountID, without.OrderID = chancery.AccountID(ids[0]), chancery.OrderID(ids[1])
		_, err := a.Issue(context.Background(), without)
		check("without an id", err)
	}
	now.set(parse(t, a.Issuing()).NotAfter)
	_, err = a.Issue(context.Background(), request)
	check("after the issuing CA's end", err)
	if len(store.issuances) > 0 {
		t.Error("something was recorded")
	}
}

func TestLeafEndsWithItsIssuer(t *testing.T) {
	a, _, now := testCA(t, Config{})
	end := parse(t, a.Issuing()).NotAfter
	now.set(end.Add(-10 * day))
	if leaf := issue(t, a, requestFor(t, 1, "www.example.com")); !leaf.NotAfter.Equal(end) {
		t.Errorf("the leaf ends at %s, its issuer at %s", leaf.NotAfter, end)
	}
}
