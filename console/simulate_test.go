package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// What the simulation says of calls that are made from the console is what the console
// does.
func TestSimulationsAgreeWithTheConsole(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	other := env.NewAccount()
	simulated := func(who *testenv.Tenant, action string) consoletest.Page {
		ask := url.Values{"who": {"user/" + who.Principal.Name}, "action": {action}, "address": {"127.0.0.1"}}
		asker := env.Tenant
		if who.Account == other.Account {
			asker = other
		}
		return env.Visit().SignIn(asker).Get("/console/access/simulate?" + ask.Encode())
	}
	decided := map[bool]int{}
	for name, who := range map[string]*testenv.Tenant{
		"a reviewer":            env.AsUser("reviewer", testenv.Policy(testenv.Allow("*", "chancery:review.*"))),
		"who may do everything": env.AsUser("ada", "AdministratorAccess"),
		"who may do nothing":    env.AsUser("bob", "AliyunYundunCertReadOnlyAccess"),
		"one who is denied":     env.AsUser("dan", testenv.Policy(testenv.Allow("*", "*"), testenv.Deny("*", "chancery:*"))),
		"another's":             other.AsUser("eve", testenv.Policy(testenv.Allow("*", "*"))),
	} {
		visitor := env.Visit().SignIn(who)
		for action, path := range map[string]string{
			"chancery:review.list": "operator/reviews", "chancery:account.list": "operator/accounts", "chancery:audit.read": "operator/audit",
			"ram:ListUsers": "access/users", "notice:ListNotices": "notices",
		} {
			did := visitor.Get("/console/"+path).Status == http.StatusOK
			page := simulated(who, action)
			if said := strings.Contains(page.Body, `notice good" role="status"`); said != did || !strings.Contains(page.Body, `role="status"`) {
				t.Errorf("%s, %s: the console says %t, the simulation\n%s", name, action, did, page.Body)
			}
			decided[did]++
		}
	}
	if decided[true] < 5 || decided[false] < 5 {
		t.Errorf("too little was asked: %v", decided)
	}
	eve := other.AsUser("mallory", "AdministratorAccess")
	if page := simulated(eve, "chancery:review.list"); !strings.Contains(page.Body, "does not operate the instance") {
		t.Errorf("it does not say what is missing:\n%s", page.Body)
	}
	ask := url.Values{"who": {"user/ada"}, "action": {"chancery:review.list"}, "resource": {"order/5"}}
	if page := env.Visit().SignIn(env.Tenant).Get("/console/access/simulate?" + ask.Encode()); !strings.Contains(page.Body, "is about no single resource") {
		t.Errorf("a resource is taken:\n%s", page.Body)
	}
}
