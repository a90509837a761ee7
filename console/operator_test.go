package console_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/console"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// applyOV applies for an OV certificate by the API and proves its names.
func applyOV(env *consoletest.Env, domain, company, applicant string) int64 {
	var out cas.CreateOutput
	env.Call("CreateCertificateForPackageRequest", cas.CreateCertificateForPackageRequestInput{
		ProductCode: "symantec-ov-1-personal", Domain: domain, CompanyName: company,
		Username: applicant, Phone: "13900001111", Email: "ada@example.com",
	}).Decode(&out)
	env.Publish(out.OrderId)
	env.Clock.Advance(time.Second)
	env.Await(out.OrderId, chancery.Process)
	return out.OrderId
}

// withCompanies gives the account OV plans and companies of these names.
func withCompanies(env *consoletest.Env, names ...string) {
	env.Grant("symantec-ov-1-personal", 20)
	for _, name := range names {
		env.Call("CreateCompany", cas.CreateCompanyInput{
			CompanyName: name, CompanyType: 1, CompanyCode: "91330100MA2H0XJK5T", CompanyPhone: "0571-8500", CompanyAddress: "1 Wensan Road",
			PostCode: "310000", CountryCode: "CN", Province: "Zhejiang", City: "Hangzhou", CompanyEmail: "it@example.com", Department: "IT", Lang: "zh",
		}).Decode(&cas.CompanyIDOutput{})
	}
}

// The operator's pages and those of an account's administrator, in each look.
func TestOperatorsPagesInABrowser(t *testing.T) {
	env := consoletest.New(t)
	withCompanies(env, "Example Ltd")
	order := applyOV(env, "ov.example.test", "Example Ltd", "Ada Lovelace")
	env.AsUser("ada", "AliyunYundunCertReadOnlyAccess", "AliyunYundunCertFullAccess").InGroup("deployers", "AliyunYundunCertFullAccess")
	env.NewAccount()
	operate(t, env, "notice.target.add", admin.NewNoticeTarget{Whose: admin.Whose{AccountID: env.Account}, Kind: chancery.MailTarget, Addresses: []string{"ops@example.com"}})
	browser := env.Browser()
	browser.SignIn(env.Tenant)
	pages := map[string]string{
		"reviews":      "/console/operator/reviews",
		"review":       "/console/operator/reviews/" + decimal(order),
		"accounts":     "/console/operator/accounts",
		"account":      "/console/operator/accounts/" + decimal(int64(env.Account)),
		"issuers":      "/console/operator/issuers",
		"steps":        "/console/operator/steps",
		"steps-parked": "/console/operator/steps?which=parked",
		"audit":        "/console/operator/audit",
		"audit-none":   "/console/operator/audit?principal=nobody",
		"notices":      "/console/notices",
		"op-notices":   "/console/operator/notices",
		"sessions":     "/console/operator/sessions",
		"health":       "/console/operator/health",
		"settings":     "/console/operator/settings",
		"users":        "/console/access/users",
		"user":         "/console/access/users/ada",
		"groups":       "/console/access/groups",
		"policies":     "/console/access/policies",
		"policy":       "/console/access/policies/AliyunYundunCertReadOnlyAccess",
		"roles":        "/console/access/roles",
		"simulate":     "/console/access/simulate?who=user/ada&action=ListCsr",
	}
	for _, look := range consoletest.Looks {
		browser.As(look)
		for name, path := range pages {
			browser.Open(path)
			browser.Check(name + "-" + look.String())
		}
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// The review desk, as whoever sits at it sees it: an order that is applied for by the
// API is approved and issued, another is rejected with a reason that its applicant reads.
func TestReviewDesk(t *testing.T) {
	env := consoletest.New(t)
	withCompanies(env, "Example Ltd")
	first, second := applyOV(env, "first.example.test", "Example Ltd", "Ada"), applyOV(env, "second.example.test", "Example Ltd", "Ada")
	browser := env.Browser()
	browser.As(consoletest.Looks[0])
	browser.SignIn(env.AsUser("desk", testenv.Policy(testenv.Allow("*", "chancery:review.*"))))
	browser.Do(
		chromedp.Click(chromedp.CSS(`nav.side a[href="/console/operator/reviews"]`)),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/console/operator/reviews/`+decimal(first)+`"]`)),
		chromedp.Click(chromedp.CSS(`a[href="/console/operator/reviews/`+decimal(first)+`"]`)),
		chromedp.WaitVisible(chromedp.CSS("#f-checked")),
		chromedp.Click(chromedp.CSS("#f-checked")),
		chromedp.Click(chromedp.CSS(`form[action$="/approve"] button`)),
		// The next order is there at once.
		chromedp.WaitVisible(chromedp.CSS(`form[action="/console/operator/reviews/`+decimal(second)+`/reject"]`)),
	)
	env.Clock.Advance(2 * time.Second)
	env.Await(first, chancery.Issued)
	const reason = `The register knows no <b>Example Ltd</b> & "sons".`
	browser.Do(
		chromedp.SendKeys(chromedp.CSS("#f-reason"), reason),
		chromedp.Click(chromedp.CSS(`form[action$="/reject"] button`)),
		chromedp.WaitVisible(chromedp.CSS("dialog")),
		chromedp.Click(chromedp.CSS("dialog button:not(.secondary)")),
		chromedp.WaitVisible(chromedp.CSS("main .empty")),
	)
	browser.Check("reviews-done")
	if state := env.State(second); state.Type != "verify_fail" || state.Reason != reason {
		t.Errorf("the applicant reads %q of an order in state %s", state.Reason, state.Type)
	}
	for _, action := range []string{"chancery:ApproveOrder", "chancery:RejectOrder"} {
		lines := env.AuditLog(chancery.AuditFilter{Action: action, Most: 10})
		if len(lines) != 1 || !strings.HasSuffix(lines[0].Principal, ":user/desk") {
			t.Errorf("%s: the audit log has %+v", action, lines)
		}
	}
}

// Without scripts an approval needs the tick, a rejection its reason; what is decided
// already is said in words.
func TestReviewDeskRefuses(t *testing.T) {
	env := consoletest.New(t)
	withCompanies(env, "Example Ltd")
	order := applyOV(env, "ov.example.test", "Example Ltd", "Ada")
	at := "/console/operator/reviews/" + decimal(order)
	visitor := signedIn(env, env.Tenant)
	for path, form := range map[string]url.Values{
		"/approve": {}, "/reject": {"reason": {"  "}}, "/approve?": {"checked": {"no"}}, "/reject?": {"reason": {strings.Repeat("x", 501)}},
	} {
		if got := visitor.Post(at+path, form); got.Status != http.StatusUnprocessableEntity || env.Order(order).Review != chancery.ReviewPending {
			t.Errorf("%s with %v: HTTP %d", path, form, got.Status)
		}
	}
	if got := visitor.Post(at+"/reject", url.Values{"reason": {"no"}}); got.Status != http.StatusSeeOther {
		t.Fatalf("rejecting: HTTP %d", got.Status)
	}
	if got := visitor.Post(at+"/approve", url.Values{"checked": {"yes"}}); got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, "does not wait for a review") {
		t.Errorf("approving what was rejected: HTTP %d", got.Status)
	}
	if got := visitor.Get("/console/operator/reviews/77"); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "there is no order 77") {
		t.Errorf("an order that is not there: HTTP %d", got.Status)
	}
}

// Who is not the operator's gets nothing of any of these pages, whatever is asked or
// sent; nor who is an ordinary user of the operator's account.
func TestDeniedTheOperatorsPages(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	other := env.NewAccount()
	before := env.Count("SELECT COUNT(*) FROM accounts")
	for name, who := range map[string]struct {
		tenant *testenv.Tenant
		access bool // they administer their own account
	}{
		"a user of an ordinary account":           {other.AsUser("bob", "AliyunYundunCertFullAccess"), false},
		"an ordinary user of the operator's":      {env.AsUser("carol", "AliyunYundunCertFullAccess"), false},
		"a user with no policy":                   {other.AsUser("dave"), false},
		"an administrator of an ordinary account": {other.AsUser("eve", "AdministratorAccess"), true},
		"an ordinary account":                     {other, true},
	} {
		visitor := env.Visit().SignIn(who.tenant)
		home := visitor.Get("/console/").Body
		if strings.Contains(home, "/console/operator/") || strings.Contains(home, "/console/access/users") != who.access {
			t.Errorf("%s: the menu has %q", name, home)
		}
		for _, route := range console.Routes() {
			operators := strings.HasPrefix(route.Path, "operator/")
			own := strings.HasPrefix(route.Path, "access/") || strings.HasPrefix(route.Path, "notices")
			if !operators && (who.access || !own) {
				continue
			}
			paths := []string{somewhere(route.Path), strings.ReplaceAll(somewhere(route.Path), "/1", "/"+decimal(int64(env.Account)))}
			for _, path := range paths {
				got := visitor.Send(route.Method, path, nil)
				if route.Method == http.MethodPost {
					got = visitor.Post(path, url.Values{"account": {decimal(int64(env.Account))}, "product": {chancery.DefaultProduct}, "count": {"1"}, "name": {"x"}, "confirm": {"1"}, "checked": {"yes"}, "reason": {"x"}, "operator": {"on"}, "password": {"correct horse"}, "again": {"correct horse"}})
				}
				if got.Status != http.StatusForbidden {
					t.Errorf("%s: %s %s: HTTP %d", name, route.Method, path, got.Status)
				}
			}
		}
	}
	if after := env.Count("SELECT COUNT(*) FROM accounts"); after != before {
		t.Errorf("there are %d accounts, not %d", after, before)
	}
}

// An account's administrator gets at what is the account's and at nothing else's, also
// where another account is named in the form.
func TestAdministrationStaysInTheAccount(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	other := env.NewAccount()
	victim := env.AsUser("victim", "AliyunYundunCertFullAccess")
	eve := other.AsUser("eve", "AdministratorAccess")
	visitor := signedIn(env, eve)
	foreign := url.Values{
		"account": {decimal(int64(env.Account))}, "accountId": {decimal(int64(env.Account))}, "AccountID": {decimal(int64(env.Account))},
		"password": {"correct horse battery"}, "again": {"correct horse battery"}, "confirm": {"victim"}, "key": {victim.Key.ID},
		"user": {"victim"}, "policy": {"AdministratorAccess"},
	}
	for _, path := range []string{"users/victim/password", "users/victim/factor", "users/victim/keys", "users/victim/delete", "keys/disable", "attach", "detach"} {
		got := visitor.Post("/console/access/"+path, foreign)
		if strings.Contains(got.Body, "accessKeySecret") || got.Status == http.StatusOK {
			t.Errorf("%s: HTTP %d", path, got.Status)
		}
	}
	if victim.Quota(chancery.DefaultProduct); env.Count("SELECT COUNT(*) FROM users WHERE name = 'victim'") != 1 ||
		env.Count("SELECT COUNT(*) FROM access_keys WHERE disabled = 1") != 0 {
		t.Error("the other account's user was changed")
	}
	visitor.Get("/console/") // which shows what the last form came to
	if got := visitor.Get("/console/access/users?account=" + decimal(int64(env.Account))); strings.Contains(got.Body, "victim") {
		t.Error("the other account's users are shown")
	}
	// Nor does whoever administers the users get at the account's own keys.
	visitor.Post("/console/access/keys/disable", url.Values{"key": {other.Key.ID}})
	if env.Count("SELECT COUNT(*) FROM access_keys WHERE disabled = 1") != 0 {
		t.Error("a user disabled the key of the account itself")
	}
	for call := range map[string]bool{"account.list": true, "plan.grant": true, "review.approve": true, "audit.read": true, "console.link": true, "accesskey.nothing": true} {
		if _, known := admin.AdministrationAction(call); known {
			t.Errorf("%s is a call of an account's administration", call)
		}
	}
}

// An account's administrator makes a user, gives it a key that works, a password, and
// a policy, and takes them away again.
func TestAdministration(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	other := env.NewAccount()
	visitor := signedIn(env, other.AsUser("eve", "AdministratorAccess"))
	post := func(path string, form url.Values, status int, says string) consoletest.Page {
		t.Helper()
		got := visitor.Post("/console/access/"+path, form)
		if got.Status == http.StatusSeeOther {
			got.Body = visitor.Get(got.Header.Get("Location")).Body
		}
		if got.Status != status || !strings.Contains(got.Body, says) {
			t.Fatalf("%s: HTTP %d without %q\n%s", path, got.Status, says, got.Body)
		}
		return got
	}
	post("users", url.Values{"name": {"no good"}}, http.StatusUnprocessableEntity, `aria-invalid="true"`)
	post("users", url.Values{"name": {"bob"}, "displayName": {"Bob <i>"}}, http.StatusSeeOther, "User bob is there")
	post("users", url.Values{"name": {"bob"}}, http.StatusUnprocessableEntity, "there is a user bob already")
	made := post("users/bob/keys", nil, http.StatusOK, "shown this once")
	id, secret := between(made.Body, `data-copy="`, `"`, 0), between(made.Body, `data-copy="`, `"`, 1)
	if got := env.Visit().SignInAs(id, secret); got.Status != http.StatusSeeOther {
		t.Errorf("signing in with the new key: HTTP %d", got.Status)
	}
	if again := visitor.Get("/console/access/users/bob").Body; strings.Contains(again, secret) || !strings.Contains(again, id) {
		t.Error("the secret is shown again, or the key is not")
	}
	post("users/bob/password", url.Values{"password": {"short"}, "again": {"short"}}, http.StatusUnprocessableEntity, "10 or more characters")
	post("users/bob/password", url.Values{"password": {"correct horse"}, "again": {"correct hors"}}, http.StatusUnprocessableEntity, "not the same")
	post("users/bob/password", url.Values{"password": {"correct horse"}, "again": {"correct horse"}}, http.StatusSeeOther, "password of bob is set")
	if got := env.Visit().SignInByPassword(decimal(int64(other.Account)), "bob", "correct horse"); got.Status != http.StatusSeeOther {
		t.Errorf("signing in with the password: HTTP %d", got.Status)
	}
	post("users/bob/factor", nil, http.StatusOK, "otpauth://totp/")
	post("users/bob/factor", url.Values{"remove": {"yes"}}, http.StatusSeeOther, "password alone")
	post("attach", url.Values{"user": {"bob"}, "policy": {"AliyunYundunCertReadOnlyAccess"}}, http.StatusSeeOther, "is attached")
	if got := visitor.Get("/console/access/simulate?who=user/bob&action=ListCsr").Body; !strings.Contains(got, "Allowed.") {
		t.Error("the policy is not seen to allow")
	}
	if got := visitor.Get("/console/access/simulate?who=user/bob&action=DeleteCsr").Body; !strings.Contains(got, "Not allowed.") {
		t.Error("the policy is not seen to deny")
	}
	post("detach", url.Values{"user": {"bob"}, "policy": {"AliyunYundunCertReadOnlyAccess"}}, http.StatusSeeOther, "is taken away")
	post("groups", url.Values{"name": {"ops"}}, http.StatusSeeOther, "Group ops is there")
	post("groups/ops", url.Values{"do": {"add"}, "user": {"bob"}}, http.StatusSeeOther, "bob is in the group")
	post("groups/ops", url.Values{"do": {"remove"}, "user": {"bob"}}, http.StatusSeeOther, "no longer in the group")
	post("groups/ops", url.Values{"do": {"delete"}}, http.StatusSeeOther, "Group ops is deleted")
	post("keys/disable", url.Values{"key": {id}}, http.StatusSeeOther, "is disabled")
	post("users/bob/delete", url.Values{"confirm": {"bo"}}, http.StatusUnprocessableEntity, "exactly")
	post("users/bob/delete", url.Values{"confirm": {"bob"}}, http.StatusSeeOther, "User bob is deleted")
}

// signedIn is a visitor who has a page of the session, and so its token.
func signedIn(env *consoletest.Env, who *testenv.Tenant) *consoletest.Visitor {
	visitor := env.Visit().SignIn(who)
	visitor.Get("/console/")
	return visitor
}

// between is the n-th text between two others.
func between(text, before, after string, n int) string {
	parts := strings.Split(text, before)
	if len(parts) < n+2 {
		return ""
	}
	found, _, _ := strings.Cut(parts[n+1], after)
	return html.UnescapeString(found)
}

// The operator makes an account, grants it a plan, gives it a key.
func TestAccounts(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visitor := signedIn(env, env.Tenant)
	if got := visitor.Post("/console/operator/accounts", url.Values{"name": {" "}}); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("an account without a name: HTTP %d", got.Status)
	}
	at := visitor.Post("/console/operator/accounts", url.Values{"name": {"Team <1>"}}).Header.Get("Location")
	if got := visitor.Get(at).Body; !strings.Contains(got, "Team &lt;1&gt;") {
		t.Fatalf("the page of the account at %q", at)
	}
	for field, form := range map[string]url.Values{
		"product": {"product": {"none"}, "count": {"1"}}, "count": {"product": {chancery.DefaultProduct}, "count": {"0"}},
		"until": {"product": {chancery.DefaultProduct}, "count": {"1"}, "until": {"2001-01-01"}},
	} {
		if got := visitor.Post(at+"/grant", form); got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, `aria-describedby="h-`+field+`"`) {
			t.Errorf("granting with a wrong %s: HTTP %d", field, got.Status)
		}
	}
	if got := visitor.Post(at+"/grant", url.Values{"product": {chancery.DefaultProduct}, "count": {"7"}, "until": {"2099-12-31"}}); got.Status != http.StatusSeeOther {
		t.Errorf("granting: HTTP %d", got.Status)
	}
	if got := visitor.Get(at).Body; !strings.Contains(got, "0 of 7") || !strings.Contains(got, "7 units of") {
		t.Error("the plan is not shown")
	}
	made := visitor.Post(at+"/key", nil)
	if got := env.Visit().SignInAs(between(made.Body, `data-copy="`, `"`, 0), between(made.Body, `data-copy="`, `"`, 1)); got.Status != http.StatusSeeOther {
		t.Errorf("signing in with the account's new key: HTTP %d", got.Status)
	}
	visitor.Post(at+"/operator", url.Values{"operator": {"on"}})
	if n := env.Count("SELECT COUNT(*) FROM accounts WHERE operator = 1"); n != 2 {
		t.Errorf("%d accounts operate", n)
	}
	visitor.Post("/console/operator/accounts/"+decimal(int64(env.Account))+"/operator", url.Values{"operator": {"off"}})
	if n := env.Count("SELECT COUNT(*) FROM accounts WHERE operator = 1"); n != 2 {
		t.Error("the operator took the pages from themselves")
	}
}

// What applicants, tenants, users and CAs write, and what stands in the audit log, is
// shown as text.
func TestHostileValuesOnTheOperatorsPages(t *testing.T) {
	env := consoletest.New(t)
	visitor := signedIn(env, env.Tenant)
	withCompanies(env, "Example Ltd")
	env.Grant(chancery.DefaultProduct, 2*int64(len(xssPayloads)))
	env.Grant("symantec-ov-1-personal", 2*int64(len(xssPayloads)))
	env.AsUser("ada").InGroup("deployers")
	browser := env.Browser()
	browser.As(consoletest.Look{})
	browser.SignIn(env.Tenant)
	for i, value := range xssPayloads {
		at := map[string]string{} // paths, and what must be shown there
		order := applyOV(env, "h"+strconv.Itoa(i)+".example.test", "Example Ltd", "Ada")
		env.SQL("UPDATE orders SET username = ?, company = ?, phone = ?, email = ?, state = 'process', review = 'pending' WHERE id = ?", value, value, value, value, order)
		waits := env.Apply("w" + strconv.Itoa(i) + ".example.test")
		env.SQL("UPDATE steps SET last_error = ?, attempts = 3, last_run_at = due_at WHERE order_id = ?", value, waits)
		account := env.NewAccount().Account
		env.SQL("UPDATE accounts SET name = ? WHERE id = ?", value, int64(account))
		env.SQL("UPDATE users SET display_name = ? WHERE name = 'ada'", value)
		operate(t, env, "notice.target.add", admin.NewNoticeTarget{Whose: admin.Whose{Operator: true}, Kind: chancery.MailTarget, Addresses: []string{"ops@example.com"}})
		env.SQL("UPDATE notice_targets SET place = ?, error = ?, failed_at = 1, failures = 1", value, value)
		env.Call("CreateContact", cas.CreateContactInput{Name: value, Mobile: "1", Email: "a@example.com"})
		line := chancery.AuditLine{AccountID: env.Account, At: env.Clock.Now(), Principal: value, AccessKeyID: value, Address: value, Action: value, Resource: value, RequestID: value, Code: chancery.Code(value)}
		env.Write(func(tx chancery.Tx) error { return tx.AppendAudit(line) })
		at["/console/operator/reviews/"+decimal(order)] = value
		at["/console/operator/reviews"] = value
		at["/console/operator/accounts?"+url.Values{"q": {value}}.Encode()] = value
		at["/console/operator/accounts/"+decimal(int64(account))] = value
		at["/console/operator/steps?which=failing&order="+decimal(waits)] = value
		at["/console/operator/audit"] = value
		at["/console/operator/notices"] = value
		at["/console/access/users"] = value
		at["/console/access/users/ada"] = value
		at["/console/contacts"] = value
		browsed := slices.Sorted(maps.Keys(at))
		for _, field := range []string{"principal", "action", "resource", "since", "account"} {
			at["/console/operator/audit?"+url.Values{field: {value}}.Encode()] = value
		}
		at["/console/operator/steps?"+url.Values{"order": {value}}.Encode()] = value
		at["/console/access/simulate?"+url.Values{"who": {value}, "action": {value}, "resource": {value}}.Encode()] = value
		for path, shown := range at {
			got := visitor.Get(path)
			if got.Status != http.StatusOK {
				t.Errorf("%s: HTTP %d", path, got.Status)
			}
			shownAsText(t, path, got.Body, shown)
		}
		for path, form := range map[string]url.Values{
			"/console/access/users":            {"name": {value}, "displayName": {strings.Repeat(value, 20)}},
			"/console/access/policies":         {"name": {value}, "description": {value}, "document": {value}},
			"/console/operator/notices":        {"target": {"webhook"}, "format": {value}, "url": {value}},
			"/console/operator/accounts":       {"name": {strings.Repeat(value, 20)}},
			"/console/access/users/ada/attach": {"policy": {value}},
		} {
			if got := visitor.Post(path, form); got.Status == http.StatusOK || strings.ContainsAny(value, `<"'`) && strings.Contains(got.Body, value) {
				t.Errorf("%s with %q: HTTP %d", path, value, got.Status)
			}
		}
		for j, path := range browsed {
			if inTurn(i, j) {
				browser.Open(path)
				nothingRan(t, path, browser)
			}
		}
		if i == 0 {
			browser.Check("hostile")
		}
		env.SQL("DELETE FROM notice_targets WHERE id > ?", 0)
		env.SQL("UPDATE orders SET review = 'approved' WHERE id = ?", order) // so that the next is on the first page
	}
}

// A spreadsheet takes nothing in an export for a formula, and the file is not cut off
// where a batch ends.
func TestAuditExport(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	formulas := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "|calc", "a,\"b\"\n=c", "\r=1"}
	const lines = 2500
	env.Write(func(tx chancery.Tx) error {
		for i := range lines {
			value := formulas[i%len(formulas)]
			line := chancery.AuditLine{AccountID: env.Account, At: env.Clock.Now(), Principal: value, Action: value, Resource: value, Address: value}
			if err := tx.AppendAudit(line); err != nil {
				return err
			}
		}
		return nil
	})
	visitor := signedIn(env, env.Tenant)
	got := visitor.Get("/console/operator/audit/export?format=csv")
	if got.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(got.Header.Get("Content-Disposition"), `attachment; filename="audit-`) ||
		!strings.HasPrefix(got.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("the headers are %v", got.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(got.Body)).ReadAll()
	if err != nil || len(rows) < lines+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if trimmed := strings.TrimSpace(cell); trimmed != "" && strings.ContainsRune("=+-@＝|", []rune(trimmed)[0]) {
				t.Fatalf("a cell begins like a formula: %q", cell)
			}
		}
	}
	got = visitor.Get("/console/operator/audit/export?format=jsonl&principal=acs:nobody")
	if got.Status != http.StatusOK || got.Body != "" {
		t.Errorf("what nobody did: HTTP %d, %q", got.Status, got.Body)
	}
	got = visitor.Get("/console/operator/audit/export?format=jsonl")
	decoder, last := json.NewDecoder(strings.NewReader(got.Body)), int64(0)
	for decoder.More() {
		var line admin.AuditLine
		if err := decoder.Decode(&line); err != nil || line.Seq != last+1 {
			t.Fatalf("line %d after %d: %v", line.Seq, last, err)
		}
		last = line.Seq
	}
	if last < lines {
		t.Errorf("%d lines", last)
	}
	if reads := len(audit(env, env.Tenant, "chancery:audit.read")); reads != 3 {
		t.Errorf("three exports left %d lines", reads)
	}
}

// The newest lines are first, and every one is met once on the way to the oldest and
// back.
func TestAuditPages(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Write(func(tx chancery.Tx) error {
		for i := range 120 {
			line := chancery.AuditLine{AccountID: env.Account, At: env.Clock.Now(), Principal: "p", Action: "sts:AssumeRole", Resource: "order/" + strconv.Itoa(i)}
			if err := tx.AppendAudit(line); err != nil {
				return err
			}
		}
		return nil
	})
	visitor := signedIn(env, env.Tenant)
	resource := regexp.MustCompile(`>order/(\d+)<`)
	read := func(path string) (list []string, older, newer string) {
		body := visitor.Get(path).Body
		for _, found := range resource.FindAllStringSubmatch(body, -1) {
			list = append(list, found[1])
		}
		link := func(rel string) string {
			found := regexp.MustCompile(`<a href="([^"]*)" rel="` + rel + `"`).FindStringSubmatch(body)
			if found == nil {
				return ""
			}
			return "/console/operator/audit" + html.UnescapeString(found[1])
		}
		return list, link("next"), link("prev")
	}
	page, older, newer := read("/console/operator/audit?action=sts:AssumeRole")
	if len(page) != 50 || page[0] != "119" || page[49] != "70" || newer != "" {
		t.Fatalf("the first page has %v, and before it %q", page, newer)
	}
	page, older, newer = read(older)
	if len(page) != 50 || page[0] != "69" || page[49] != "20" || newer == "" {
		t.Fatalf("the second page has %v", page)
	}
	last, end, back := read(older)
	if len(last) != 20 || last[19] != "0" || end != "" {
		t.Errorf("the last page has %v, and after it %q", last, end)
	}
	if page, _, _ = read(back); len(page) != 50 || page[0] != "69" {
		t.Errorf("back from the last page there is %v", page)
	}
	if page, _, _ = read(newer); len(page) != 50 || page[0] != "119" {
		t.Errorf("back on the first page there is %v", page)
	}
}

// BenchmarkOperatorsPages measures pages of the operator's at a hundred thousand lines,
// also with a filter that picks none of them, and at ten thousand accounts.
func BenchmarkOperatorsPages(b *testing.B) {
	env := consoletest.New(b, testenv.WithoutWorker())
	const lines, accounts = 100_000, 10_000
	env.SQL(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO audit (account_id, seq, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash)
		SELECT ?, 1000 + i, i, 'r', 'acs:ram::1:user/ada', 'k', '192.0.2.7', 'yundun-cert:ListCsr', 'order/' || i, '', 0, x'00' FROM n`, lines, int64(env.Account)+1)
	env.SQL(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO accounts (id, name, created_at, operator) SELECT 100 + i, 'account ' || i, i, 0 FROM n`, accounts)
	other := env.NewAccount()
	env.SQL("UPDATE audit SET account_id = ? WHERE account_id = ?", int64(other.Account), int64(env.Account)+1)
	visitor := signedIn(env, env.Tenant)
	account := "account=" + decimal(int64(other.Account))
	for _, path := range []string{
		"operator/audit?" + account, "operator/audit?before=50000&" + account, "operator/audit?refused=1&" + account,
		"operator/audit?principal=user/nobody&" + account, "operator/accounts", "operator/accounts?page=300", "operator/accounts?q=9999",
	} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if got := visitor.Get("/console/" + path); got.Status != http.StatusOK {
					b.Fatalf("HTTP %d", got.Status)
				}
			}
		})
	}
	env.SQL("DELETE FROM audit WHERE account_id = ?", int64(other.Account)) // no chain
	env.SQL("DELETE FROM accounts WHERE name LIKE 'account %'")
}

// courier delivers to a place, or does not.
type courier struct{ failure error }

// Deliver implements chancery.Courier.
func (c *courier) Deliver(context.Context, chancery.Notice, chancery.NoticeTarget) error {
	return c.failure
}

// An account's administrator adds a target, sees its secret once, tests it and removes
// it; another account's targets are out of reach.
func TestNotices(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	sent := &courier{}
	env.Admin.Courier = sent
	other := env.NewAccount()
	visitor := signedIn(env, other.AsUser("eve", "AdministratorAccess"))
	for field, form := range map[string]url.Values{"url": {"target": {"webhook"}, "format": {"generic"}}, "addresses": {"target": {"mail"}}} {
		if got := visitor.Post("/console/notices", form); got.Status != http.StatusUnprocessableEntity || !regexp.MustCompile(`name="`+field+`"[^>]*aria-invalid`).MatchString(got.Body) {
			t.Errorf("no %s: HTTP %d", field, got.Status)
		}
	}
	if got := visitor.Post("/console/notices", url.Values{"target": {"webhook"}, "format": {"generic"}, "url": {"javascript:alert(1)"}}); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("a URL that is none: HTTP %d", got.Status)
	}
	added := visitor.Post("/console/notices", url.Values{"target": {"webhook"}, "format": {"generic"}, "url": {"https://hooks.example.com/s3cret"}, "kind-quota-low": {"1"}})
	secret := between(added.Body, `data-copy="`, `"`, 0)
	page := visitor.Get("/console/notices").Body
	if !strings.HasPrefix(secret, "whsec_") || strings.Contains(page, secret) || strings.Contains(page, "s3cret") || !strings.Contains(page, "hooks.example.com") {
		t.Fatalf("the secret %q is shown again, or the target is not", secret)
	}
	id := between(page, `action="/console/notices/`, "/test", 0)
	says := func(path, want string) {
		t.Helper()
		if got := visitor.Post("/console/notices/"+id+"/"+path, nil); got.Status != http.StatusSeeOther {
			t.Errorf("%s: HTTP %d", path, got.Status)
		}
		if got := visitor.Get("/console/notices").Body; !strings.Contains(got, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	says("test", "has arrived at")
	sent.failure = &chancery.UndeliveredError{Reason: "it said <b>no</b>"}
	says("test", "it said &lt;b&gt;no&lt;/b&gt;")
	stranger := signedIn(env, env.Tenant)
	stranger.Post("/console/notices/"+id+"/remove", url.Values{"operator": {"true"}})
	if env.Count("SELECT COUNT(*) FROM notice_targets") != 1 {
		t.Error("another account removed the target")
	}
	says("remove", "is removed")
}
