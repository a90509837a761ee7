package rpc_test

import (
	"log/slog"
	"net/http/httptest"
	"sync"
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

// Of a request that many send at once one has an effect, and of one that is sent
// again later none: neither on the data nor on the rate.
func TestReplayChangesNothing(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	user, session, poor := env.AsUser("ada", "AdministratorAccess"), env.AsRole("role", "AdministratorAccess"), env.AsUser("poor")
	contact := map[string]string{"Name": "Ada", "Mobile": "139"}
	for _, test := range []struct {
		name, action string
		parameters   map[string]string
		by           *testenv.Tenant
		code         string
	}{
		{"a write", "CreateContact", contact, env.Tenant, ""},
		{"a user's write", "CreateContact", contact, user, ""},
		{"a session's write", "CreateContact", contact, session, ""},
		{"a read", "ListContact", nil, env.Tenant, ""},
		{"a refused write", "CreateContact", map[string]string{"Name": "Ada"}, env.Tenant, "MissingParameter"},
		{"a denied write", "CreateContact", contact, poor, "Forbidden.RAM"},
	} {
		for name, way := range map[string]change{"V1": v1Get, "V3": v3Post} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				sent := env.Clock.Now()
				call := func() testenv.Answer {
					return test.by.Signed(test.action, test.parameters, way, func(r *testenv.Request) {
						r.Options.Nonce, r.Options.Time = test.name+name, sent
					})
				}
				before := len(env.AuditLog())
				const senders = 8
				outcomes := map[string]int{}
				for _, got := range atOnce(senders, call) {
					outcomes[got.Code()]++
				}
				if outcomes[test.code] != 1 || outcomes["SignatureNonceUsed"] != senders-1 {
					t.Errorf("%d at once came to %v", senders, outcomes)
				}
				state := env.Dump()
				for range 2 {
					check(t, call(), "SignatureNonceUsed", 400, "")
					env.Clock.Advance(time.Minute)
				}
				if env.Dump() != state {
					t.Error("a replay changed the data")
				}
				if n := len(env.AuditLog()) - before; n != 1 {
					t.Errorf("the audit log has %d lines of it", n)
				}
			})
		}
	}
}

// atOnce calls from so many goroutines and gives all answers.
func atOnce(n int, call func() testenv.Answer) []testenv.Answer {
	answers := make([]testenv.Answer, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			answers[i] = call()
		})
	}
	close(begin)
	all.Wait()
	return answers
}

// A request that was throttled is not good for later, and one that is replayed
// takes nothing from the account's rate.
func TestReplayAndRate(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithRates(rpc.EqualRates(rpc.Rate{PerSecond: 1, Burst: 2})))
	call := func(nonce string) testenv.Answer {
		return env.Signed("CreateContact", map[string]string{"Name": "Ada", "Mobile": "139"}, func(r *testenv.Request) { r.Options.Nonce = nonce })
	}
	check(t, call("first"), "", 200, "")
	for range 5 {
		check(t, call("first"), "SignatureNonceUsed", 400, "")
	}
	check(t, call("second"), "", 200, "")
	check(t, call("third"), "Throttling.User", 400, "")
	check(t, call("third"), "SignatureNonceUsed", 400, "")
	env.Clock.Advance(10 * time.Second)
	check(t, call("third"), "SignatureNonceUsed", 400, "")
	if n := env.Count("SELECT COUNT(*) FROM contacts"); n != 2 {
		t.Errorf("there are %d contacts, want 2", n)
	}
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
