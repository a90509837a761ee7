package cas_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The products that tests apply for.
const (
	single   = chancery.DefaultProduct
	wildcard = "symantec-dv-1-starter"
)

const (
	create        = "CreateCertificateRequest"
	createWithCSR = "CreateCertificateWithCsrRequest"
	describe      = "DescribeCertificateState"
	cancel        = "CancelOrderRequest"
	remove        = "DeleteCertificateRequest"
)

type parameters = map[string]string

// application is that of testenv as parameters, changed by those given; a value
// of absent takes one out.
func application(domain string, changes parameters) parameters {
	return changed(chancery.EncodeParameters(testenv.Application(domain)), changes)
}

const absent = "\x00absent"

func changed(p, changes parameters) parameters {
	maps.Copy(p, changes)
	maps.DeleteFunc(p, func(_, value string) bool { return value == absent })
	return p
}

// check compares the outcome of a call; code "" means success, and says is a part
// of the message.
func check(t *testing.T, got testenv.Answer, code string, status int, says string) {
	t.Helper()
	if got.Code() != code || got.Status != status {
		t.Errorf("got %d %q, want %d %q: %s", got.Status, got.Code(), status, code, got.Body)
	}
	if message := got.Message(); !strings.Contains(message, says) {
		t.Errorf("the message is %q; want %q in it", message, says)
	}
}

// unchanged fails the test if call changes quota, ledger, orders, proofs, steps,
// submissions, keys or certificates.
func unchanged(t *testing.T, env *testenv.Env, call func()) {
	t.Helper()
	before := env.Dump()
	call()
	if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(env.Dump(), "\n")); diff != "" {
		t.Errorf("the data changed:\n%s", diff)
	}
}

// byName is an issuer that leaves names under stuck.test waiting, refuses those
// under refused.test, and has the embedded CA issue for all others.
type byName struct{ local chancery.Issuer }

func (b byName) Issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	switch {
	case strings.HasSuffix(request.Names.String(), ".stuck.test"):
		return nil, errors.New("the key ceremony is at noon")
	case strings.HasSuffix(request.Names.String(), ".refused.test"):
		return nil, &chancery.RefusedError{Reason: "the name is on a list"}
	}
	return b.local.Issue(ctx, request)
}

func withIssuerByName() testenv.Option {
	return testenv.WithIssuer(func(local chancery.Issuer) chancery.Issuer { return byName{local} })
}

// reach applies for a name and takes the order to a state.
func reach(t *testing.T, env *testenv.Env, state chancery.State, changes ...func(*cas.CreateCertificateRequestInput)) int64 {
	t.Helper()
	name := map[chancery.State]string{chancery.Process: "www.stuck.test", chancery.VerifyFail: "www.refused.test"}[state]
	if name == "" {
		name = strings.ReplaceAll(string(state), "_", "-") + ".example.test"
	}
	order := env.Apply(name, changes...)
	switch state {
	case chancery.Payed, chancery.Deleted:
		check(t, env.Call(cancel, cas.OrderInput{OrderId: order}), "", 200, "")
	case chancery.Process, chancery.VerifyFail, chancery.Issued:
		env.Publish(order)
		env.Clock.Advance(1e9)
		env.Await(order, state)
	}
	if state == chancery.Deleted {
		check(t, env.Call(remove, cas.OrderInput{OrderId: order}), "", 200, "")
	}
	env.Settle()
	return order
}

// states lists all states of an order.
var states = []chancery.State{
	chancery.DomainVerify, chancery.Process, chancery.Issued, chancery.VerifyFail, chancery.Payed, chancery.Deleted,
}
