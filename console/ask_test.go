package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// A form that came with its question does nothing but ask, for all that it holds; what
// it leads back to is on this console.
func TestAskFirst(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 1)
	id := env.Apply("www.example.test")
	visitor := env.Visit().SignIn(env.Tenant)
	visitor.Get(order(id))
	form := url.Values{"ask": {"<b>Sure?</b>"}, "do": {"delete"}, "note": {`two "lines"` + "\n&more", "again"}}
	for from, back := range map[string]string{
		"":                                 "/console/",
		"https://elsewhere.test/console/x": "/console/",
		env.Endpoint + "/openapi.json":     "/console/",
		env.Endpoint + order(id):           order(id),
		env.Endpoint + "/console/orders?Status=CHECKING": "/console/orders?Status=CHECKING",
	} {
		visitor.Header.Set("Referer", from)
		page := visitor.Post(order(id)+"/cancel", form)
		if page.Status != http.StatusOK {
			t.Fatalf("HTTP %d", page.Status)
		}
		has(t, page, "&lt;b&gt;Sure?&lt;/b&gt;", `action="`+order(id)+`/cancel"`, `name="do" value="delete"`,
			`name="note" value="two &#34;lines&#34;`+"\n&amp;more\"", `name="note" value="again"`, `href="`+back+`" role="button"`)
		if strings.Contains(page.Body, `name="ask"`) || strings.Count(page.Body, `name="csrf"`) != 3 { // of preferences, of signing out
			t.Errorf("from %q the page asks for ever, or has another token", from)
		}
		if state := env.State(id).Type; state != string(chancery.DomainVerify) {
			t.Fatalf("the order was asked of, and is %s", state)
		}
	}
	if page := visitor.Send(http.MethodPost, order(id)+"/cancel", form); page.Status == http.StatusOK {
		t.Error("a forged form is asked about")
	}
	delete(form, "ask")
	if page := visitor.Post(order(id)+"/cancel", form); page.Status != http.StatusSeeOther {
		t.Errorf("HTTP %d", page.Status)
	}
	if state := env.State(id).Type; state != string(chancery.Payed) {
		t.Errorf("the order is %s", state)
	}
}
