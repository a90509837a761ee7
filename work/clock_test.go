package work_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/signature"
)

// The clock is set wrong by an hour or by 400 days, ahead or back, and right again
// before the next sweep. Afterwards nothing sleeps until that time, nothing is
// lost, and everything has the status that it has by date.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, 400 * 24 * time.Hour, -time.Hour, -400 * 24 * time.Hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			env := testenv.New(t)
			env.Grant(single, 10)
			before := env.Clock.Now()
			issued := env.Issue("issued.example.test")
			waiting := env.Apply("waiting.example.test")
			withdrawn := env.Issue("revoked.example.test")
			env.Call("CancelCertificateForPackageRequest", cas.CancelCertificateForPackageRequestInput{OrderId: withdrawn})
			env.Settle()
			used := sign(env)
			if answer := env.Send(used); answer.Code() != "" {
				t.Fatal(answer.Body)
			}
			listOf(t, env)
			lines := len(env.AuditLog())

			right := env.Clock.Now()
			env.Clock.Set(right.Add(jump))
			env.Settle()
			during := env.Apply("during.example.test")
			listOf(t, env)
			env.Clock.Advance(time.Second)
			env.Settle()
			if state := env.Order(waiting).State; state != chancery.DomainVerify {
				t.Errorf("while the clock was wrong the order that waits became %s", state)
			}

			env.Publish(during)
			env.Clock.Set(right.Add(2 * time.Second))
			env.Settle()
			if answer := env.Send(used); answer.Code() != "SignatureNonceUsed" {
				t.Errorf("a request that is sent again is answered %s", answer.Body)
			}
			if kept := len(env.AuditLog()); kept < lines {
				t.Errorf("of %d audit lines %d are left", lines, kept)
			}
			env.Publish(waiting)
			for _, order := range []int64{waiting, during} {
				env.Clock.Advance(10 * time.Second)
				env.State(order) // has it looked at soon
				env.Await(order, chancery.Issued)
			}
			checkDates(t, env, before, waiting, during, issued)
			if list := listOf(t, env); !list.ThisUpdate.Before(env.Clock.Now().Add(time.Minute)) || len(list.RevokedCertificateEntries) != 1 {
				t.Errorf("the CRL is of %v and lists %d", list.ThisUpdate, len(list.RevokedCertificateEntries))
			}
			if n := env.Count("SELECT COUNT(*) FROM steps WHERE due_at > $1", env.Clock.Now().Add(7*time.Hour).UnixMilli()); n != 0 {
				t.Errorf("%d steps sleep for longer than any does", n)
			}
		})
	}
}

// sign is a request that can be sent twice.
func sign(env *testenv.Env) (wire *testenv.Wire) {
	env.Signed("DescribePackageState", nil, func(r *testenv.Request) {
		r.Options = signature.Options{Scheme: signature.V1, Action: "DescribePackageState", Version: cas.Version, Nonce: "once", Time: env.Clock.Now()}
		r.Tamper = func(w *testenv.Wire) { copied := *w; wire = &copied; w.Replace("SignatureNonce", "another") }
	})
	return wire
}

func listOf(t *testing.T, env *testenv.Env) *x509.RevocationList {
	t.Helper()
	der, err := env.CA.CRL(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// checkDates looks at certificates that were issued by the right clock, and at what
// lists say of them.
func checkDates(t *testing.T, env *testenv.Env, since time.Time, orders ...int64) {
	t.Helper()
	for _, order := range orders {
		var certificate chancery.Certificate
		env.Read(func(tx chancery.Tx) (err error) {
			certificate, err = tx.CertificateOfOrder(env.Account, chancery.OrderID(order))
			return err
		})
		life := certificate.NotAfter.Sub(since)
		if certificate.NotBefore.After(env.Clock.Now()) || life < 89*24*time.Hour || life > 91*24*time.Hour {
			t.Errorf("the certificate of order %d is good from %v to %v", order, certificate.NotBefore, certificate.NotAfter)
		}
		status := env.Count("SELECT COUNT(*) FROM listed WHERE status = $1 AND (row_id = $2 OR row_id = $3)",
			string(chancery.StatusIssued), order, int64(certificate.ID))
		if status == 0 {
			t.Errorf("order %d is not listed as issued", order)
		}
	}
}
