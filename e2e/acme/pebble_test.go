package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/internal/pebble"
	"chancery/issuer"
)

func TestCertificatesOfEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.serve(t)
	for _, test := range []struct{ name, method string }{
		{"www.example.test", "DNS"},
		{"file.example.test", "FILE"},
		{"*.wild.example.test", "DNS"},
	} {
		state := i.issued(t, i.apply(t, test.name, test.method), test.name)
		if state.PrivateKey == "" || state.Order.Issuer != "pebble" {
			t.Errorf("%s: private key of %d bytes, issuer %q", test.name, len(state.PrivateKey), state.Order.Issuer)
		}
	}
	t.Run("several names", func(t *testing.T) {
		order := i.apply(t, "a.many.example.test,b.many.example.test", "DNS")
		state := i.state(t, order)
		if len(state.Proofs) != 2 || state.Proofs[0].RecordValue == state.Proofs[1].RecordValue || state.RecordDomain != "_acme-challenge.a.many.example.test" {
			t.Errorf("the proofs are %+v", state.Proofs)
		}
		i.issued(t, order, "a.many.example.test", "b.many.example.test")
	})
	t.Run("own CSR", func(t *testing.T) {
		key, text := requestFor(t, "own.example.test")
		state := i.issued(t, i.apply(t, "own.example.test", "DNS", func(in *cas.CreateCertificateForPackageRequestInput) { in.Csr = text }), "own.example.test")
		leaf, err := verify(t.Context(), w.ca, state.Certificate)
		must(t, err)
		if state.PrivateKey != "" || !key.PublicKey.Equal(leaf.PublicKey) {
			t.Error("the certificate is not for the CSR's key alone")
		}
	})
}

func requestFor(t *testing.T, name string) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}, key)
	must(t, err)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// Every second nonce is refused, and Pebble rests before it looks.
func TestARestlessCA(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *pebble.Config) {
		c.Environment = []string{"PEBBLE_WFE_NONCEREJECT=50", "PEBBLE_VA_SLEEPTIME=3", "PEBBLE_AUTHZREUSE=0"}
		c.RetryAfter = 0
	})
	i := w.serve(t)
	first, second := i.apply(t, "one.example.test", "DNS"), i.apply(t, "two.example.test", "FILE")
	i.issued(t, first, "one.example.test")
	i.issued(t, second, "two.example.test")
}

// A CA that remembers who proved what would give one account's proof to another:
// every order is proved anew, by Chancery's own proof where the CA asks for none.
func TestReusedAuthorizationsProveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, environment("PEBBLE_AUTHZREUSE=100"))
	i := w.serve(t)
	const name = "shared.example.test"
	i.issued(t, i.apply(t, name, "DNS"), name)
	w.dns.Set("_acme-challenge."+name, "TXT")

	stranger := i.stranger(t)
	order := stranger.apply(t, name, "DNS")
	time.Sleep(3 * time.Second) // the CA's authorization is valid; ours must not follow from it
	state := stranger.state(t, order)
	if state.Type != "domain_verify" || state.RecordDomain != chancery.ProofLabel+"."+name {
		t.Fatalf("a stranger's order is %s and shows %q", state.Type, state.RecordDomain)
	}
	stranger.issued(t, order, name)
}

func TestAlternateChainsAndProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, environment("PEBBLE_ALTERNATE_ROOTS=2", "PEBBLE_CHAIN_LENGTH=2"))
	root, err := w.ca.Root(t.Context(), 2)
	must(t, err)
	i := w.serve(t, func(in *admin.Issuer) { in.PreferredChain, in.Profile = root.Subject.CommonName, "shortlived" })
	state := i.finish(t, i.apply(t, "alt.example.test", "DNS"))
	leaf, err := verifyUnder(root, state.Certificate)
	must(t, err)
	if days := leaf.NotAfter.Sub(leaf.NotBefore).Hours() / 24; days > 7 {
		t.Errorf("the certificate of the short profile lives %.0f days", days)
	}
}

func TestExternalAccounts(t *testing.T) {
	t.Parallel()
	const kid, hmac = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	w := newWorld(t, func(c *pebble.Config) { c.EAB = map[string]string{kid: hmac} })
	i := w.serve(t)
	state := i.finish(t, i.apply(t, "none.example.test", "DNS"))
	if state.Type != "verify_fail" || !strings.Contains(state.Reason, "registered customers only") {
		t.Errorf("without an external account: %s, %s", state.Type, state.Reason)
	}
	if _, err := call[issuer.Inspection](i, "issuer.test", admin.IssuerName{Name: "pebble"}); err == nil || !strings.Contains(err.Error(), "--eab-kid") {
		t.Errorf("testing the issuer: %v", err)
	}
	_, err := call[admin.Nothing](i, "issuer.remove", admin.IssuerName{Name: "pebble"})
	must(t, err)
	i.addIssuer(t, "pebble", func(in *admin.Issuer) { in.EABKeyID, in.EABKey = kid, hmac })
	i.issued(t, i.apply(t, "bound.example.test", "DNS"), "bound.example.test")
}

func TestRevocationAndRenewalInformation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.serve(t)
	order := i.apply(t, "gone.example.test", "DNS")
	i.issued(t, order, "gone.example.test")
	state := i.until(t, order, func(s *cas.DescribeCertificateStateOutput) bool { return s.Renewal != nil })
	if state.Renewal.Start >= state.Renewal.End || state.Renewal.Time == 0 {
		t.Errorf("the renewal is %+v", *state.Renewal)
	}
	leaf, err := verify(t.Context(), w.ca, state.Certificate)
	must(t, err)
	must(t, i.client.CancelCertificateForPackageRequest(t.Context(), cas.CancelCertificateForPackageRequestInput{OrderId: order, Reason: "superseded"}))
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		revoked, reason, err := w.ca.Revoked(t.Context(), leaf.SerialNumber.Text(16))
		must(t, err)
		if revoked {
			if reason != "4" {
				t.Errorf("the CA was told of reason %q, not of superseded", reason)
			}
			break
		}
		if time.Since(began) > patience {
			t.Fatal("the CA was not told of the revocation")
		}
	}
	i.revokesWithoutItsIssuer(t)
}

// revokesWithoutItsIssuer: what a removed issuer issued is revoked here, and nobody
// goes on asking.
func (i *instance) revokesWithoutItsIssuer(t *testing.T) {
	t.Helper()
	order := i.apply(t, "orphan.example.test", "DNS")
	i.issued(t, order, "orphan.example.test")
	_, err := call[admin.Nothing](i, "issuer.remove", admin.IssuerName{Name: "pebble"})
	must(t, err)
	must(t, i.client.CancelCertificateForPackageRequest(t.Context(), cas.CancelCertificateForPackageRequestInput{OrderId: order}))
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		left := 0
		must(t, i.Admin.Store.Read(t.Context(), func(tx chancery.Tx) error {
			steps, err := tx.OrderSteps(i.First.AccountID, chancery.OrderID(order))
			left = len(steps)
			return err
		}))
		if left == 0 {
			return
		}
		if time.Since(began) > patience {
			t.Fatal("background work on the order goes on")
		}
	}
}

func TestRejectedNamesAndFallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *pebble.Config) { c.Blocklist = []string{"blocked.test"} })
	i := w.serve(t)
	state := i.finish(t, i.apply(t, "www.blocked.test", "DNS"))
	if state.Type != "verify_fail" || !strings.Contains(state.Reason, "issues no certificates for this name (rejectedIdentifier") {
		t.Errorf("a blocked name: %s, %s", state.Type, state.Reason)
	}
	other, err := pebble.Start(t.Context(), pebble.Config{DNS: w.dns.Addr(), HTTPPort: w.web.port, Environment: fast, RetryAfter: 1})
	must(t, err)
	t.Cleanup(other.Stop)
	_, err = call[admin.Nothing](i, "issuer.remove", admin.IssuerName{Name: "pebble"})
	must(t, err)
	i.addIssuer(t, "second", func(in *admin.Issuer) { in.Directory, in.CABundle = other.Directory, other.Bundle })
	i.addIssuer(t, "pebble", func(in *admin.Issuer) { in.Fallbacks = []string{"second"} })
	state = i.finish(t, i.apply(t, "www.blocked.test", "DNS"))
	if _, err := verify(t.Context(), other, state.Certificate); err != nil || state.Order.Issuer != "second" {
		t.Errorf("the fallback: %s, %s, issuer %s, %v", state.Type, state.Reason, state.Order.Issuer, err)
	}
	found := false
	for _, look := range state.Looks {
		found = found || look.Finding == string(chancery.NextIssuer) && look.Where == "issuer pebble" && strings.Contains(look.Detail, "second takes the order")
	}
	if !found {
		t.Errorf("the change is not among the looks: %+v", state.Looks)
	}
}

// The operator's own limit is kept, and said.
func TestTheOperatorsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.serve(t, func(in *admin.Issuer) { in.OrdersLimit, in.OrdersWindow = 1, "12s" })
	first, second := i.apply(t, "first.example.test", "DNS"), i.apply(t, "second.example.test", "DNS")
	i.issued(t, first, "first.example.test")
	if state := i.state(t, second); state.Type != "domain_verify" || state.RecordDomain != "" || !strings.Contains(state.Order.Delay, "the limit of 1 orders in 12s") {
		t.Errorf("beyond the limit: %s, %q, %q", state.Type, state.RecordDomain, state.Order.Delay)
	}
	i.issued(t, second, "second.example.test")
}

// Two nodes that start at once make one account.
func TestTwoNodesMakeOneAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.serve(t)
	var both sync.WaitGroup
	var seen [4]issuer.Inspection
	for n := range seen {
		both.Go(func() {
			node := &issuer.ACME{Store: i.Admin.Store, Clock: chancery.SystemClock{}, Log: i.Admin.ACME.Log}
			var err error
			if seen[n], err = node.Inspect(context.Background(), "pebble"); err != nil {
				t.Errorf("node %d: %v", n, err)
			}
		})
	}
	both.Wait()
	for _, s := range seen {
		if s.Account == "" || s.Account != seen[0].Account || s.Status != "valid" {
			t.Errorf("the accounts are %+v", seen)
		}
	}
}

// Pebble and challtestsrv as they come: nothing here is ours but the service.
func TestWithChalltestsrv(t *testing.T) {
	t.Parallel()
	challenges, err := pebble.StartChallenges(t.Context())
	must(t, err)
	t.Cleanup(challenges.Stop)
	ca, err := pebble.Start(t.Context(), pebble.Config{DNS: challenges.DNS, HTTPPort: challenges.HTTPPort})
	must(t, err)
	t.Cleanup(ca.Stop)
	i := (&world{ca: ca, challenges: challenges}).serve(t)
	first, second := i.apply(t, "dns.example.com", "DNS"), i.apply(t, "file.example.com", "FILE")
	third := i.apply(t, "*.wild.example.com", "DNS")
	i.issued(t, first, "dns.example.com")
	i.issued(t, second, "file.example.com")
	i.issued(t, third, "*.wild.example.com")
}
