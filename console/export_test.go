package console

import (
	"net/http"

	"chancery/admin"
)

// What the tests of package console_test look at.

// Route is a row of the table of pages.
type Route struct {
	Method, Path string
	Open         bool
}

// Routes lists the table of pages.
func Routes() (list []Route) {
	for _, r := range routes() {
		list = append(list, Route{r.method, r.path, r.open})
	}
	return list
}

// CheckRoutes finds rows that could not work.
var CheckRoutes = checkRoutes

// LocalPath is where a text that names a page of the console leads.
var LocalPath = localPath

// Messages are those of a language, by key.
func Messages(tag string) map[string]string { return languageNamed(tag).messages }

// WithOperatorsPage serves the console with a page of the operator's besides, which
// tells how many accounts there are.
func WithOperatorsPage(c *Console) http.Handler {
	own := *c
	return own.handler(append(routes(), route{method: get, path: "test/accounts", menu: "overview.title", needs: "chancery:account.list", serve: func(p *page) error {
		var all []admin.Account
		if err := p.operate("account.list", admin.Nothing{}, &all); err != nil {
			return err
		}
		_, err := p.w.Write([]byte(all[0].Name))
		return err
	}}, route{method: get, path: "test/grant", serve: func(p *page) error {
		return p.operate("plan.grant", admin.Grant{AccountID: p.account.ID, Count: 1}, &admin.Plan{})
	}}, route{method: get, path: "test/form", serve: func(p *page) error {
		f := p.form()
		_, err := call[struct{}](p, "DescribePackageState", struct{ ProductCode string }{f.Get("ProductCode")})
		if err := p.refuse(f, err, "ProductCode"); err != nil {
			return err
		}
		if !f.OK() {
			p.warn(f.ErrorOf("ProductCode")) // the message after it takes its place
		}
		p.flash("console.pageOf", p.paging(60).Page, p.paging(60).Pages)
		_, err = p.w.Write([]byte(f.ErrorOf("ProductCode") + "|" + p.paging(60).Next))
		return err
	}}))
}

// Choices are the values that the explorer's forms offer, by parameter.
var Choices = choices
