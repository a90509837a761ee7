package rpc_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/rpc"
	"chancery/sts"
)

// calls makes so many and tells how many were not throttled.
func calls(t *testing.T, by *testenv.Tenant, action string, n int) (passed int) {
	t.Helper()
	for range n {
		got := by.Signed(action, nil)
		switch got.Code() {
		case "":
			passed++
		case "Throttling.User":
			if got.Status != 400 {
				t.Errorf("throttled with HTTP %d", got.Status)
			}
		default:
			t.Errorf("%s: %s", action, got.Body)
		}
	}
	return passed
}

// An account may make a burst at once and then so many a second, of each operation.
func TestThrottle(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithRates(rpc.EqualRates(rpc.Rate{PerSecond: 4, Burst: 6})))
	for _, step := range []struct {
		after  time.Duration
		calls  int
		passed int
	}{
		{0, 10, 6},
		{0, 3, 0},
		{250 * time.Millisecond, 3, 1},
		{time.Second, 10, 4},
		{249 * time.Millisecond, 1, 0},
		{time.Millisecond, 1, 1},
		{time.Hour, 10, 6}, // no more than a burst is saved up
	} {
		env.Clock.Advance(step.after)
		if got := calls(t, env.Tenant, "ListContact", step.calls); got != step.passed {
			t.Errorf("after %v, of %d calls %d passed, want %d", step.after, step.calls, got, step.passed)
		}
	}
}

// The wait that is told is enough, and no longer than needed.
func TestThrottleTellsTheWait(t *testing.T) {
	limits := map[string]rpc.Rate{
		"ListContact": {PerSecond: 10, Burst: 1}, "ListCsr": {PerSecond: 3, Burst: 2},
		"ListCompanies": {PerSecond: 0.5, Burst: 1}, "DescribePackageState": {PerSecond: 1000, Burst: 1},
	}
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithRates(func(o chancery.Operation) rpc.Rate { return limits[o.Name] }))
	for action, rate := range limits {
		t.Run(fmt.Sprint(rate.PerSecond, " a second"), func(t *testing.T) {
			if got := calls(t, env.Tenant, action, rate.Burst); got != rate.Burst {
				t.Fatalf("%d passed", got)
			}
			refused := env.Signed(action, nil)
			check(t, refused, "Throttling.User", 400, "ms")
			text := refused.Header.Get("x-acs-retry-after")
			wait, err := strconv.Atoi(text)
			seconds := fmt.Sprint("TimeLeft:", (wait+999)/1000)
			if err != nil || refused.Header.Get("x-ratelimit-user-api") != seconds {
				t.Fatalf("x-acs-retry-after %q, x-ratelimit-user-api %q", text, refused.Header.Get("x-ratelimit-user-api"))
			}
			exact := time.Duration(float64(time.Second) / rate.PerSecond)
			if told := time.Duration(wait) * time.Millisecond; told < exact || told > exact+2*time.Millisecond {
				t.Errorf("the wait is told as %v and is %v", told, exact)
			}
			env.Clock.Advance(time.Duration(wait) * time.Millisecond)
			check(t, env.Signed(action, nil), "", 200, "")
		})
	}
}

// One account's calls of one operation are not another's, nor of another; an account
// is the same by whichever key.
func TestThrottleIsPerAccountAndOperation(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithRates(rpc.EqualRates(rpc.Rate{PerSecond: 1, Burst: 2})))
	other := env.NewAccount()
	for _, step := range []struct {
		who    string
		by     *testenv.Tenant
		action string
		passed int
	}{
		{"the account", env.Tenant, "ListContact", 2},
		{"another key of it", env.NewKey(), "ListContact", 0},
		{"its user", env.AsUser("ada", "AdministratorAccess"), "ListContact", 0},
		{"its role", env.AsRole("role", "AdministratorAccess"), "ListContact", 0},
		{"another account", other, "ListContact", 2},
		{"another operation", env.Tenant, "ListCompanies", 2},
	} {
		if got := calls(t, step.by, step.action, 4); got != step.passed {
			t.Errorf("%s: %d passed, want %d", step.who, got, step.passed)
		}
	}
}

// A throttled call has no effect and no line in the audit log; a forged one takes
// nothing from the account's rate, a denied one does.
func TestWhatIsThrottled(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithRates(rpc.EqualRates(rpc.Rate{PerSecond: 1, Burst: 1})))
	create := func(by *testenv.Tenant, changes ...change) testenv.Answer {
		return by.Signed("CreateContact", map[string]string{"Name": "Ada", "Mobile": "139"}, changes...)
	}
	for range 5 {
		check(t, create(env.Tenant, func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("guessed") }), "SignatureDoesNotMatch", 400, "")
	}
	check(t, create(env.Tenant), "", 200, "")
	state, log := env.Dump(), len(env.AuditLog())
	check(t, create(env.Tenant), "Throttling.User", 400, "CreateContact")
	if env.Dump() != state || len(env.AuditLog()) != log {
		t.Error("a throttled call left something")
	}
	env.Clock.Advance(time.Second)
	check(t, create(env.AsUser("ada")), "Forbidden.RAM", 403, "")
	check(t, create(env.Tenant), "Throttling.User", 400, "")
}

// Many at once do not get more than there is.
func TestThrottleManyAtOnce(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithRates(rpc.EqualRates(rpc.Rate{PerSecond: 1, Burst: 7})))
	passed := 0
	for _, got := range atOnce(24, func() testenv.Answer { return env.Signed("ListContact", nil) }) {
		if got.Code() == "" {
			passed++
		}
	}
	if passed != 7 {
		t.Errorf("%d passed, want 7", passed)
	}
}

func TestParseRates(t *testing.T) {
	apis := append((&cas.Service{}).APIs(), (&sts.Service{}).API())
	rateOf := func(rates rpc.Rates, name string) rpc.Rate { return rates(chancery.Operation{Name: name}) }
	for _, test := range []struct {
		name, text string
		list, csr  rpc.Rate // of ListContact and ListCsr
	}{
		{"nothing", "", rpc.DefaultRate, rpc.DefaultRate},
		{"a comment", "# none yet\n", rpc.DefaultRate, rpc.DefaultRate},
		{"one operation", "ListContact: {rate: 5, burst: 10}", rpc.Rate{PerSecond: 5, Burst: 10}, rpc.DefaultRate},
		{"without a burst", "ListContact: {rate: 5}", rpc.Rate{PerSecond: 5, Burst: 10}, rpc.DefaultRate},
		{"less than one a second", "ListContact: {rate: 0.2}", rpc.Rate{PerSecond: 0.2, Burst: 1}, rpc.DefaultRate},
		{"another default", "default: {rate: 50, burst: 51}\nListContact: {rate: 1, burst: 2}", rpc.Rate{PerSecond: 1, Burst: 2}, rpc.Rate{PerSecond: 50, Burst: 51}},
		{"no limit", "default: {rate: 0}", rpc.Rate{}, rpc.Rate{}},
		{"an operation of another version", "CreateCertificateName: {rate: 1}\nAssumeRole: {rate: 1}", rpc.DefaultRate, rpc.DefaultRate},
		{"in JSON", `{"ListContact": {"rate": 5, "burst": 10}}`, rpc.Rate{PerSecond: 5, Burst: 10}, rpc.DefaultRate},
	} {
		t.Run(test.name, func(t *testing.T) {
			rates, err := rpc.ParseRates([]byte(test.text), apis)
			if err != nil {
				t.Fatal(err)
			}
			if list, csr := rateOf(rates, "ListContact"), rateOf(rates, "ListCsr"); list != test.list || csr != test.csr {
				t.Errorf("ListContact %+v, ListCsr %+v", list, csr)
			}
		})
	}
	for _, test := range []struct{ name, text, says string }{
		{"an unknown operation", "ListContacts: {rate: 5}", `no operation "ListContacts"`},
		{"another letter case", "listcontact: {rate: 5}", "no operation"},
		{"a number alone", "ListContact: 5", "such as"},
		{"a misspelt field", "ListContact: {rates: 5}", "such as"},
		{"words", "ListContact: {rate: often}", "such as"},
		{"a negative rate", "ListContact: {rate: -1}", "0 or more"},
		{"a negative burst", "ListContact: {rate: 1, burst: -1}", "0 or more"},
		{"no number", "ListContact: {rate: .nan}", "0 or more"},
		{"without end", "ListContact: {rate: .inf}", "0 or more"},
		{"an operation twice", "ListContact: {rate: 1}\nListContact: {rate: 2}", "ListContact"},
		{"a list", "- ListContact", "such as"},
		{"no YAML", "ListContact: {", "such as"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rates, err := rpc.ParseRates([]byte(test.text), apis)
			if err == nil {
				t.Fatalf("it was read: ListContact %+v", rateOf(rates, "ListContact"))
			}
			if !contains(err.Error(), test.says) {
				t.Errorf("the error is %v; want %q in it", err, test.says)
			}
		})
	}
}

// Every operation has the rate that the original's pages tell.
func TestDocumentedRates(t *testing.T) {
	if rate := rpc.DocumentedRates((&sts.Service{}).API().Operations[1]); rate != rpc.DefaultRate {
		t.Errorf("an operation without one: %+v", rate)
	}
	for _, api := range (&cas.Service{}).APIs() {
		for _, operation := range api.Operations {
			if rate := rpc.DocumentedRates(operation); rate.PerSecond != float64(operation.Rate) || operation.Rate < 1 {
				t.Errorf("%s: %+v, the row says %d", operation.Name, rate, operation.Rate)
			}
		}
	}
}
