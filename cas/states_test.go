package cas_test

import (
	"fmt"
	"strings"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// Both calls that change an order, in every state: what is allowed leads where
// the table of transitions says, and what is not changes nothing.
func TestCancelAndDeleteInEveryState(t *testing.T) {
	env := testenv.New(t, withIssuerByName())
	env.Grant(single, 100)
	for _, test := range []struct {
		call  string
		state chancery.State
		code  string
		leads chancery.State
	}{
		{cancel, chancery.DomainVerify, "", chancery.Payed},
		{cancel, chancery.Process, "", chancery.Payed},
		{cancel, chancery.Issued, "OrderStateError", ""},
		{cancel, chancery.VerifyFail, "OrderStateError", ""},
		{cancel, chancery.Payed, "OrderStateError", ""},
		{cancel, chancery.Deleted, "NotFoundOrder", ""},
		{remove, chancery.DomainVerify, "OrderStateError", ""},
		{remove, chancery.Process, "OrderStateError", ""},
		{remove, chancery.Issued, "OrderStateError", ""},
		{remove, chancery.VerifyFail, "", chancery.Deleted},
		{remove, chancery.Payed, "", chancery.Deleted},
		{remove, chancery.Deleted, "NotFoundOrder", ""},
	} {
		t.Run(test.call+" in "+string(test.state), func(t *testing.T) {
			order := reach(t, env, test.state)
			call := func() testenv.Answer { return env.Call(test.call, cas.OrderInput{OrderId: order}) }
			switch test.code {
			case "OrderStateError":
				unchanged(t, env, func() { check(t, call(), test.code, 403, "state "+string(test.state)) })
			case "NotFoundOrder":
				unchanged(t, env, func() { check(t, call(), test.code, 404, fmt.Sprint(order)) })
			default:
				got := call()
				check(t, got, "", 200, "")
				if body := got.WithoutRequestID(); body != `{"RequestId":"-"}` {
					t.Errorf("the answer is %s", body)
				}
				checkLed(t, env, order, test.leads)
				unchanged(t, env, func() {
					if call().Status == 200 {
						t.Error("the same call was taken twice")
					}
				})
			}
		})
		env.Clock.Advance(121e9) // so that the next application is no repetition
		env.Settle()
	}
}

// checkLed checks that an order is in a state with nothing left to do for it.
func checkLed(t *testing.T, env *testenv.Env, order int64, state chancery.State) {
	t.Helper()
	if n := env.Count("SELECT COUNT(*) FROM orders WHERE id = $1 AND state = $2", order, string(state)); n != 1 {
		t.Errorf("order %d is not in state %s", order, state)
	}
	// An order withdrawn while it may be signed leaves the step that revokes what was.
	but := map[string]string{"steps": " AND kind <> 'revoke_order'"}
	for _, table := range []string{"steps", "order_keys", "certificates"} {
		if n := env.Count("SELECT COUNT(*) FROM "+table+" WHERE order_id = $1"+but[table], order); n != 0 {
			t.Errorf("order %d in state %s has %d rows in %s", order, state, n, table)
		}
	}
	refunds := map[chancery.State]int64{chancery.Payed: 0, chancery.Deleted: 1}[state]
	if n := env.Count("SELECT COUNT(*) FROM ledger WHERE order_id = $1 AND kind = 'refund'", order); n != refunds {
		t.Errorf("order %d in state %s has %d refunds", order, state, n)
	}
}

// orderCalls are all that name an order.
var orderCalls = []string{describe, cancel, remove}

func TestOrderIdsThatAreNone(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 1)
	env.Apply("www.example.test")
	for _, test := range []struct {
		name, id string
		code     string
		status   int
	}{
		{"absent", absent, "MissingParameter", 400},
		{"empty", "", "MissingParameter", 400},
		{"not a number", "latest", "InvalidParameter", 400},
		{"a number with a fraction", "1.5", "InvalidParameter", 400},
		{"an exponent", "1e15", "InvalidParameter", 400},
		{"hexadecimal", "0x10", "InvalidParameter", 400},
		{"beyond 64 bits", "9223372036854775808", "InvalidParameter", 400},
		{"negative", "-1", "NotFoundOrder", 404},
		{"beyond what JavaScript keeps", "9007199254740993", "NotFoundOrder", 404},
		{"the largest of 64 bits", "9223372036854775807", "NotFoundOrder", 404},
		{"unknown", "123456789012345", "NotFoundOrder", 404},
	} {
		for _, call := range orderCalls {
			t.Run(test.name+"/"+call, func(t *testing.T) {
				unchanged(t, env, func() {
					check(t, env.Signed(call, changed(parameters{}, parameters{"OrderId": test.id})), test.code, test.status, "")
				})
			})
		}
	}
}

// Another account's order gives the same bytes as one that does not exist, so
// that ids cannot be probed.
func TestStrangersSeeNothing(t *testing.T) {
	env := testenv.New(t, withIssuerByName())
	env.Grant(single, 100)
	stranger := env.NewAccount()
	stranger.Grant(single, 1)
	for _, state := range states {
		order := reach(t, env, state)
		missing := int64(chancery.NewOrderID())
		for _, call := range orderCalls {
			t.Run(call+" of an order in "+string(state), func(t *testing.T) {
				ask := func(id int64) testenv.Answer {
					return stranger.Signed(call, parameters{"OrderId": fmt.Sprint(id), "Verbose": "true"})
				}
				unchanged(t, env, func() {
					theirs, none := ask(order), ask(missing)
					check(t, theirs, "NotFoundOrder", 404, fmt.Sprint(order))
					same := strings.ReplaceAll(none.WithoutRequestID(), fmt.Sprint(missing), fmt.Sprint(order))
					if theirs.WithoutRequestID() != same {
						t.Errorf("their order: %s\nno order:    %s", theirs.Body, none.Body)
					}
				})
			})
		}
	}
	if got := stranger.Quota(single); got.UsedCount != 0 || got.IssuedCount != 0 || got.TotalCount != 1 {
		t.Errorf("the stranger's quota is %+v", got)
	}
}
