package console_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"chancery"
	"chancery/console"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// Operator's calls are for the principals of an operator's account, as far as policies
// allow, and each leaves a line that names who made it.
func TestOperating(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	other := env.NewAccount()
	server := httptest.NewServer(console.WithOperatorsPage(env.Pages))
	defer server.Close()
	for name, c := range map[string]struct {
		who    *testenv.Tenant
		status int
		line   chancery.Code
	}{
		"the account":                     {env.Tenant, http.StatusOK, ""},
		"a user who is allowed":           {env.AsUser("ada", testenv.Policy(testenv.Allow("*", "chancery:account.*"))), http.StatusOK, ""},
		"a user who is not":               {env.AsUser("bob", "AliyunYundunCertFullAccess"), http.StatusForbidden, "none"},
		"another account":                 {other, http.StatusForbidden, "none"},
		"another account's administrator": {other.AsUser("eve", testenv.Policy(testenv.Allow("*", "*"))), http.StatusForbidden, "none"},
	} {
		visitor := consoletest.NewVisitor(t, server.URL, nil).SignIn(c.who)
		if got := visitor.Get("/console/test/accounts"); got.Status != c.status {
			t.Errorf("%s: HTTP %d", name, got.Status)
		}
		if shown := strings.Contains(visitor.Get("/console/").Body, "/console/test/accounts"); shown != (c.status == http.StatusOK) {
			t.Errorf("%s: the menu has the entry: %t", name, shown)
		}
		if got := visitor.Get("/console/test/grant"); (got.Status == http.StatusOK) != (name == "the account") {
			t.Errorf("%s grants a plan: HTTP %d", name, got.Status)
		}
		lines := audit(env, c.who, "chancery:account.list")
		if c.line == "none" && len(lines) > 0 || c.line == "" && !slices.Equal(lines, []chancery.Code{""}) {
			t.Errorf("%s: the audit log has %q", name, lines)
		}
		if refused := audit(env, c.who, "chancery:plan.grant"); name != "the account" && !slices.Equal(refused, []chancery.Code{"Forbidden.RAM"}) {
			t.Errorf("%s: the audit log has %q of what was refused", name, refused)
		}
	}
	if lines := audit(env, env.Tenant, "chancery:GrantPlan"); !slices.Equal(lines, []chancery.Code{""}) {
		t.Errorf("the audit log has %q of the plan", lines)
	}
}

// audit gives the codes of the lines of what somebody did.
func audit(env *consoletest.Env, who *testenv.Tenant, action string) (codes []chancery.Code) {
	env.Read(func(tx chancery.Tx) error {
		lines, err := tx.AuditLines(who.Account, chancery.AuditFilter{Principal: who.Principal.ARN(), Action: action, Most: 100})
		for _, l := range lines {
			codes = append(codes, l.Code)
		}
		return err
	})
	return codes
}

// What is wrong with a parameter stands beside its field; links of pages keep the query.
func TestForms(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	server := httptest.NewServer(console.WithOperatorsPage(env.Pages))
	defer server.Close()
	visitor := consoletest.NewVisitor(t, server.URL, nil).SignIn(env.Tenant)
	got := visitor.Get("/console/test/form?ProductCode=none&page=2")
	wrong, next, _ := strings.Cut(got.Body, "|")
	if wrong == "" || strings.HasPrefix(wrong, "ProductCode") || next != "?ProductCode=none&page=3" {
		t.Errorf("the form shows %q", got.Body)
	}
	if page := visitor.Get("/console/"); !strings.Contains(page.Body, "Page 2 of 3") {
		t.Error("the next page does not show what was left for it")
	}
	if page := visitor.Get("/console/"); strings.Contains(page.Body, "Page 2 of 3") {
		t.Error("it is shown twice")
	}
}
