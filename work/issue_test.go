package work_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

// proved applies for a name whose proof is seen at the first look.
func proved(env *testenv.Env) int64 {
	env.Grant(single, 1)
	order := env.Apply(host)
	env.Clock.Advance(time.Second)
	return order
}

// A final no of the issuer ends the order with the reason it gave.
func TestIssuerRefuses(t *testing.T) {
	env := testenv.New(t, testenv.WithLooker(lookFunc(seen)), withIssuer(func(int, chancery.IssueRequest) (chancery.Chain, error) {
		return nil, &chancery.RefusedError{Reason: "the name is on a list", Err: errors.New("list 7, line 9")}
	}))
	order := proved(env)
	env.Await(order, chancery.VerifyFail)
	state := env.State(order)
	if state.Type != "verify_fail" || state.Reason != "the name is on a list" {
		t.Errorf("got %+v", state)
	}
	has(t, env.Logged(), "list 7, line 9")
	if n := rows(env, "steps", order) + rows(env, "order_keys", order) + rows(env, "certificates", order); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	remove(t, env, order)
}

// Any other error may pass: the order waits, and is tried again after pauses that
// grow to about five minutes.
func TestIssuerFailsForAWhile(t *testing.T) {
	const inner = "dial tcp 10.0.0.7:443: no route"
	const failures = 12
	var ca *someCA
	env := testenv.New(t, testenv.WithLooker(lookFunc(seen)), withIssuer(func(call int, request chancery.IssueRequest) (chancery.Chain, error) {
		if call <= failures {
			return nil, errors.New(inner)
		}
		return ca.issue(request, nil), nil
	}))
	ca = newCA(t, env.Clock.Now)
	order := proved(env)
	var last time.Duration
	for failed := 1; failed <= failures; failed++ {
		env.Settle()
		state := env.State(order)
		if state.Type != "process" || state.Order.Delay == "" || strings.Contains(state.Order.Delay, "10.0.0.7") {
			t.Fatalf("after %d failures: %s %+v", failed, state.Type, state.Order)
		}
		pause := time.UnixMilli(state.Order.NextLookTime).Sub(env.Clock.Now())
		if pause <= last && last < 200*time.Second || pause < 750*time.Millisecond || pause > 375*time.Second {
			t.Errorf("after %d failures the pause is %v, before it was %v", failed, pause, last)
		}
		last = pause
		env.Clock.Advance(pause)
	}
	env.Await(order, chancery.Issued)
	has(t, env.Logged(), inner)
	if state := env.State(order); state.Order.Delay != "" {
		t.Errorf("the issued order still tells of a delay: %+v", state.Order)
	}
}

// An answer that does not fit the request is never stored, whoever signed it.
func TestIssuerAnswersWrongly(t *testing.T) {
	var ca *someCA
	var wrong func(ca *someCA, request chancery.IssueRequest) chancery.Chain // nil for a good answer
	env := testenv.New(t, testenv.WithLooker(lookFunc(seen)), withIssuer(func(_ int, request chancery.IssueRequest) (chancery.Chain, error) {
		if wrong != nil {
			return wrong(ca, request), nil
		}
		return ca.issue(request, nil), nil
	}))
	ca = newCA(t, env.Clock.Now)
	for _, test := range []struct {
		name   string
		answer func(ca *someCA, request chancery.IssueRequest) chancery.Chain
		logged string
	}{
		{"for another key", spoilt(func(c *x509.Certificate) { c.PublicKey = newKey(t).Public() }), "another key than the CSR"},
		{"for another name", spoilt(func(c *x509.Certificate) { c.DNSNames = []string{"example.test"} }), "not exactly www.example.test"},
		{"for a name more", spoilt(func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "example.test") }), "not exactly www.example.test"},
		{"for an address too", spoilt(func(c *x509.Certificate) { c.IPAddresses = append(c.IPAddresses, []byte{192, 0, 2, 1}) }), "not exactly www.example.test"},
		{"for no name", spoilt(func(c *x509.Certificate) { c.DNSNames = nil }), "not exactly www.example.test"},
		{"with another common name", spoilt(func(c *x509.Certificate) { c.Subject.CommonName = "example.test" }), "has the common name"},
		{"expired", spoilt(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = c.NotBefore.Add(-time.Hour), c.NotBefore
		}), "not now"},
		{"not yet valid", spoilt(func(c *x509.Certificate) { c.NotBefore = c.NotBefore.Add(time.Hour) }), "not now"},
		{"a CA certificate", spoilt(func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), "CA certificate"},
		{"with a chain that did not sign it", func(ca *someCA, request chancery.IssueRequest) chancery.Chain {
			return chancery.Chain{ca.issue(request, nil)[0], newCA(t, ca.now).certificate.Raw}
		}, "not signed by the next"},
		{"with a changed signature", func(ca *someCA, request chancery.IssueRequest) chancery.Chain {
			chain := ca.issue(request, nil)
			chain[0][len(chain[0])-1] ^= 1
			return chain
		}, "not signed by the next"},
		{"in the wrong order", func(ca *someCA, request chancery.IssueRequest) chancery.Chain {
			chain := ca.issue(request, nil)
			return chancery.Chain{chain[1], chain[0]}
		}, "not signed by the next"},
		{"without its chain", func(ca *someCA, request chancery.IssueRequest) chancery.Chain { return ca.issue(request, nil)[:1] }, "1 certificates"},
		{"with nothing", func(*someCA, chancery.IssueRequest) chancery.Chain { return nil }, "0 certificates"},
		{"with something else", func(*someCA, chancery.IssueRequest) chancery.Chain {
			return chancery.Chain{[]byte("cake"), []byte("tea")}
		}, "parsing certificate 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(env.Logged())
			wrong = test.answer // nothing is due that would read it
			order := proved(env)
			env.Settle()
			state := env.State(order)
			if state.Type != "process" || state.Order.Delay == "" || rows(env, "certificates", order) != 0 {
				t.Fatalf("got %+v %+v", state, state.Order)
			}
			has(t, env.Logged()[before:], test.logged)
			wrong = nil
			env.Clock.Advance(10 * time.Minute)
			env.Await(order, chancery.Issued)
		})
	}
}

// spoilt has the CA sign what it should not.
func spoilt(change func(*x509.Certificate)) func(*someCA, chancery.IssueRequest) chancery.Chain {
	return func(ca *someCA, request chancery.IssueRequest) chancery.Chain { return ca.issue(request, change) }
}

// An applicant may withdraw, and even delete, while the issuer signs; what it
// signed is then dropped.
func TestWithdrawnWhileTheIssuerSigns(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(ca *someCA, request chancery.IssueRequest) (chancery.Chain, error)
		delete bool
	}{
		{"and it signs", func(ca *someCA, request chancery.IssueRequest) (chancery.Chain, error) {
			return ca.issue(request, nil), nil
		}, false},
		{"and it signs a deleted order", func(ca *someCA, request chancery.IssueRequest) (chancery.Chain, error) {
			return ca.issue(request, nil), nil
		}, true},
		{"and it refuses", func(*someCA, chancery.IssueRequest) (chancery.Chain, error) {
			return nil, &chancery.RefusedError{Reason: "no"}
		}, false},
		{"and it fails", func(*someCA, chancery.IssueRequest) (chancery.Chain, error) { return nil, errors.New("no") }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGate()
			var ca *someCA
			env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(seen)), withIssuer(func(_ int, request chancery.IssueRequest) (chancery.Chain, error) {
				g.pass()
				return test.answer(ca, request)
			}))
			ca = newCA(t, env.Clock.Now)
			order := proved(env)
			stop := env.Run(env.NewWorker())
			g.wait(t)
			withdraw(t, env, order)
			if test.delete {
				remove(t, env, order)
			}
			close(g.open)
			stop()
			for _, table := range []string{"steps", "order_keys", "certificates"} {
				if n := rows(env, table, order); n != 0 {
					t.Errorf("%d rows are left in %s", n, table)
				}
			}
			if test.delete {
				return
			}
			if now := env.Order(order); now.State != chancery.Payed || now.CertificateID != 0 || !now.IssuedAt.IsZero() || now.Reason != "" {
				t.Errorf("the order is %+v", now)
			}
			remove(t, env, order)
		})
	}
}

// A product that an operator took out of the catalogue delays its orders and
// loses none.
func TestProductIsGone(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(seen)))
	order := proved(env)
	worker := env.NewWorker()
	worker.Catalogue = nil
	stop := env.Run(worker)
	env.Settle()
	stop()
	if state := env.State(order); state.Type != "process" || state.Order.Delay == "" {
		t.Errorf("got %+v %+v", state, state.Order)
	}
	env.Run(env.NewWorker())
	env.Clock.Advance(10 * time.Minute)
	env.Await(order, chancery.Issued)
}
