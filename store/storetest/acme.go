package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chancery"
)

// estateCA is the ACME CA of every estate.
const estateCA = "estate"

var acme = []promise{
	{"an issuer comes back as it was added, and its name is taken once", anIssuerComesBack},
	{"an issuer has one account key, and goes with it", anIssuerHasOneAccountKey},
	{"of many account keys that are added at once one is kept", oneAccountKeyIsKept},
	{"what a CA was asked comes back as it was written", anACMEOrderComesBack},
	{"an update of an ACME order that changed since is refused", anACMEOrderIsFenced},
	{"the CA's order belongs to one open order", theCAsOrderBelongsToOne},
	{"the first to claim an authorization has it", theFirstToClaimHasIt},
	{"opened orders are counted and forgotten", openingsAreCounted},
	{"a proof that a CA gives replaces the last, and is not proved", aProofReplacesTheLast},
	{"the newest renewal is kept", theNewestRenewalIsKept},
	{"an issuer counts its open orders", anIssuerCountsItsOrders},
	{"a deferred step did not fail", aDeferredStepDidNotFail},
}

func issuerOf(name string) chancery.ACMEIssuer {
	return chancery.ACMEIssuer{
		Name: name, Directory: "https://ca.example.test/dir", Contacts: []string{"mailto:a@example.test", "mailto:b@example.test"},
		EABKeyID: "kid", EABKey: chancery.NewSecret([]byte("external " + name)), Profile: "short", PreferredChain: "Root X", CABundle: "PEM",
		OrdersLimit: 300, OrdersWindow: 3 * time.Hour, Concurrency: 4, Fallbacks: []string{"other"}, AllowHTTP: true, CreatedAt: start,
	}
}

// furnishACME gives the order that waits and the one that is issued to a CA.
func (e *Estate) furnishACME(t rapid.TB, s chancery.Store) {
	t.Helper()
	waiting, issued := e.Orders[chancery.DomainVerify], e.Orders[chancery.Issued]
	write(t, s, func(tx chancery.Tx) error {
		err := tx.AddACMEIssuer(issuerOf(estateCA))
		if err == nil {
			err = tx.AddACMEAccount(chancery.ACMEAccount{Issuer: estateCA, Key: chancery.NewSecret([]byte("key of the estate")), CreatedAt: start})
		}
		if err != nil && !errors.Is(err, chancery.ErrConflict) {
			return err
		}
		for _, order := range []chancery.Order{waiting, issued} {
			if err := tx.AddACMEOrder(order.AccountID, order.ID, estateCA); err != nil {
				return err
			}
			if err := tx.UpdateACMEOrder(atCA(order)); err != nil {
				return err
			}
			if _, _, err := tx.ClaimACMEAuthorization(fmt.Sprint("https://ca.example.test/authz/", order.ID), order.AccountID, order.ID); err != nil {
				return err
			}
		}
		return tx.PutRenewal(renewalOf(issued))
	})
}

// atCA is what a CA knows of an order.
func atCA(o chancery.Order) chancery.ACMEOrder {
	at1 := chancery.ACMEOrder{
		OrderID: o.ID, AccountID: o.AccountID, Issuer: estateCA, Openings: 1, Version: 1, ExpiresAt: at(600),
		URL: fmt.Sprint("https://ca.example.test/order/", o.ID), Finalize: fmt.Sprint("https://ca.example.test/finalize/", o.ID),
	}
	if o.State == chancery.Issued {
		at1.FinalizedAt, at1.Certificate = at(2), fmt.Sprint("https://ca.example.test/certificate/", o.ID)
	}
	return at1
}

func renewalOf(o chancery.Order) chancery.Renewal {
	return chancery.Renewal{OrderID: o.ID, AccountID: o.AccountID, Start: at(100), End: at(200), Explanation: "https://ca.example.test/why", FetchedAt: at(3)}
}

func acmeOrder(o chancery.Order) func(chancery.Tx) (chancery.ACMEOrder, error) {
	return func(tx chancery.Tx) (chancery.ACMEOrder, error) { return tx.ACMEOrder(o.AccountID, o.ID) }
}

func issuer(name string) func(chancery.Tx) (chancery.ACMEIssuer, error) {
	return func(tx chancery.Tx) (chancery.ACMEIssuer, error) { return tx.ACMEIssuer(name) }
}

func account(name string) func(chancery.Tx) (chancery.ACMEAccount, error) {
	return func(tx chancery.Tx) (chancery.ACMEAccount, error) { return tx.ACMEAccount(name) }
}

func anIssuerComesBack(t *testing.T, s chancery.Store) {
	bare := chancery.ACMEIssuer{Name: "a", Directory: "https://ca.example.test/dir", CreatedAt: start}
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.AddACMEIssuer(issuerOf("b")), tx.AddACMEIssuer(bare))
	})
	list := answer(t, s, func(tx chancery.Tx) ([]chancery.ACMEIssuer, error) { return tx.ACMEIssuers() })
	if len(list) != 2 || string(list[1].EABKey.Reveal()) != "external b" {
		t.Fatalf("the issuers are %+v", list)
	}
	list[1].EABKey = issuerOf("b").EABKey
	same(t, "the issuers", list, []chancery.ACMEIssuer{bare, issuerOf("b")})
	refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddACMEIssuer(issuerOf("a")) })
	missing(t, s, issuer("c"))
}

func anIssuerHasOneAccountKey(t *testing.T, s chancery.Store) {
	write(t, s, func(tx chancery.Tx) error { return tx.AddACMEIssuer(issuerOf("a")) })
	missing(t, s, account("a"))
	made := chancery.ACMEAccount{Issuer: "a", Key: chancery.NewSecret([]byte("key")), CreatedAt: start}
	write(t, s, func(tx chancery.Tx) error { return tx.AddACMEAccount(made) })
	refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddACMEAccount(made) })
	write(t, s, func(tx chancery.Tx) error { return tx.SetACMEAccountURL("a", "https://ca.example.test/me") })
	kept := answer(t, s, account("a"))
	if string(kept.Key.Reveal()) != "key" || kept.URL != "https://ca.example.test/me" || !kept.CreatedAt.Equal(start) {
		t.Errorf("the account is %+v", kept)
	}
	refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.SetACMEAccountURL("b", "x") })
	write(t, s, func(tx chancery.Tx) error { return tx.DeleteACMEIssuer("a") })
	missing(t, s, issuer("a"))
	missing(t, s, account("a"))
	refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.DeleteACMEIssuer("a") })
}

func oneAccountKeyIsKept(t *testing.T, s chancery.Store) {
	write(t, s, func(tx chancery.Tx) error { return tx.AddACMEIssuer(issuerOf("a")) })
	errs := atOnce(16, func(i int) error {
		return s.Write(t.Context(), func(tx chancery.Tx) error {
			return tx.AddACMEAccount(chancery.ACMEAccount{Issuer: "a", Key: chancery.NewSecret(fmt.Append(nil, i)), CreatedAt: start})
		})
	})
	if n := succeeded(t, errs, chancery.ErrConflict); n != 1 {
		t.Fatalf("%d keys were kept", n)
	}
	kept := string(answer(t, s, account("a")).Key.Reveal())
	if errs[indexOf(kept)] != nil {
		t.Errorf("the key is of %s, who was refused", kept)
	}
}

func anACMEOrderComesBack(t *testing.T, s chancery.Store) {
	order := openOrder(t, s)
	missing(t, s, acmeOrder(order))
	write(t, s, func(tx chancery.Tx) error { return tx.AddACMEOrder(order.AccountID, order.ID, estateCA) })
	same(t, "a new one", answer(t, s, acmeOrder(order)), chancery.ACMEOrder{OrderID: order.ID, AccountID: order.AccountID, Issuer: estateCA, Version: 1})
	full := atCA(order)
	full.Tried, full.BeganAgain, full.Certificate, full.Problem = []string{"a", "b"}, true, "https://ca.example.test/c", "why"
	full.FinalizedAt, full.FailingSince, full.NotBefore = at(2), at(3), at(4)
	full.Authorizations = []chancery.ACMEAuthorization{{URL: "https://ca.example.test/z", Name: "a.example.test", Challenge: "https://ca.example.test/ch", Own: true, OwnSeen: true, Told: true}}
	write(t, s, func(tx chancery.Tx) error { return tx.UpdateACMEOrder(full) })
	full.Version++
	same(t, "a full one", answer(t, s, acmeOrder(order)), full)
}

func anACMEOrderIsFenced(t *testing.T, s chancery.Store) {
	order := openOrder(t, s)
	write(t, s, func(tx chancery.Tx) error { return tx.AddACMEOrder(order.AccountID, order.ID, estateCA) })
	errs := atOnce(16, func(i int) error {
		return s.Write(t.Context(), func(tx chancery.Tx) error {
			mine := atCA(order)
			mine.Problem = fmt.Sprint(i)
			return tx.UpdateACMEOrder(mine)
		})
	})
	if n := succeeded(t, errs, chancery.ErrConflict); n != 1 {
		t.Fatalf("%d updates of one version were made", n)
	}
}

func theCAsOrderBelongsToOne(t *testing.T, s chancery.Store) {
	first, second := openOrder(t, s), openOrder(t, s)
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.AddACMEOrder(first.AccountID, first.ID, estateCA), tx.AddACMEOrder(second.AccountID, second.ID, estateCA), tx.UpdateACMEOrder(atCA(first)))
	})
	taken := atCA(second)
	taken.URL = atCA(first).URL
	refused(t, s, chancery.ErrTaken, func(tx chancery.Tx) error { return tx.UpdateACMEOrder(taken) })
	write(t, s, func(tx chancery.Tx) error {
		_, err := happen(tx, first, chancery.Withdrawn, at(1))
		return err
	})
	write(t, s, func(tx chancery.Tx) error { return tx.UpdateACMEOrder(taken) })
	if url := answer(t, s, acmeOrder(first)).URL; url != "" {
		t.Errorf("the order that has ended still has %s", url)
	}
}

func theFirstToClaimHasIt(t *testing.T, s chancery.Store) {
	first, second := openOrder(t, s), openOrder(t, s)
	for _, order := range []chancery.Order{first, second, first} {
		write(t, s, func(tx chancery.Tx) error {
			owner, account, err := tx.ClaimACMEAuthorization("https://ca.example.test/z", order.AccountID, order.ID)
			if owner != first.ID || account != first.AccountID {
				t.Errorf("it belongs to order %d of account %d, not to %d of %d", owner, account, first.ID, first.AccountID)
			}
			return err
		})
	}
}

func openingsAreCounted(t *testing.T, s chancery.Store) {
	for i := range 5 {
		write(t, s, func(tx chancery.Tx) error { return tx.AddACMEOpening("a", at(i)) })
	}
	count := func(since time.Time) (n int64, oldest time.Time) {
		write(t, s, func(tx chancery.Tx) (err error) {
			n, oldest, err = tx.ACMEOpenings("a", since)
			return err
		})
		return n, oldest
	}
	if n, oldest := count(at(1)); n != 3 || !oldest.Equal(at(2)) {
		t.Errorf("after the first two: %d since %v", n, oldest)
	}
	write(t, s, func(tx chancery.Tx) error { return tx.ForgetACMEOpenings("a", at(3)) })
	if n, oldest := count(at(-1)); n != 1 || !oldest.Equal(at(4)) {
		t.Errorf("after four were forgotten: %d since %v", n, oldest)
	}
	if n, oldest := count(at(4)); n != 0 || !oldest.IsZero() {
		t.Errorf("at the end: %d since %v", n, oldest)
	}
}

func aProofReplacesTheLast(t *testing.T, s chancery.Store) {
	order := openOrder(t, s)
	want := validationsOf(order)
	want[0].Token, want[0].Place, want[0].ExpiresAt = "new", "_acme-challenge."+string(want[0].Name), at(9)
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.MarkProved(order.AccountID, order.ID, want[0].Name, at(1)), tx.SetProof(want[0]))
	})
	same(t, "the proofs", answer(t, s, func(tx chancery.Tx) ([]chancery.Validation, error) { return tx.Validations(order.AccountID, order.ID) }), want)
	want[0].Name = "nobody.example.test"
	refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.SetProof(want[0]) })
}

func theNewestRenewalIsKept(t *testing.T, s chancery.Store) {
	order := openOrder(t, s)
	newest := renewalOf(order)
	newest.Start, newest.Explanation, newest.FetchedAt = at(150), "", at(5)
	for _, r := range []chancery.Renewal{renewalOf(order), newest} {
		write(t, s, func(tx chancery.Tx) error { return tx.PutRenewal(r) })
	}
	same(t, "the renewal", answer(t, s, func(tx chancery.Tx) (chancery.Renewal, error) { return tx.Renewal(order.AccountID, order.ID) }), newest)
}

func anIssuerCountsItsOrders(t *testing.T, s chancery.Store) {
	for _, way := range ways {
		order := openOrder(t, s, way...)
		write(t, s, func(tx chancery.Tx) error { return tx.AddACMEOrder(order.AccountID, order.ID, estateCA) })
	}
	if n := answer(t, s, func(tx chancery.Tx) (int64, error) { return tx.OpenACMEOrders(estateCA) }); n != 2 {
		t.Errorf("%d orders are open; one waits for its proof and one is in process", n)
	}
}

func aDeferredStepDidNotFail(t *testing.T, s chancery.Store) {
	order := openOrder(t, s)
	for range 2 {
		write(t, s, func(tx chancery.Tx) error {
			steps, err := tx.ClaimSteps(at(600), time.Minute, 10)
			if err != nil || len(steps) != 1 || steps[0].Attempts != 1 {
				t.Errorf("claimed %+v, %v", steps, err)
				return err
			}
			if err := tx.DeferStep(steps[0], at(60), "the CA is at work"); err != nil {
				return err
			}
			return refusedWith(chancery.ErrLeaseLost, tx.DeferStep(steps[0], at(60), ""))
		})
	}
	steps := answer(t, s, func(tx chancery.Tx) ([]chancery.Step, error) { return tx.OrderSteps(order.AccountID, order.ID) })
	if len(steps) != 1 || steps[0].LastError != "the CA is at work" || !steps[0].DueAt.Equal(at(60)) {
		t.Errorf("the steps are %+v", steps)
	}
}

func refusedWith(want, err error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("got %w, want %w", err, want)
}
