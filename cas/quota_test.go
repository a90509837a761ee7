package cas_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

const day = 24 * time.Hour

// counts is a quota as a test writes it: total, used, issued.
type counts [3]int64

func quota(env *testenv.Env, product string) counts {
	got := env.Quota(product)
	return counts{got.TotalCount, got.UsedCount, got.IssuedCount}
}

func TestQuotaFollowsOrders(t *testing.T) {
	env := testenv.New(t, withIssuerByName())
	var order int64
	for _, step := range []struct {
		name string
		do   func()
		want counts
	}{
		{"without a plan", func() {}, counts{0, 0, 0}},
		{"a plan", func() { env.Grant(single, 3) }, counts{3, 0, 0}},
		{"a plan of another product", func() { env.Grant(wildcard, 5) }, counts{3, 0, 0}},
		{"another account's plan", func() { env.NewAccount().Grant(single, 7) }, counts{3, 0, 0}},
		{"an application takes a unit", func() { order = env.Apply("a.example.test") }, counts{3, 1, 0}},
		{"a withdrawn one holds it", func() { env.Call(cancel, cas.OrderInput{OrderId: order}) }, counts{3, 1, 0}},
		{"a deleted one gives it back", func() { env.Call(remove, cas.OrderInput{OrderId: order}) }, counts{3, 0, 0}},
		{"an issued one holds it", func() { env.Issue("b.example.test") }, counts{3, 1, 1}},
		{"a failed one holds it", func() { order = reach(t, env, chancery.VerifyFail) }, counts{3, 2, 1}},
		{"and gives it back when it is deleted", func() { env.Call(remove, cas.OrderInput{OrderId: order}) }, counts{3, 1, 1}},
		{"a further plan adds to it", func() { env.Grant(single, 10) }, counts{13, 1, 1}},
		{"an expired certificate still counts as issued", func() { env.Clock.Advance(400 * day) }, counts{13, 1, 1}},
	} {
		step.do()
		if got := quota(env, single); got != step.want {
			t.Errorf("%s: total, used, issued are %v, want %v", step.name, got, step.want)
		}
	}
}

func TestDescribePackageState(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 3)
	for _, test := range []struct {
		name       string
		parameters parameters
		want       string
	}{
		{"the default product", nil, `{"RequestId":"-","ProductCode":"digicert-free-1-free","TotalCount":3,"UsedCount":0,"IssuedCount":0}`},
		{"an empty product", parameters{"ProductCode": ""}, `{"RequestId":"-","ProductCode":"digicert-free-1-free","TotalCount":3,"UsedCount":0,"IssuedCount":0}`},
		{"a product without a plan", parameters{"ProductCode": wildcard}, `{"RequestId":"-","ProductCode":"symantec-dv-1-starter","TotalCount":0,"UsedCount":0,"IssuedCount":0}`},
	} {
		if body := env.Signed("DescribePackageState", test.parameters).WithoutRequestID(); body != test.want {
			t.Errorf("%s: %s", test.name, body)
		}
	}
	check(t, env.Signed("DescribePackageState", parameters{"ProductCode": "cake"}), "InvalidParameter", 400, "not offered here")
}

// No plan, none that goes on, and none with a unit left are told apart.
func TestApplicationsWithoutQuota(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, test := range []struct {
		name  string
		grant func(*testenv.Tenant)
		code  string
		says  string
	}{
		{"no plan", func(*testenv.Tenant) {}, "NotFoundPackage", "no plan for digicert-free-1-free"},
		{"a plan of another product", func(p *testenv.Tenant) { p.Grant(wildcard, 1) }, "NotFoundPackage", "no plan"},
		{"a plan of another account", func(*testenv.Tenant) { env.Grant(single, 1) }, "NotFoundPackage", "no plan"},
		{"a plan that is used up", func(p *testenv.Tenant) {
			p.Grant(single, 1)
			p.Apply("first.example.test")
		}, "NotRemainCount", "all applications"},
		{"a plan that ended", func(p *testenv.Tenant) {
			p.Grant(single, 1, day)
			env.Clock.Advance(day)
		}, "NotFoundPackage", "ended on"},
		{"a plan that ended and one that is used up", func(p *testenv.Tenant) {
			p.Grant(single, 5, day)
			env.Clock.Advance(day)
			p.Grant(single, 1)
			p.Apply("first.example.test")
		}, "NotRemainCount", "all applications"},
		{"a plan that ended while it was used up", func(p *testenv.Tenant) {
			p.Grant(single, 1, day)
			p.Apply("first.example.test")
			env.Clock.Advance(day)
		}, "NotFoundPackage", "ended on"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := env.NewAccount()
			test.grant(p)
			unchanged(t, env, func() {
				check(t, p.Signed(create, application("www.example.test", nil)), test.code, 404, test.says)
				check(t, p.Signed(create, application("www.example.test", parameters{"ClientToken": "t"})), test.code, 404, test.says)
			})
			p.Grant(single, 1) // a refused call is not remembered as the first of its kind
			check(t, p.Signed(create, application("www.example.test", parameters{"ClientToken": "t"})), "", 200, "")
		})
	}
}

// Of an ended plan only the units that orders hold still count, so that total
// less used is what is left to take.
func TestEndedPlans(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 5, 10*day)
	first, second := env.Apply("a.example.test"), env.Apply("b.example.test")
	expect := func(moment string, want counts) {
		t.Helper()
		if got := quota(env, single); got != want {
			t.Errorf("%s: total, used, issued are %v, want %v", moment, got, want)
		}
	}
	env.Clock.Advance(10*day - time.Millisecond)
	expect("at the last moment", counts{5, 2, 0})
	env.Apply("c.example.test")
	expect("with a third order", counts{5, 3, 0})
	env.Clock.Advance(time.Millisecond)
	expect("when it ends", counts{3, 3, 0})
	env.Grant(single, 4)
	expect("with a new plan", counts{7, 3, 0})
	for _, order := range []int64{first, second} {
		check(t, env.Call(cancel, cas.OrderInput{OrderId: order}), "", 200, "")
		check(t, env.Call(remove, cas.OrderInput{OrderId: order}), "", 200, "")
	}
	expect("when two orders are gone", counts{5, 1, 0})
	for i := range 4 {
		env.Apply(fmt.Sprintf("later-%d.example.test", i))
	}
	expect("when the new plan is used up", counts{5, 5, 0})
	check(t, env.Signed(create, application("more.example.test", nil)), "NotRemainCount", 404, "")
}

// The plan that ends first is used first, and gets back what was taken from it.
func TestPlansAreUsedInTheOrderTheyEnd(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	endless := env.Grant(single, 1)
	late := env.Grant(single, 1, 30*day)
	early := env.Grant(single, 2, 10*day)
	env.Clock.Advance(time.Minute)
	twin := env.Grant(single, 1, 30*day-time.Minute) // ends with late and was granted after it

	var orders []int64
	for i, want := range []chancery.Plan{early, early, late, twin, endless} {
		orders = append(orders, env.Apply(fmt.Sprintf("%d.example.test", i)))
		if got := env.Order(orders[i]).PlanID; got != want.ID {
			t.Errorf("order %d took its unit from plan %d, want %+v", i, got, want)
		}
	}
	check(t, env.Call(cancel, cas.OrderInput{OrderId: orders[2]}), "", 200, "")
	check(t, env.Call(remove, cas.OrderInput{OrderId: orders[2]}), "", 200, "")
	if got := env.Order(env.Apply("again.example.test")).PlanID; got != late.ID {
		t.Errorf("the unit that came back was not taken from plan %d, but from %d", late.ID, got)
	}
}

// However often an order is deleted at once, its unit comes back once.
func TestRefundHappensOnce(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 2)
	env.Apply("kept.example.test")
	order := env.Apply("deleted.example.test")
	check(t, env.Call(cancel, cas.OrderInput{OrderId: order}), "", 200, "")

	const callers = 10
	var mu sync.Mutex
	outcomes := map[string]int{}
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			code := env.Call(remove, cas.OrderInput{OrderId: order}).Code()
			mu.Lock()
			defer mu.Unlock()
			outcomes[code]++
		})
	}
	calls.Wait()
	if outcomes[""] != 1 || outcomes["NotFoundOrder"] != callers-1 {
		t.Errorf("the outcomes are %v", outcomes)
	}
	if got := quota(env, single); got != (counts{2, 1, 0}) {
		t.Errorf("total, used, issued are %v", got)
	}
	if n := env.Count("SELECT COUNT(*) FROM ledger WHERE kind = 'refund'"); n != 1 {
		t.Errorf("%d refunds are written", n)
	}
}

// More applications at once than there are units: as many orders as units.
func TestUnitsAreNeverTakenTwice(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 5, day)
	env.Grant(single, 5)
	var mu sync.Mutex
	outcomes := map[string]int{}
	var calls sync.WaitGroup
	for i := range 30 {
		calls.Go(func() {
			code := env.Signed(create, application(fmt.Sprintf("%d.example.test", i), nil)).Code()
			mu.Lock()
			defer mu.Unlock()
			outcomes[code]++
		})
	}
	calls.Wait()
	if outcomes[""] != 10 || outcomes["NotRemainCount"] != 20 {
		t.Errorf("the outcomes are %v", outcomes)
	}
	if got := quota(env, single); got != (counts{10, 10, 0}) {
		t.Errorf("total, used, issued are %v", got)
	}
}
