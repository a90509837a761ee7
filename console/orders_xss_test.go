package console_test

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// hostileOrder is an order with a payload wherever somebody else may write: tags,
// contact, what looks found, why a step failed, and, if it failed, the CA's reason.
func hostileOrder(t *testing.T, env *consoletest.Env, domain, payload string, failed bool) int64 {
	t.Helper()
	id := env.Apply(domain, func(in *cas.CreateCertificateRequestInput) {
		in.Username, in.Phone, in.Email = payload, payload, payload
		in.Tags = []cas.Tag{{Key: payload, Value: payload}}
	})
	env.Write(func(tx chancery.Tx) error {
		o, err := tx.Order(env.Account, chancery.OrderID(id))
		if err != nil {
			return err
		}
		look := chancery.Evidence{
			At: env.Clock.Now(), Method: chancery.DNS, Name: o.Names[0], Where: payload, Finding: chancery.WrongValue, Detail: payload, Count: 1,
		}
		if err := tx.AddEvidence(o.AccountID, o.ID, []chancery.Evidence{look}); err != nil || !failed {
			return err
		}
		if err := o.Apply(chancery.Refused); err != nil {
			return err
		}
		o.Reason = payload
		if err := tx.UpdateOrder(o); err != nil {
			return err
		}
		return tx.DeleteOrderSteps(o.AccountID, o.ID)
	})
	if !failed {
		env.SQL(`UPDATE steps SET last_error = $1, last_run_at = $2 WHERE order_id = $3`, payload, env.Clock.Now().UnixMilli(), id)
	}
	return id
}

// Whatever others wrote is shown as text on the pages of orders and of applying.
func TestOrdersShowPayloadsAsText(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 200)
	visitor := env.Visit().SignIn(env.Tenant)
	browser := env.Browser()
	browser.As(consoletest.Look{})
	browser.SignIn(env.Tenant)
	for i, payload := range xssPayloads {
		waits := hostileOrder(t, env, "waits.example.com", payload, false)
		failed := hostileOrder(t, env, "failed.example.com", payload, true)
		env.Call("CreateContact", cas.CreateContactInput{Name: payload, Mobile: "1", Email: "a@example.com"})
		form := url.Values{
			"do": {"apply"}, "Domain": {payload}, "ValidateType": {payload}, "Username": {payload}, "Phone": {payload}, "Email": {payload},
			"Tags": {payload}, "ResourceGroupId": {payload}, "CsrFrom": {"own"}, "Csr": {payload}, "CompanyName": {payload}, "ProductCode": {payload},
		}
		shownAsText(t, "an order that waits", visitor.Get(order(waits)).Body, payload)
		shownAsText(t, "an order that failed", visitor.Get(order(failed)).Body, payload)
		shownAsText(t, "the list's search", visitor.Get("/console/orders?Keyword="+url.QueryEscape(payload)).Body, payload)
		shownAsText(t, "the form", visitor.Post("/console/apply", form).Body, payload)
		for name, path := range map[string]string{
			"an order that waits": order(waits), "an order that failed": order(failed),
			"the form": "/console/apply?" + url.Values{"Domain": {payload}, "Tags": {payload}, "Username": {payload}}.Encode(),
		} {
			browser.Open(path)
			nothingRan(t, name, browser)
		}
		if i == 0 {
			browser.As(consoletest.Look{Width: consoletest.Phone})
			browser.Open(order(waits))
			browser.Check("order-hostile")
			browser.As(consoletest.Look{})
		}
		env.Clock.Advance(time.Second)
	}
}

// Real looks show what strangers publish: as evidence, which is text.
func TestPublishedPayloadsAreText(t *testing.T) {
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 200)
	visitor := env.Visit().SignIn(env.Tenant)
	for _, payload := range xssPayloads {
		const shownOfIt = 64
		if len(payload) > shownOfIt {
			continue // cut short
		}
		env.Zone.Set("_dnsauth.txt.example.com", "TXT", payload)
		env.Zone.Set("file.example.com", "A", "127.0.0.1")
		env.Web.Put("file.example.com", payload)
		byRecord := env.Apply("txt.example.com")
		byFile := env.Apply("file.example.com", func(in *cas.CreateCertificateRequestInput) { in.ValidateType = "FILE" })
		visitor.Get(order(byRecord))
		visitor.Get(order(byFile))
		env.Clock.Advance(2 * time.Second)
		visitor.Post(order(byRecord)+"/look", nil)
		visitor.Post(order(byFile)+"/look", nil)
		for began := time.Now(); len(env.State(byRecord).Looks) == 0; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatal("there was no look")
			}
		}
		body := visitor.Get(order(byRecord)).Body
		shownAsText(t, "evidence", body, strconv.Quote(payload))
		for _, id := range []int64{byRecord, byFile} {
			if answer := env.Call("CancelOrderRequest", cas.OrderInput{OrderId: id}); answer.Status != 200 {
				t.Fatal(answer.Body)
			}
			env.Call("DeleteCertificateRequest", cas.OrderInput{OrderId: id})
		}
	}
}
