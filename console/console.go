package console

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/rpc"
)

// Console serves the pages. All fields but Demonstration are needed, and none is changed after Handler
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
	// Lint names the rules that a server's certificate, in DER, breaks. nil: nobody looks.
	Lint func(certificate []byte) ([]string, error)
	// Demonstration is nil, but in a quickstart.
	Demonstration Demonstration

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
	return slices.Concat([]route{
		{method: get, path: "{$}", serve: overview, menu: "overview.title"},
		{method: get, path: "sign-in", serve: showSignIn, open: true},
		{method: post, path: "sign-in", serve: signIn, open: true},
		{method: get, path: "sign-in/code", serve: showCode, open: true},
		{method: post, path: "sign-in/code", serve: signInCode, open: true},
		{method: get, path: "welcome", serve: showWelcome, open: true},
		{method: post, path: "welcome", serve: welcome, open: true},
		{method: post, path: "sign-out", serve: signOut},
		{method: post, path: "preferences", serve: setPreferences, open: true},
	}, orderRoutes(), certificateRoutes(), stockRoutes(), accessRoutes(), operatorRoutes(), explorerRoutes())
}

// orderRoutes are the pages of applying and of orders.
func orderRoutes() []route {
	return []route{
		{method: get, path: "apply", serve: showApply, needs: applyAction, menu: "apply.title"},
		{method: post, path: "apply", serve: apply, needs: applyAction},
		{method: get, path: "orders", serve: listOrders, needs: "yundun-cert:ListUserCertificateOrder", menu: "orders.title"},
		{method: get, path: "orders/{id}", serve: showOrder},
		{method: post, path: "orders/{id}/look", serve: lookNow},
		{method: post, path: "orders/{id}/publish", serve: publishProofs},
		{method: post, path: "orders/{id}/cancel", serve: cancelOrder},
		{method: post, path: "orders/{id}/delete", serve: deleteOrder},
	}
}

// certificateRoutes are the pages of certificates.
func certificateRoutes() []route {
	return []route{
		{method: get, path: "certificates", serve: listCertificates, needs: "yundun-cert:ListUserCertificateOrder", menu: "certificates.title"},
		{method: get, path: "certificates/upload", serve: showUpload, needs: "yundun-cert:UploadUserCertificate"},
		{method: post, path: "certificates/upload", serve: uploadCertificate},
		{method: get, path: "certificates/{id}", serve: showCertificate},
		{method: get, path: "certificates/{id}/file", serve: downloadCertificate},
		{method: get, path: "certificates/{id}/key", serve: showKeyDownload},
		{method: post, path: "certificates/{id}/key", serve: downloadKey},
		{method: get, path: "certificates/{id}/change", serve: showChange},
		{method: post, path: "certificates/{id}/change", serve: changeCertificate},
		{method: get, path: "certificates/{id}/renew", serve: showRenewal},
		{method: post, path: "certificates/{id}/renew", serve: renewCertificate},
		{method: get, path: "certificates/{id}/revoke", serve: showRevocation},
		{method: post, path: "certificates/{id}/revoke", serve: revokeCertificate},
		{method: get, path: "certificates/{id}/delete", serve: showCertificateDeletion},
		{method: post, path: "certificates/{id}/delete", serve: deleteCertificate},
	}
}

// stockRoutes are the pages of what certificates are made with: plans, CSRs, contacts,
// companies, resource groups and tags.
func stockRoutes() []route {
	return []route{
		{method: get, path: "plans", serve: plans, needs: "yundun-cert:DescribePackageState", menu: "plans.title"},
		{method: get, path: "csrs", serve: listCSRs, needs: "yundun-cert:ListCsr", menu: "csrs.title"},
		{method: get, path: "csrs/create", serve: showCSRCreation, needs: "yundun-cert:CreateCsr"},
		{method: post, path: "csrs/create", serve: createCSR},
		{method: get, path: "csrs/upload", serve: showCSRUpload, needs: "yundun-cert:UploadCsr"},
		{method: post, path: "csrs/upload", serve: uploadCSR},
		{method: get, path: "csrs/{id}", serve: showCSR},
		{method: post, path: "csrs/{id}/add-key", serve: addCSRKey},
		{method: get, path: "csrs/{id}/file", serve: downloadCSR},
		{method: get, path: "csrs/{id}/key", serve: showCSRKey},
		{method: post, path: "csrs/{id}/key", serve: downloadCSRKey},
		{method: get, path: "csrs/{id}/delete", serve: showCSRDeletion},
		{method: post, path: "csrs/{id}/delete", serve: deleteCSR},
		{method: get, path: "contacts", serve: listContacts, needs: "yundun-cert:ListContact", menu: "contacts.title"},
		{method: get, path: "contacts/new", serve: showNewContact, needs: "yundun-cert:CreateContact"},
		{method: post, path: "contacts/new", serve: createContact},
		{method: get, path: "contacts/{id}", serve: showContact},
		{method: post, path: "contacts/{id}", serve: updateContact},
		{method: get, path: "contacts/{id}/delete", serve: showContactDeletion},
		{method: post, path: "contacts/{id}/delete", serve: deleteContact},
		{method: get, path: "companies", serve: listCompanies, needs: "yundun-cert:ListCompanies", menu: "companies.title"},
		{method: get, path: "companies/new", serve: showNewCompany, needs: "yundun-cert:CreateCompany"},
		{method: post, path: "companies/new", serve: createCompany},
		{method: get, path: "companies/{id}", serve: showCompany},
		{method: post, path: "companies/{id}", serve: updateCompany},
		{method: get, path: "companies/{id}/delete", serve: showCompanyDeletion},
		{method: post, path: "companies/{id}/delete", serve: deleteCompany},
		{method: get, path: "resource-groups", serve: listResourceGroups, needs: "yundun-cert:ListUserCertificateOrder", menu: "groups.title"},
		{method: get, path: "tags", serve: listTags, needs: "yundun-cert:ListUserCertificateOrder", menu: "tags.title"},
	}
}

// explorerRoutes are the pages about the API.
func explorerRoutes() []route {
	return []route{
		{method: get, path: "explorer", serve: explore, menu: "explorer.title"},
		{method: get, path: "explorer/{operation}", serve: exploreOperation},
		{method: post, path: "explorer/{operation}", serve: tryOperation},
		{method: get, path: "errors", serve: showErrorCodes, menu: "errors.title"},
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
