package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"chancery"
	"chancery/cas"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

func order(id int64) string { return fmt.Sprintf("/console/orders/%d", id) }

func parse(t *testing.T, text string) int64 {
	t.Helper()
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Text is what an element of the page shows.
func Text(b *consoletest.Browser, selector string) string {
	return consoletest.Ask(b, chromedp.Evaluate[string](`document.querySelector(`+strconv.Quote(selector)+`).innerText`))
}

// has fails the test unless a page has the texts.
func has(t *testing.T, page consoletest.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page.Body, text) {
			t.Errorf("HTTP %d: the page has no %q", page.Status, text)
		}
	}
}

// Applying works without scripts: the form says what is wrong, and leads to the order.
func TestApplyWithoutScripts(t *testing.T) {
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 4)
	env.Issue("www.example.com")
	open := env.Apply("shop.example.com")
	env.Apply("a.shop.example.com") // another name, which ends alike
	ada := env.Visit().SignIn(env.Tenant)
	page := ada.Get("/console/apply?Domain=shop.example.com%0Awww.example.com")
	has(t, page, order(open), "is valid until", "One application is left")
	if strings.Count(page.Body, "is open already") != 1 {
		t.Error("another name's order is taken for this one's")
	}
	page = ada.Post("/console/apply", url.Values{"do": {"apply"}, "Domain": {"*.example.com"}, "ValidateType": {"FILE"}})
	if page.Status != http.StatusUnprocessableEntity {
		t.Errorf("a wildcard for a single-name product: HTTP %d", page.Status)
	}
	has(t, page, `id="h-Domain" class="wrong"`, "is for one plain name")
	page = ada.Post("/console/apply", url.Values{"do": {"apply"}, "Domain": {"tags.example.com"}, "Tags": {"a=1\na=2"}})
	has(t, page, `id="h-Tags" class="wrong"`)
	form := url.Values{
		"do": {"apply"}, "Domain": {"new.example.com"}, "ValidateType": {"DNS"}, "Tags": {"team = web\n"}, "ResourceGroupId": {"rg-shop"},
		"Username": {"Ada"}, "ClientToken": {"once"},
	}
	page = ada.Post("/console/apply", form)
	if page.Status != http.StatusSeeOther {
		t.Fatalf("applying: HTTP %d\n%s", page.Status, page.Body)
	}
	at := page.Header.Get("Location")
	if again := ada.Post("/console/apply", form); again.Header.Get("Location") != at {
		t.Errorf("the same form sent twice leads to %s and %s", at, again.Header.Get("Location"))
	}
	has(t, ada.Get(at), "_dnsauth.new.example.com", "_dnsauth.new", "team=web", "rg-shop", "Ada", "short TXT _dnsauth")
	page = ada.Post("/console/apply", url.Values{"do": {"apply"}, "Domain": {"more.example.com"}})
	has(t, page, "all applications of the plans")
	// It is withdrawn and deleted, and its unit is back.
	ada.Post(at+"/cancel", nil)
	has(t, ada.Get(at), "was withdrawn", at+"/delete")
	if page = ada.Post(at+"/delete", nil); page.Header.Get("Location") != "/console/orders" {
		t.Errorf("deleting leads to %q", page.Header.Get("Location"))
	}
	if page = ada.Get(at); page.Status != http.StatusNotFound {
		t.Errorf("a deleted order is shown: HTTP %d", page.Status)
	}
	if quota := env.Quota(chancery.DefaultProduct); quota.UsedCount != 3 {
		t.Errorf("%d units are used after all, not 3", quota.UsedCount)
	}
}

// Looking ahead costs no quota, and strangers are not asked without end.
func TestLookingAhead(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 1)
	env.Zone.Set("example.com", "SOA", "ns.example.com hostmaster.example.com 1 3600 600 86400 60")
	ada := env.Visit().SignIn(env.Tenant)
	ada.Get("/console/apply")
	form := url.Values{"do": {"ahead"}, "Domain": {"www.example.com"}, "ValidateType": {"FILE"}}
	page := ada.Post("/console/apply", form)
	has(t, page, "the zone example.com is there", "no web server can be reached", "the application would fail")
	if used := env.Quota(chancery.DefaultProduct).UsedCount; used != 0 {
		t.Errorf("looking ahead used %d units", used)
	}
	for range 25 {
		page = ada.Post("/console/apply", form)
	}
	has(t, page, "has looked ahead 20 times")
}

// Nobody sees more than the API would show them.
func TestOrdersOfOthers(t *testing.T) {
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 5)
	mine := env.Apply("www.example.com")
	other := env.Visit().SignIn(env.NewAccount())
	nowhere, theirs := other.Get(order(1)), other.Get(order(mine))
	if nowhere.Status != http.StatusNotFound || theirs.Status != http.StatusNotFound {
		t.Errorf("somebody else's order: HTTP %d, one that does not exist: HTTP %d", theirs.Status, nowhere.Status)
	}
	other.Get("/console/orders")
	for _, action := range []string{"look", "cancel", "delete", "publish"} {
		if page := other.Post(order(mine)+"/"+action, nil); page.Status != http.StatusNotFound {
			t.Errorf("%s of somebody else's order: HTTP %d", action, page.Status)
		}
	}
	reader := env.Visit().SignIn(env.AsUser("reader", "AliyunYundunCertReadOnlyAccess"))
	if page := reader.Get("/console/apply"); page.Status != http.StatusForbidden {
		t.Errorf("a reader may apply: HTTP %d", page.Status)
	}
	page := reader.Get(order(mine))
	has(t, page, "_dnsauth.www.example.com")
	if strings.Contains(page.Body, "/cancel") || strings.Contains(page.Body, "/publish") {
		t.Error("a reader is offered what the policies deny")
	}
	if page := reader.Post(order(mine)+"/cancel", nil); page.Status != http.StatusForbidden {
		t.Errorf("a reader cancels: HTTP %d", page.Status)
	}
	// Showing an order opens no private key.
	id := env.Issue("issued.example.com")
	ada := env.Visit().SignIn(env.Tenant)
	has(t, ada.Get(order(id)), "/console/certificates/")
	for _, line := range env.AuditLog(chancery.AuditFilter{KeyReads: true}) {
		if line.Action == "yundun-cert:DescribeCertificateState" && line.Principal == env.Principal.ARN() {
			t.Errorf("a key was read: %+v", line)
		}
	}
}

// The list is filtered by status, product and keyword.
func TestListOfOrders(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 40)
	env.Grant("geotrust-dv-1-starter", 5)
	for i := range 30 {
		env.Apply(fmt.Sprintf("n%d.example.com", i))
	}
	env.Apply("other.example.com", func(in *cas.CreateCertificateRequestInput) { in.ProductCode = "geotrust-dv-1-starter" })
	ada := env.Visit().SignIn(env.Tenant)
	has(t, ada.Get("/console/orders"), "31 orders.", "Page 1 of 2")
	has(t, ada.Get("/console/orders?ProductCode=geotrust-dv-1-starter"), "One order.", "other.example.com")
	has(t, ada.Get("/console/orders?ProductCode="+chancery.DefaultProduct+"&page=2"), "30 orders.", "n0.example.com", "ProductCode="+chancery.DefaultProduct)
	has(t, ada.Get("/console/orders?Status=ISSUED"), "No order matches")
	has(t, ada.Get("/console/orders?Keyword=N7.EX&Status=CHECKING"), "One order.", "n7.example.com")
}

// The counts of the page of resource groups lead to the orders of one, and to no others.
func TestOrdersOfAResourceGroup(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 5)
	env.Apply("inside.example.com", func(in *cas.CreateCertificateRequestInput) {
		in.Tags = []cas.Tag{{Key: "acs:rm:rgId", Value: "rg-web"}}
	})
	env.Apply("outside.example.com")
	visitor := env.Visit().SignIn(env.Tenant)
	const list = "/console/orders?group=rg-web"
	if groups := visitor.Get("/console/resource-groups"); !strings.Contains(groups.Body, `href="`+list+`"`) {
		t.Error("no link leads to the orders of the group")
	}
	got := visitor.Get(list)
	if !strings.Contains(got.Body, "inside.example.com") || strings.Contains(got.Body, "outside.example.com") || !strings.Contains(got.Body, `name="group" value="rg-web"`) {
		t.Errorf("HTTP %d: %s", got.Status, got.Body)
	}
}
