package work_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

// prover is a CA that says what a test has it say; it stands in the place of all.
type prover struct {
	chancery.Issuer

	opened, issued atomic.Int64
	open           func(n int64, request chancery.OpenRequest) ([]chancery.Validation, error)
	issue          func(n int64) error // nil: as the embedded CA
}

func (p *prover) Open(_ context.Context, request chancery.OpenRequest) ([]chancery.Validation, error) {
	return p.open(p.opened.Add(1), request)
}

func (p *prover) Issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	if n := p.issued.Add(1); p.issue != nil {
		if err := p.issue(n); err != nil {
			return nil, err
		}
	}
	return p.Issuer.Issue(ctx, request)
}

// everybody gives one issuer whatever name is asked for.
type everybody struct{ issuer chancery.Issuer }

func (e everybody) Find(string) (chancery.Issuer, error) { return e.issuer, nil }

// startProving runs a service whose orders p has.
func startProving(t *testing.T, p *prover) *testenv.Env {
	t.Helper()
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithIssuer(func(local chancery.Issuer) chancery.Issuer {
		p.Issuer = local
		return local
	}), testenv.WithProducts(chancery.Product{
		Code: chancery.DefaultProduct, Level: chancery.DV, LifetimeDays: 90, KeyAlgorithm: chancery.ECC256, Issuer: "ca",
	}))
	worker := env.NewWorker()
	worker.Issuers = everybody{p}
	env.Run(worker)
	env.Grant(chancery.DefaultProduct, 1)
	return env
}

func proofOf(request chancery.OpenRequest, token string, expires time.Time) []chancery.Validation {
	name := request.Names.Common()
	return []chancery.Validation{{
		OrderID: request.OrderID, AccountID: request.AccountID, Name: name, Method: chancery.DNS,
		Token: token, Place: chancery.ACMEProofLabel + "." + string(name), ExpiresAt: expires,
	}}
}

// An issuer that wants to be asked later is, and no sooner; that is no failure.
func TestAnIssuerThatWantsToBeAskedLater(t *testing.T) {
	t.Parallel()
	p := &prover{}
	env := startProving(t, p)
	until := env.Clock.Now().Add(10 * time.Minute)
	p.open = func(_ int64, request chancery.OpenRequest) ([]chancery.Validation, error) {
		if env.Clock.Now().Before(until) {
			return nil, &chancery.WaitError{Until: until, Reason: "come back in ten minutes"}
		}
		return proofOf(request, "token-of-the-ca", time.Time{}), nil
	}
	order := env.Apply("www.example.test")
	for range 9 {
		env.Clock.Advance(time.Minute)
		env.Settle()
	}
	state := env.State(order)
	if asked := p.opened.Load(); asked != 1 || state.Order.Delay != "come back in ten minutes" || state.RecordDomain != "" {
		t.Errorf("asked %d times; the order is delayed by %q and shows %q", asked, state.Order.Delay, state.RecordDomain)
	}
	env.Clock.Advance(time.Minute)
	env.Settle()
	if state = env.State(order); state.RecordValue != "token-of-the-ca" || state.Order.Delay != "" {
		t.Errorf("after ten minutes the order shows %q, delayed by %q", state.RecordValue, state.Order.Delay)
	}
}

// New proofs are asked for when the old ones have expired, and when the issuer says
// that they count no more; the order is proved anew each time.
func TestNewProofs(t *testing.T) {
	t.Parallel()
	p := &prover{}
	env := startProving(t, p)
	p.open = func(n int64, request chancery.OpenRequest) ([]chancery.Validation, error) {
		expires := time.Time{}
		if n == 1 {
			expires = env.Clock.Now().Add(time.Hour)
		}
		return proofOf(request, []string{"", "first", "second", "third"}[n], expires), nil
	}
	p.issue = func(n int64) error {
		if n == 1 {
			return &chancery.ReopenError{Reason: "the order is gone"}
		}
		return nil
	}
	order := env.Apply("www.example.test")
	for _, token := range []string{"first", "second", "third"} {
		env.Settle()
		state := env.State(order)
		if state.Type != "domain_verify" || state.RecordValue != token {
			t.Fatalf("the order is %s and shows %q, not %q", state.Type, state.RecordValue, token)
		}
		if token != "first" {
			env.Publish(order)
		}
		env.Clock.Advance(2 * time.Hour)
		env.Settle()
	}
	env.Await(order, chancery.Issued)
	// This CA keeps no record of what it was asked.
	env.SQL("UPDATE acme_orders SET openings = 1, url = 'there', finalize = 'there', finalized_at = 1, certificate = 'there'")
}

// An issuer that never says what to publish does not hold an order for ever, and a
// refusal ends it at once.
func TestAnOrderThatIsNotOpened(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		err     error
		reason  string
		advance time.Duration
	}{
		"refused": {&chancery.RefusedError{Reason: "not for this name"}, "not for this name", 0},
		"never":   {&chancery.WaitError{Until: time.Now().AddDate(1, 0, 0), Reason: "next year"}, "what to publish: next year", 8 * 24 * time.Hour},
		"broken":  {errors.New("broken"), "what to publish: the service will try again", 8 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			p := &prover{open: func(int64, chancery.OpenRequest) ([]chancery.Validation, error) { return nil, end.err }}
			env := startProving(t, p)
			order := env.Apply("www.example.test")
			env.Clock.Advance(end.advance)
			env.Settle()
			env.Clock.Advance(min(end.advance, 11*time.Minute)) // so sudden an end is read twice
			env.Await(order, chancery.VerifyFail)
			if state := env.State(order); !strings.Contains(state.Reason, end.reason) {
				t.Errorf("it failed because %q, not %q", state.Reason, end.reason)
			}
			if left := env.Count("SELECT COUNT(*) FROM steps WHERE order_id > 0"); left != 0 {
				t.Errorf("%d steps are left", left)
			}
		})
	}
}
