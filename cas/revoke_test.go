package cas_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/internal/testenv"
)

func revokeOrder(p *testenv.Tenant, order int64, reason string) testenv.Answer {
	return p.Call("CancelCertificateForPackageRequest", cas.CancelCertificateForPackageRequestInput{OrderId: order, Reason: reason})
}

// listedReasons reads the embedded CA's CRL: serial to reason.
func listedReasons(t *testing.T, env *testenv.Env) map[string]chancery.Reason {
	t.Helper()
	env.Clock.Advance(time.Minute)
	der, err := env.CA.CRL(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]chancery.Reason{}
	for _, entry := range list.RevokedCertificateEntries {
		listed[chancery.SerialHex(entry.SerialNumber)] = chancery.Reason(entry.ReasonCode)
	}
	return listed
}

func certificateOf(env *testenv.Env, order int64) (certificate chancery.Certificate) {
	env.Read(func(tx chancery.Tx) (err error) {
		certificate, err = tx.CertificateOfOrder(env.Account, chancery.OrderID(order))
		return err
	})
	return certificate
}

func TestRevokeAnIssuedOrder(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 2)
	kept, order := env.Issue("kept.example.test"), env.Issue("www.example.test")
	if got := revokeOrder(env.Tenant, order, "keyCompromise"); got.Status != 200 {
		t.Fatal(got.Body)
	}
	env.Settle()
	revoked := certificateOf(env, order)
	if revoked.Status(env.Clock.Now()) != chancery.StatusRevoked || revoked.RevokeReason != chancery.KeyCompromise {
		t.Errorf("the certificate is %s, %s", revoked.Status(env.Clock.Now()), revoked.RevokeReason)
	}
	if state := env.State(order); state.Type != "unknow" || state.PrivateKey != "" {
		t.Errorf("the order shows as %s", state.Type)
	}
	listed := listedReasons(t, env)
	if reason, ok := listed[revoked.Serial]; !ok || reason != chancery.KeyCompromise || len(listed) != 1 {
		t.Errorf("the CRL lists %v", listed)
	}
	if state := env.State(kept); state.Type != "certificate" {
		t.Errorf("the other order shows as %s", state.Type)
	}
	if got := revokeOrder(env.Tenant, order, ""); got.Code() != "OrderStateError" || got.Status != 403 {
		t.Errorf("revoking twice: %s", got.Body)
	}
	if used := env.Quota(chancery.DefaultProduct).UsedCount; used != 1 {
		t.Errorf("%d units are used", used)
	}
}

func TestRefundWindow(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 2)
	early, late := env.Issue("early.example.test"), env.Issue("late.example.test")
	env.Clock.Set(env.Order(early).IssuedAt.Add(cas.DefaultRefundWindow - time.Millisecond))
	if got := revokeOrder(env.Tenant, early, ""); got.Status != 200 {
		t.Fatal(got.Body)
	}
	if used := env.Quota(chancery.DefaultProduct).UsedCount; used != 1 {
		t.Errorf("within 30 days: %d units are used", used)
	}
	env.Clock.Set(env.Order(late).IssuedAt.Add(cas.DefaultRefundWindow))
	if got := revokeOrder(env.Tenant, late, ""); got.Status != 200 {
		t.Fatal(got.Body)
	}
	if used := env.Quota(chancery.DefaultProduct).UsedCount; used != 1 {
		t.Errorf("after 30 days: %d units are used", used)
	}
	env.Settle()
}

func TestCancelInOtherStates(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Apply("www.example.test")
	if got := revokeOrder(env.Tenant, order, "x"); got.Code() != "InvalidParameter" {
		t.Errorf("an unknown reason: %s", got.Body)
	}
	before := env.Dump()
	if got := revokeOrder(env.Tenant, order, ""); got.Code() != "OrderStateError" || env.Dump() != before {
		t.Errorf("while it waits for its proof: %s", got.Body)
	}
	if got := env.Call("CancelOrderRequest", cas.OrderInput{OrderId: order}); got.Status != 200 {
		t.Fatal(got.Body)
	}
	if got := revokeOrder(env.Tenant, order, ""); got.Status != 200 {
		t.Errorf("withdrawn: %s", got.Body)
	}
	if got := revokeOrder(env.Tenant, order, ""); got.Code() != "NotFoundOrder" {
		t.Errorf("cancelled: %s", got.Body)
	}
	if got := env.Call("DeleteCertificateRequest", cas.OrderInput{OrderId: order}); got.Code() != "NotFoundOrder" {
		t.Errorf("deleted after it was cancelled: %s", got.Body)
	}
	if used := env.Quota(chancery.DefaultProduct).UsedCount; used != 0 {
		t.Errorf("%d units are used", used)
	}
	stranger := env.NewAccount()
	env.Grant(chancery.DefaultProduct, 1)
	mine := env.Apply("other.example.test")
	ask := func(id int64) testenv.Answer {
		return stranger.Call("CancelCertificateForPackageRequest", cas.CancelCertificateForPackageRequestInput{OrderId: id})
	}
	if got := ask(mine); got.Code() != "NotFoundOrder" || got.Status != 404 {
		t.Errorf("somebody else's order: %s", got.Body)
	}
}

// signing holds the issuer's answer back until it is let go.
type signing struct {
	chancery.Issuer
	began, goOn chan struct{}
}

func (s signing) Issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	chain, err := s.Issuer.Issue(ctx, request)
	s.began <- struct{}{}
	<-s.goOn
	return chain, err
}

// TestWithdrawnWhileSigned withdraws an order, and deletes it, between the CA's
// signature and the commit that would hand it out.
func TestWithdrawnWhileSigned(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		t.Run(fmt.Sprint("deleted ", deleted), func(t *testing.T) {
			began, goOn := make(chan struct{}), make(chan struct{})
			env := testenv.New(t, testenv.WithIssuer(func(local chancery.Issuer) chancery.Issuer { return signing{local, began, goOn} }))
			env.Grant(chancery.DefaultProduct, 1)
			order := env.Apply("www.example.test")
			env.Publish(order)
			env.Clock.Advance(time.Second)
			<-began
			if got := env.Call("CancelOrderRequest", cas.OrderInput{OrderId: order}); got.Status != 200 {
				t.Fatal(got.Body)
			}
			if deleted {
				if got := revokeOrder(env.Tenant, order, ""); got.Status != 200 {
					t.Fatal(got.Body)
				}
			}
			close(goOn)
			env.Settle()
			if listed := listedReasons(t, env); len(listed) != 0 {
				t.Errorf("revoked while the issuer could still be at work: %v", listed)
			}
			env.Clock.Advance(time.Minute)
			env.Settle()
			listed := listedReasons(t, env)
			for _, reason := range listed {
				if reason != chancery.CessationOfOperation {
					t.Errorf("the reason is %s", reason)
				}
			}
			if len(listed) != 1 {
				t.Errorf("the CRL lists %v", listed)
			}
		})
	}
}

// forgetful tells the CA and then fails, as when the process dies before the step
// is finished.
type forgetful struct {
	chancery.Issuer
	fails *atomic.Int64
}

func (f forgetful) Revoke(ctx context.Context, certificate chancery.Certificate) error {
	err := f.Issuer.(chancery.Revoker).Revoke(ctx, certificate)
	if err == nil && f.fails.Add(-1) >= 0 {
		return errors.New("the line was cut")
	}
	return err
}

func TestTheIssuerIsToldUntilItHasHeard(t *testing.T) {
	var fails atomic.Int64
	fails.Store(3)
	env := testenv.New(t, testenv.WithIssuer(func(local chancery.Issuer) chancery.Issuer { return forgetful{local, &fails} }))
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Issue("www.example.test")
	if got := revokeOrder(env.Tenant, order, "superseded"); got.Status != 200 {
		t.Fatal(got.Body)
	}
	at := certificateOf(env, order).RevokedAt
	for range 4 {
		env.Settle()
		env.Clock.Advance(10 * time.Minute) // past any back-off
	}
	env.Settle()
	if left := env.Count("SELECT COUNT(*) FROM steps WHERE kind = 'revoke_order'"); left != 0 || fails.Load() >= 0 {
		t.Errorf("%d steps are left, %d failures", left, fails.Load())
	}
	var issuance chancery.Issuance
	env.Read(func(tx chancery.Tx) (err error) {
		issuance, err = tx.SignedIssuance(env.Account, chancery.OrderID(order))
		return err
	})
	if !issuance.RevokedAt.Equal(at) || issuance.Reason != chancery.Superseded {
		t.Errorf("the CA's record says %s, %s; the certificate was revoked at %s", issuance.RevokedAt, issuance.Reason, at)
	}
}

func TestOperatorRevokes(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 4)
	operator := &admin.Admin{Store: env.Store, Catalogue: env.Catalogue, Clock: env.Clock, RefundWindow: cas.DefaultRefundWindow}
	var orders []int64
	for i := range 4 {
		orders = append(orders, env.Issue(fmt.Sprintf("n%d.example.test", i)))
	}
	serial := certificateOf(env, orders[0]).Serial
	ask := func(in admin.RevokeCertificates) admin.RevokedCertificates {
		t.Helper()
		done, err := operator.RevokeCertificates(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if done := ask(admin.RevokeCertificates{Serials: []string{serial, serial, "00"}, Reason: "keyCompromise"}); done.Revoked != 1 || done.Before != 1 || len(done.Unknown) != 1 {
		t.Errorf("by serial: %+v", done)
	}
	if done := ask(admin.RevokeCertificates{AccountID: env.Account, Reason: "cessationOfOperation"}); done.Revoked != 3 || done.More {
		t.Errorf("by account: %+v", done)
	}
	if done := ask(admin.RevokeCertificates{AccountID: env.Account}); done.Revoked != 0 {
		t.Errorf("again: %+v", done)
	}
	for _, wrong := range []admin.RevokeCertificates{{}, {AccountID: 1}, {Serials: make([]string, admin.RevokeBatch+1)}, {AccountID: env.Account, Reason: "x"}} {
		if _, err := operator.RevokeCertificates(t.Context(), wrong); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
	env.Clock.Advance(0) // wakes the worker, which the operator's own process would do
	env.Settle()
	if listed := listedReasons(t, env); len(listed) != 4 || listed[serial] != chancery.KeyCompromise {
		t.Errorf("the CRL lists %v", listed)
	}
	if quota := env.Quota(chancery.DefaultProduct); quota.UsedCount != 0 || quota.IssuedCount != 4 {
		t.Errorf("quota is %+v", quota)
	}
}

// TestQuotaUnderRevocation runs random sequences of calls against a model of the
// quota; testenv then checks every invariant of the data.
func TestQuotaUnderRevocation(t *testing.T) {
	env := testenv.New(t, testenv.WithRepeatWindow(0))
	start := env.Clock.Now()
	rapid.Check(t, func(r *rapid.T) {
		const units = 6
		env.Clock.Set(start)
		owner := env.NewAccount()
		owner.Grant(chancery.DefaultProduct, units)
		used := map[int64]bool{} // order to: was not refunded
		var open []int64
		for step := range rapid.IntRange(1, 12).Draw(r, "steps") {
			held := int64(0)
			for _, holds := range used {
				if holds {
					held++
				}
			}
			if got := owner.Quota(chancery.DefaultProduct).UsedCount; got != held {
				r.Fatalf("%d units are used, not %d", got, held)
			}
			switch action := rapid.SampledFrom([]string{"issue", "withdraw", "revoke", "renew", "wait"}).Draw(r, "action"); {
			case action == "wait":
				env.Clock.Advance(12 * 24 * time.Hour)
			case action == "issue" && held < units:
				order := owner.Issue(fmt.Sprintf("n%d.example.test", step))
				used[order], open = true, append(open, order)
			case action == "withdraw" && held < units:
				order := owner.Apply(fmt.Sprintf("w%d.example.test", step))
				owner.Call("CancelOrderRequest", cas.OrderInput{OrderId: order})
				if rapid.Bool().Draw(r, "and cancelled") {
					revokeOrder(owner, order, "")
				} else {
					used[order] = true
				}
			case action == "renew" && len(open) > 0 && held < units:
				old := owner.Order(rapid.SampledFrom(open).Draw(r, "renewed"))
				left := old.IssuedAt.Add(89 * 24 * time.Hour).Sub(env.Clock.Now()) // and a bit less than a day
				got := owner.Call("RenewCertificateOrderForPackageRequest", cas.RenewCertificateOrderForPackageRequestInput{OrderId: int64(old.ID)})
				if renewable := old.State == chancery.Issued && left > 0 && left < 28*24*time.Hour; renewable && got.Status != 200 {
					r.Fatalf("%v, %s before its end: %s", &old, left, got.Body)
				}
				if got.Status == 200 {
					var made cas.CreateOutput
					got.Decode(&made)
					used[made.OrderId] = true
				}
			case action == "revoke" && len(open) > 0:
				order := rapid.SampledFrom(open).Draw(r, "order")
				was := owner.Order(order)
				got := revokeOrder(owner, order, "superseded")
				if (got.Status == 200) != (was.State == chancery.Issued) {
					r.Fatalf("%v: %s", &was, got.Body)
				}
				if got.Status == 200 && env.Clock.Now().Before(was.IssuedAt.Add(cas.DefaultRefundWindow)) {
					used[order] = false
				}
			}
		}
		env.Settle()
	})
}
