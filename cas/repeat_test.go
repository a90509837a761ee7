package cas_test

import (
	"crypto/elliptic"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// applyAs applies for www.example.test, with changes, and gives the order.
func applyAs(p *testenv.Tenant, changes parameters) int64 {
	var out cas.CreateOutput
	p.Signed(create, application("www.example.test", changes)).Decode(&out)
	return out.OrderId
}

// Without a client token, the same application by the same key is answered with
// the first order for a short while.
func TestSameApplicationSentAgain(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	advance := func(d time.Duration) func(*testenv.Tenant, int64) {
		return func(*testenv.Tenant, int64) { env.Clock.Advance(d) }
	}
	for _, test := range []struct {
		name    string
		between func(p *testenv.Tenant, first int64)
		changes parameters
		same    bool
	}{
		{"at once", nil, nil, true},
		{"with parameters that the call does not know", nil, parameters{"RegionId": "cn-hangzhou", "Timestamp": "x"}, true},
		{"at the last moment of the window", advance(2*time.Minute - time.Millisecond), nil, true},
		{"when the window ends", advance(2 * time.Minute), nil, false},
		{"with another phone number", nil, parameters{"Phone": "13900002222"}, false},
		{"with another way to prove", nil, parameters{"ValidateType": "FILE"}, false},
		{"for another name", nil, parameters{"Domain": "example.test"}, false},
		{"with a tag", nil, tag("env", "prod"), false},
		{"with a client token", nil, parameters{"ClientToken": "t"}, false},
		{"after the order was withdrawn", func(p *testenv.Tenant, first int64) {
			check(t, p.Call(cancel, cas.OrderInput{OrderId: first}), "", 200, "")
		}, nil, false},
		{"after the order was deleted", func(p *testenv.Tenant, first int64) {
			check(t, p.Call(cancel, cas.OrderInput{OrderId: first}), "", 200, "")
			check(t, p.Call(remove, cas.OrderInput{OrderId: first}), "", 200, "")
		}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := env.NewAccount()
			p.Grant(single, 5)
			first := applyAs(p, nil)
			if test.between != nil {
				test.between(p, first)
			}
			used := p.Quota(single).UsedCount
			second := applyAs(p, test.changes)
			if (second == first) != test.same {
				t.Errorf("the orders are %d and %d", first, second)
			}
			took := p.Quota(single).UsedCount - used
			if test.same && took != 0 || !test.same && took != 1 {
				t.Errorf("the second call took %d units", took)
			}
			if !test.same && applyAs(p, test.changes) != second {
				t.Error("a third call got yet another order")
			}
		})
	}
}

// The record is of the key that signed: two programs of one account may want two
// certificates for the same name.
func TestSameApplicationByAnotherKey(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 5)
	first := applyAs(env.Tenant, nil)
	if other := applyAs(env.NewKey(), nil); other == first {
		t.Error("another key of the account got the first one's order")
	}
	stranger := env.NewAccount()
	stranger.Grant(single, 5)
	if other := applyAs(stranger, nil); other == first {
		t.Error("another account got the first one's order")
	}
}

// An order that reached its certificate is no longer open: the next application
// is meant to be a new one.
func TestSameApplicationAfterIssuance(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 2)
	first := env.Issue("www.example.test")
	if second := applyAs(env.Tenant, nil); second == first {
		t.Error("the issued order was given again")
	}
}

func TestRepeatWindowCanBeTurnedOff(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithRepeatWindow(0))
	env.Grant(single, 5)
	if first := applyAs(env.Tenant, nil); applyAs(env.Tenant, nil) == first {
		t.Error("the second application got the first order")
	}
	token := parameters{"ClientToken": "t"}
	if first := applyAs(env.Tenant, token); applyAs(env.Tenant, token) != first {
		t.Error("a client token no longer names its order")
	}
	if n := env.Count("SELECT COUNT(*) FROM submissions"); n != 1 {
		t.Errorf("%d submissions are remembered", n)
	}
}

// A client token names its order for a day, whatever became of the order and
// whichever key of the account sends it.
func TestClientToken(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 10)
	token := parameters{"ClientToken": "application 1"}
	first := applyAs(env.Tenant, token)
	again := func(moment string, by *testenv.Tenant) {
		t.Helper()
		env.Settle()
		unchanged(t, env, func() {
			if order := applyAs(by, token); order != first {
				t.Errorf("%s: order %d, want %d", moment, order, first)
			}
		})
	}
	again("at once", env.Tenant)
	again("by another key", env.NewKey())
	env.Publish(first)
	env.Clock.Advance(time.Second)
	env.Await(first, chancery.Issued)
	env.Settle()
	again("when it is issued", env.Tenant)
	env.Clock.Advance(24*time.Hour - time.Second - time.Millisecond)
	env.Settle()
	again("at the last moment of the day", env.Tenant)
	env.Clock.Advance(time.Millisecond)
	env.Settle()
	if order := applyAs(env.Tenant, token); order == first {
		t.Error("the token still names its order after a day")
	}
}

func TestClientTokenOfAWithdrawnOrder(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 10)
	token := parameters{"ClientToken": "application 1"}
	first := applyAs(env.Tenant, token)
	for _, call := range []string{cancel, remove} {
		check(t, env.Call(call, cas.OrderInput{OrderId: first}), "", 200, "")
		if order := applyAs(env.Tenant, token); order != first {
			t.Errorf("after %s: order %d, want %d", call, order, first)
		}
	}
	check(t, env.Call(describe, cas.OrderInput{OrderId: first}), "NotFoundOrder", 404, "")
}

func TestClientTokenWithAnotherApplication(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 10)
	const token = "application 1"
	first := applyAs(env.Tenant, parameters{"ClientToken": token})
	csr := requestFor(t, ec(t, elliptic.P256()), "www.example.test", nil)
	for name, call := range map[string]func() testenv.Answer{
		"another name": func() testenv.Answer {
			return env.Signed(create, application("example.test", parameters{"ClientToken": token}))
		},
		"another phone number": func() testenv.Answer {
			return env.Signed(create, application("www.example.test", parameters{"ClientToken": token, "Phone": "1"}))
		},
		"another operation": func() testenv.Answer {
			return env.Signed(createWithCSR, application("", parameters{"Domain": absent, "Csr": csr, "ClientToken": token}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			unchanged(t, env, func() { check(t, call(), "IdempotentParameterMismatch", 400, "use a new one") })
		})
	}
	for _, other := range []string{"APPLICATION 1", "application 1 ", strings.Repeat("~", 128)} {
		if applyAs(env.Tenant, parameters{"ClientToken": other}) == first {
			t.Errorf("the token %q named the order of %q", other, token)
		}
	}
	stranger := env.NewAccount()
	stranger.Grant(single, 1)
	if applyAs(stranger, parameters{"ClientToken": token}) == first {
		t.Error("another account's token named the order")
	}
}

// Retries of one intention may overtake each other.
func TestSameApplicationSentAtOnce(t *testing.T) {
	for name, changes := range map[string]parameters{
		"without a token": nil,
		"with a token":    {"ClientToken": "t"},
	} {
		t.Run(name, func(t *testing.T) {
			env := testenv.New(t, testenv.WithoutWorker())
			env.Grant(single, 100)
			var orders [20]int64
			var calls sync.WaitGroup
			for i := range orders {
				calls.Go(func() { orders[i] = applyAs(env.Tenant, changes) })
			}
			calls.Wait()
			for _, order := range orders {
				if order != orders[0] {
					t.Fatalf("the orders are %v", orders)
				}
			}
			if used := env.Quota(single).UsedCount; used != 1 {
				t.Errorf("%d units are used", used)
			}
			if n := env.Count("SELECT COUNT(*) FROM orders"); n != 1 {
				t.Errorf("there are %d orders", n)
			}
		})
	}
}

// Records that ran out are swept away.
func TestSubmissionsAreForgotten(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 10)
	applyAs(env.Tenant, nil)
	applyAs(env.Tenant, parameters{"ClientToken": "t"})
	for _, moment := range []struct {
		after time.Duration
		left  int64
	}{{0, 2}, {10 * time.Minute, 1}, {24 * time.Hour, 1}, {10 * time.Minute, 0}} { // so sudden a day is read twice
		env.Clock.Advance(moment.after)
		env.Settle()
		if n := env.Count("SELECT COUNT(*) FROM submissions"); n != moment.left {
			t.Errorf("%v later %d records are left, want %d", moment.after, n, moment.left)
		}
	}
}
