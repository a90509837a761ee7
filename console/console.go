package console

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/rpc"
)

// Console serves the pages. All fields are needed, and none is changed after Handler
// was called.
type Console struct {
	Store     chancery.Store
	Gateway   *rpc.Gateway
	Admin     *admin.Admin
	Catalogue chancery.Catalogue
	Clock     chancery.Clock
	Log       *slog.Logger
	// Rules are the dated limits of certificates, in order of dates.
	Rules []Rule

	routes []route
}

// Rule is what holds for certificates issued from a date on.
type Rule struct {
	From      time.Time
	LeafDays  int // the longest life of a certificate
	ReuseDays int // how long one validation of a domain may be used
}

// Root is where the console is mounted.
const Root = "/console/"

// route is a row of the table of pages.
type route struct {
	method string
	path   string            // below Root, as http.ServeMux writes patterns
	serve  func(*page) error // answers by render or redirect, once
	// needs is the RAM action without which there is neither the page nor its entry in
	// the menu; empty for pages whose calls decide for themselves, as those about one
	// resource. One that begins with chancery: also takes an operator's account.
	needs string
	// menu is the entry's key in the messages; empty for pages that have none.
	menu string
	// open: also for who is not signed in.
	open bool
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// routes is the table of pages, in the order of the menu.
func routes() []route {
	return []route{
		{method: get, path: "{$}", serve: overview, menu: "overview.title"},

		{method: get, path: "explorer", serve: explore, menu: "explorer.title"},
		{method: get, path: "explorer/{operation}", serve: exploreOperation},
		{method: post, path: "explorer/{operation}", serve: tryOperation},
		{method: get, path: "errors", serve: showErrorCodes, menu: "errors.title"},

		{method: get, path: "sign-in", serve: showSignIn, open: true},
		{method: post, path: "sign-in", serve: signIn, open: true},
		{method: get, path: "sign-in/code", serve: showCode, open: true},
		{method: post, path: "sign-in/code", serve: signInCode, open: true},
		{method: get, path: "welcome", serve: showWelcome, open: true},
		{method: post, path: "welcome", serve: welcome, open: true},
		{method: post, path: "sign-out", serve: signOut},
		{method: post, path: "preferences", serve: setPreferences, open: true},

		// Who may do what in the account, for its administrators.
		{method: get, path: "access/users", serve: listUsers, needs: "ram:ListUsers", menu: "access.title"},
		{method: post, path: "access/users", serve: createUser, needs: "ram:CreateUser"},
		{method: get, path: "access/users/{name}", serve: showUser, needs: "ram:GetUser"},
		{method: post, path: "access/users/{name}/password", serve: setPassword, needs: "ram:UpdateLoginProfile"},
		{method: post, path: "access/users/{name}/factor", serve: setFactor, needs: "ram:BindMFADevice"},
		{method: post, path: "access/users/{name}/keys", serve: createUserKey, needs: "ram:CreateAccessKey"},
		{method: post, path: "access/users/{name}/delete", serve: deleteUser, needs: "ram:DeleteUser"},
		{method: post, path: "access/keys/disable", serve: disableKey, needs: "ram:UpdateAccessKey"},
		{method: get, path: "access/groups", serve: listGroups, needs: "ram:ListGroups"},
		{method: post, path: "access/groups", serve: createGroup, needs: "ram:CreateGroup"},
		{method: post, path: "access/groups/{name}", serve: changeGroup, needs: "ram:ListGroups"},
		{method: get, path: "access/policies", serve: listPolicies, needs: "ram:ListPolicies"},
		{method: get, path: "access/policies/{name}", serve: showPolicy, needs: "ram:GetPolicy"},
		{method: post, path: "access/attach", serve: attachPolicy, needs: "ram:AttachPolicy"},
		{method: post, path: "access/detach", serve: detachPolicy, needs: "ram:DetachPolicy"},
		{method: get, path: "access/roles", serve: listRoles, needs: "ram:ListRoles"},
		{method: get, path: "access/roles/{name}", serve: showRole, needs: "ram:GetRole"},
		{method: get, path: "access/simulate", serve: simulate, needs: "ram:SimulatePolicy"},

		{method: get, path: "notices", serve: accountNotices, needs: "notice:ListNotices", menu: "notices.title"},
		{method: post, path: "notices", serve: addAccountTarget, needs: "notice:CreateTarget"},
		{method: post, path: "notices/{id}/test", serve: testAccountTarget, needs: "notice:TestTarget"},
		{method: post, path: "notices/{id}/remove", serve: removeAccountTarget, needs: "notice:DeleteTarget"},

		// The operator's.
		{method: get, path: "operator/reviews", serve: listReviews, needs: "chancery:review.list", menu: "reviews.title"},
		{method: get, path: "operator/reviews/{id}", serve: showReview, needs: "chancery:review.show"},
		{method: post, path: "operator/reviews/{id}/approve", serve: approveReview, needs: "chancery:review.approve"},
		{method: post, path: "operator/reviews/{id}/reject", serve: rejectReview, needs: "chancery:review.reject"},
		{method: get, path: "operator/accounts", serve: listAccounts, needs: "chancery:account.list", menu: "accounts.title"},
		{method: post, path: "operator/accounts", serve: createAccount, needs: "chancery:account.create"},
		{method: get, path: "operator/accounts/{id}", serve: showAccount, needs: "chancery:account.list"},
		{method: post, path: "operator/accounts/{id}/grant", serve: grantPlan, needs: "chancery:plan.grant"},
		{method: post, path: "operator/accounts/{id}/operator", serve: setOperator, needs: "chancery:account.operator"},
		{method: post, path: "operator/accounts/{id}/key", serve: createAccountKey, needs: "chancery:accesskey.create"},
		{method: get, path: "operator/issuers", serve: listIssuers, needs: "chancery:issuer.list", menu: "issuers.title"},
		{method: post, path: "operator/issuers/{name}/test", serve: testIssuer, needs: "chancery:issuer.test"},
		{method: get, path: "operator/steps", serve: listSteps, needs: "chancery:steps.list", menu: "steps.title"},
		{method: post, path: "operator/steps/retry", serve: retrySteps, needs: "chancery:steps.retry"},
		{method: get, path: "operator/audit", serve: showAudit, needs: "chancery:audit.read", menu: "audit.title"},
		{method: get, path: "operator/audit/export", serve: exportAudit, needs: "chancery:audit.read"},
		{method: get, path: "operator/notices", serve: operatorNotices, needs: "chancery:notice.list", menu: "notices.operators"},
		{method: post, path: "operator/notices", serve: addOperatorTarget, needs: "chancery:notice.target.add"},
		{method: post, path: "operator/notices/{id}/test", serve: testOperatorTarget, needs: "chancery:notice.target.test"},
		{method: post, path: "operator/notices/{id}/remove", serve: removeOperatorTarget, needs: "chancery:notice.target.remove"},
		{method: get, path: "operator/sessions", serve: listSessions, needs: "chancery:console.sessions", menu: "sessions.title"},
		{method: post, path: "operator/sessions/end", serve: endSession, needs: "chancery:console.sign-out"},
		{method: get, path: "operator/health", serve: showHealth, needs: "chancery:doctor", menu: "health.title"},
		{method: post, path: "operator/health/doctor", serve: examineData, needs: "chancery:doctor"},
		{method: post, path: "operator/health/keyring", serve: countKeyring, needs: "chancery:keyring.status"},
		{method: get, path: "operator/settings", serve: showSettings, needs: "chancery:settings.list", menu: "settings.title"},
	}
}

// Handler serves everything below Root.
func (c *Console) Handler() http.Handler { return c.handler(routes()) }

func (c *Console) handler(table []route) http.Handler {
	mux := http.NewServeMux()
	c.routes = table
	for i := range c.routes {
		route := &c.routes[i]
		mux.HandleFunc(route.method+" "+Root+route.path, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, route) })
	}
	mux.HandleFunc(get+" "+Root+"static/{hash}/{file...}", serveAsset)
	mux.HandleFunc(Root, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, &route{serve: nowhere, open: true}) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		mux.ServeHTTP(w, r)
	})
}

// nowhere is the page of a path that has none.
func nowhere(*page) error { return chancery.Errorf(chancery.NotFound, "there is no such page") }

// isOperators tells whether an action is one of the operator's calls.
func isOperators(action string) bool { return strings.HasPrefix(action, admin.Action("")) }

// checkRoutes finds rows that could not work: the tests call it.
func checkRoutes() error {
	for _, r := range routes() {
		call, operators := strings.CutPrefix(r.needs, admin.Action(""))
		switch {
		case r.serve == nil, r.method != get && r.method != post, strings.HasPrefix(r.path, "/"):
			return fmt.Errorf("%s %s: give a method, a path below %s and what serves it", r.method, r.path, Root)
		case operators && !admin.Known(call):
			return fmt.Errorf("%s: there is no call %s", r.path, call)
		case r.menu != "" && (r.method != get || strings.Contains(r.path, "{") && r.path != "{$}"):
			return fmt.Errorf("%s: an entry in the menu leads to a page without parameters", r.path)
		}
	}
	return nil
}
