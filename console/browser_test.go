package console_test

import (
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/console/consoletest"
)

// Every page that has no parameters is looked at in each look; those with parameters
// are, where they are tested.
func TestPagesInABrowser(t *testing.T) {
	env := consoletest.New(t)
	browser := env.Browser()
	for _, look := range consoletest.Looks {
		browser.As(look)
		for name, path := range map[string]string{"sign-in": "/console/sign-in", "sign-in-password": "/console/sign-in?by=password", "welcome": "/console/welcome?token=x"} {
			browser.Open(path)
			browser.Check(name + "-" + look.String())
		}
	}
	browser.SignIn(env.Tenant)
	browser.Check("overview-empty")
	env.Grant(chancery.DefaultProduct, 20)
	env.Issue("www.example.test")
	env.Apply("waiting.example.test", func(in *cas.CreateCertificateRequestInput) { in.Tags = []cas.Tag{{Key: "team", Value: "web"}} })
	env.Clock.Advance(time.Minute)
	pages := []struct{ name, path string }{
		{"overview", "/console/"},
		{"explorer", "/console/explorer"},
		{"errors", "/console/errors"},
		{"certificates", "/console/certificates"},
		{"certificates-upload", "/console/certificates/upload"},
		{"plans", "/console/plans"},
		{"csrs", "/console/csrs"},
		{"csrs-create", "/console/csrs/create"},
		{"csrs-upload", "/console/csrs/upload"},
		{"contacts", "/console/contacts"},
		{"contacts-new", "/console/contacts/new"},
		{"companies", "/console/companies"},
		{"companies-new", "/console/companies/new"},
		{"resource-groups", "/console/resource-groups"},
		{"tags", "/console/tags"},
		{"orders-tagged", "/console/orders?TagKey=team&TagValue=web"},
		{"certificates-tagged", "/console/certificates?status=ALL&TagKey=team&TagValue=web"},
	}
	for _, look := range consoletest.Looks {
		browser.As(look)
		for _, page := range pages {
			browser.Open(page.path)
			browser.Check(page.name + "-" + look.String())
		}
	}
}
