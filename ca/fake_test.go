package ca

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"chancery"
)

// memory is the part of a store that the CA uses: serial transactions, of which
// a failed one leaves nothing behind.
type memory struct {
	mu          sync.Mutex
	authorities []chancery.Authority
	issuances   map[string]chancery.Issuance
	crls        map[string]chancery.CRL   // by listPath
	fail        func(method string) error // before a method takes effect; may be nil
}

func newMemory() *memory {
	return &memory{issuances: map[string]chancery.Issuance{}, crls: map[string]chancery.CRL{}}
}

func (m *memory) Read(ctx context.Context, fn func(chancery.Tx) error) error { return m.Write(ctx, fn) }

func (m *memory) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{memory: &memory{
		authorities: slices.Clone(m.authorities), issuances: maps.Clone(m.issuances), crls: maps.Clone(m.crls), fail: m.fail,
	}}
	if err := fn(tx); err != nil {
		return err
	}
	m.authorities, m.issuances, m.crls = tx.memory.authorities, tx.memory.issuances, tx.memory.crls
	return nil
}

type memoryTx struct {
	chancery.Tx
	memory *memory
}

func (t *memoryTx) failing(method string) error {
	if t.memory.fail == nil {
		return nil
	}
	return t.memory.fail(method)
}

func (t *memoryTx) AddAuthority(a chancery.Authority) error {
	t.memory.authorities = append(t.memory.authorities, a)
	return t.failing("AddAuthority")
}

func (t *memoryTx) Authorities() ([]chancery.Authority, error) {
	return t.memory.authorities, t.failing("Authorities")
}

func (t *memoryTx) AddIssuance(i chancery.Issuance) error {
	if _, taken := t.memory.issuances[i.Serial]; taken {
		return chancery.ErrConflict
	}
	t.memory.issuances[i.Serial] = i
	crl := t.memory.crls[listPath(i.AuthorityID, i.CRL)]
	crl.AuthorityID, crl.Partition = i.AuthorityID, i.CRL
	crl.Issued++
	t.memory.crls[listPath(i.AuthorityID, i.CRL)] = crl
	return t.failing("AddIssuance")
}

func (t *memoryTx) Issuance(serial string) (chancery.Issuance, error) {
	if err := t.failing("Issuance"); err != nil {
		return chancery.Issuance{}, err
	}
	issuance, ok := t.memory.issuances[serial]
	if !ok {
		return issuance, chancery.ErrNotFound
	}
	return issuance, nil
}

func (t *memoryTx) RevokeIssuance(serial string, at time.Time, reason chancery.Reason) error {
	issuance := t.memory.issuances[serial]
	if len(issuance.Certificate) == 0 {
		return chancery.ErrNotFound
	}
	if issuance.RevokedAt.IsZero() {
		issuance.RevokedAt, issuance.Reason = at, reason
		t.memory.issuances[serial] = issuance
		crl := t.memory.crls[listPath(issuance.AuthorityID, issuance.CRL)]
		crl.Revoked++
		t.memory.crls[listPath(issuance.AuthorityID, issuance.CRL)] = crl
	}
	return t.failing("RevokeIssuance")
}

func (t *memoryTx) RevokedIssuances(authority string, crl int64, notAfter time.Time) ([]chancery.Issuance, error) {
	var revoked []chancery.Issuance
	for _, i := range t.memory.issuances {
		if i.AuthorityID == authority && i.CRL == crl && !i.RevokedAt.IsZero() && !i.NotAfter.Before(notAfter) {
			revoked = append(revoked, i)
		}
	}
	slices.SortFunc(revoked, func(one, other chancery.Issuance) int { return one.RevokedAt.Compare(other.RevokedAt) })
	return revoked, t.failing("RevokedIssuances")
}

func (t *memoryTx) CRL(authority string, partition int64) (chancery.CRL, error) {
	crl, ok := t.memory.crls[listPath(authority, partition)]
	if !ok {
		return crl, chancery.ErrNotFound
	}
	return crl, t.failing("CRL")
}

func (t *memoryTx) NewestCRL(authority string) (chancery.CRL, error) {
	newest, err := chancery.CRL{}, chancery.ErrNotFound
	for _, crl := range t.memory.crls {
		if crl.AuthorityID == authority && crl.Partition >= newest.Partition {
			newest, err = crl, nil
		}
	}
	return newest, err
}

func (t *memoryTx) PutCRL(crl chancery.CRL) error {
	stored := t.memory.crls[listPath(crl.AuthorityID, crl.Partition)]
	if stored.Number != crl.Number-1 {
		return chancery.ErrConflict
	}
	crl.Issued, crl.Revoked = stored.Issued, stored.Revoked
	t.memory.crls[listPath(crl.AuthorityID, crl.Partition)] = crl
	return t.failing("PutCRL")
}

func (t *memoryTx) CompleteIssuance(serial string, certificate []byte) error {
	issuance, ok := t.memory.issuances[serial]
	if !ok {
		return chancery.ErrNotFound
	}
	if issuance.OrderID > 0 {
		if _, err := t.SignedIssuance(issuance.AccountID, issuance.OrderID); err == nil {
			return chancery.ErrConflict
		}
	}
	issuance.Certificate = certificate
	t.memory.issuances[serial] = issuance
	return t.failing("CompleteIssuance")
}

func (t *memoryTx) SignedIssuance(account chancery.AccountID, order chancery.OrderID) (chancery.Issuance, error) {
	for _, i := range t.memory.issuances {
		if i.AccountID == account && i.OrderID == order && len(i.Certificate) > 0 {
			return i, nil
		}
	}
	return chancery.Issuance{}, chancery.ErrNotFound
}

// completed lists the finished issuances.
func (m *memory) completed() []chancery.Issuance {
	m.mu.Lock()
	defer m.mu.Unlock()
	var done []chancery.Issuance
	for _, i := range m.issuances {
		if len(i.Certificate) > 0 {
			done = append(done, i)
		}
	}
	return done
}

// clock is moved by its test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

var testDay = time.Date(2026, time.November, 23, 12, 30, 0, 123e6, time.UTC)

const testBase = "http://pki.example.com"

// testCA is a fresh authority on a fresh store.
func testCA(t testing.TB, config Config) (*Authority, *memory, *clock) {
	t.Helper()
	store, now := newMemory(), &clock{now: testDay}
	config.Store, config.Clock, config.Log = store, now, slog.New(slog.DiscardHandler)
	a, err := Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return a, store, now
}

// Keys of applicants are made once: RSA takes long.
var applicantKeys = map[string]func() (crypto.Signer, error){
	"P-256":    sync.OnceValues(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }),
	"P-384":    sync.OnceValues(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }),
	"P-521":    sync.OnceValues(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) }),
	"RSA-2048": sync.OnceValues(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
	"RSA-4096": sync.OnceValues(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 4096) }),
}

func applicantKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	key, err := applicantKeys[kind]()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func csrFor(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

// requestFor asks for 90 days with a P-256 key.
func requestFor(t testing.TB, order int, name string) chancery.IssueRequest {
	t.Helper()
	return chancery.IssueRequest{
		AccountID: 1_000_000_000_000_001, OrderID: chancery.OrderID(order), Names: chancery.Names{chancery.Name(name)},
		CSR: csrFor(t, applicantKey(t, "P-256")), Lifetime: 90 * day,
	}
}

// issue fails the test unless the answer passes the check that an order makes.
func issue(t testing.TB, a *Authority, request chancery.IssueRequest) *x509.Certificate {
	t.Helper()
	chain, err := a.Issue(context.Background(), request)
	if err != nil {
		t.Fatalf("issuing for %s: %v", request.Names, err)
	}
	leaf, err := chain.Check(request, a.config.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// extensionsOf writes a certificate's extensions as "oid" or "oid!" for critical.
func extensionsOf(certificate *x509.Certificate) []string {
	var all []string
	for _, e := range certificate.Extensions {
		mark := ""
		if e.Critical {
			mark = "!"
		}
		all = append(all, fmt.Sprint(e.Id, mark))
	}
	slices.Sort(all)
	return all
}
