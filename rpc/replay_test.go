package rpc_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/rpc"
)

// known has a request carry a nonce of the test's choice.
func known(r *testenv.Request) { r.Options.Nonce = "only-once" }

func TestReplay(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			once := func(r *testenv.Request) { r.Options.Nonce = "once by " + way.name }
			call := func(by *testenv.Tenant, changes ...change) testenv.Answer {
				return by.Signed("DescribePackageState", product, append([]change{way.change, once}, changes...)...)
			}

			forger := func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("a forger's secret") }
			check(t, call(env.Tenant, forger), "SignatureDoesNotMatch", 400, "")
			check(t, call(env.Tenant), "", 200, "") // a forger cannot burn it
			check(t, call(env.Tenant), "SignatureNonceUsed", 400, "new one")
			check(t, call(env.Tenant, forger), "SignatureDoesNotMatch", 400, "")
			check(t, call(env.Tenant, at(time.Second)), "SignatureNonceUsed", 400, "")
			check(t, call(env.NewKey()), "", 200, "") // each key has nonces of its own
		})
	}
}

// A nonce is taken also by a call that its operation refuses.
func TestRefusedCallUsesItsNonce(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	call := func() testenv.Answer { return env.Signed("DescribeCertificateState", nil, known) }
	check(t, call(), "MissingParameter", 400, "OrderId")
	check(t, call(), "SignatureNonceUsed", 400, "")
}

// A request that is dated ahead stays acceptable for longer, and so does the
// memory of its nonce; after that it is swept away.
func TestNonceIsKeptAsLongAsItsTimeIsGood(t *testing.T) {
	env := testenv.New(t)
	sent := env.Clock.Now().Add(15 * time.Minute)
	call := func() testenv.Answer {
		return env.Signed("DescribePackageState", nil, known, func(r *testenv.Request) { r.Options.Time = sent })
	}
	check(t, call(), "", 200, "")
	for range 3 { // sweeps come every ten minutes
		env.Clock.Advance(10 * time.Minute)
		env.Settle()
	}
	check(t, call(), "SignatureNonceUsed", 400, "")
	env.Clock.Advance(time.Second)
	check(t, call(), "InvalidTimeStamp.Expired", 400, "")
	env.Clock.Advance(10 * time.Minute)
	env.Settle()
	if n := env.Count("SELECT COUNT(*) FROM nonces"); n != 0 {
		t.Errorf("%d nonces are kept though their requests would be refused by their time", n)
	}
}

// Only the store remembers, so a restart, or another process, forgets nothing.
func TestNonceSurvivesARestart(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	call := func() testenv.Answer { return env.Signed("DescribePackageState", nil, known) }
	check(t, call(), "", 200, "")

	operations := &cas.Service{Store: env.Store, Catalogue: env.Catalogue, Clock: env.Clock, Wake: func() {}}
	restarted := httptest.NewServer(&rpc.Gateway{
		Store: env.Store, Clock: env.Clock, Log: slog.New(slog.DiscardHandler), APIs: []chancery.API{operations.API()},
	})
	t.Cleanup(restarted.Close)
	env.Endpoint = restarted.URL
	check(t, call(), "SignatureNonceUsed", 400, "")
}
