package console_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chancery"
	"chancery/cas"
	"chancery/console/consoletest"
)

// The pages of applying and of orders, with what they show of each state.
func TestOrderPagesInABrowser(t *testing.T) {
	env := consoletest.WithDemonstration(t, "example.test")
	env.Grant(chancery.DefaultProduct, 20)
	env.Grant("symantec-ov-1-personal", 2)
	issued := env.Issue("www.example.test")
	byFile := env.Apply("files.example.test", func(in *cas.CreateCertificateRequestInput) { in.ValidateType = "FILE" })
	env.Zone.Set("_dnsauth.waiting.example.test", "TXT", "something else")
	waiting := env.Apply("waiting.example.test", func(in *cas.CreateCertificateRequestInput) {
		in.Tags = []cas.Tag{{Key: "team", Value: "web"}}
	})
	env.State(waiting)
	cancelled := env.Apply("cancelled.example.test")
	env.Call("CancelOrderRequest", cas.OrderInput{OrderId: cancelled})
	env.Clock.Advance(2 * time.Second)
	visitor := env.Visit().SignIn(env.Tenant)
	for range 3 { // with evidence
		visitor.Post(order(waiting)+"/look", nil)
		visitor.Post(order(byFile)+"/look", nil)
		env.Clock.Advance(4 * time.Second)
	}
	browser := env.Browser()
	browser.SignIn(env.Tenant)
	for _, look := range consoletest.Looks {
		browser.As(look)
		for name, path := range map[string]string{
			"apply":           "/console/apply",
			"apply-ov":        "/console/apply?ProductCode=symantec-ov-1-personal&Domain=www.example.com",
			"orders":          "/console/orders",
			"orders-no-match": "/console/orders?Keyword=nothing",
			"order-issued":    order(issued),
			"order-waiting":   order(waiting),
			"order-file":      order(byFile),
			"order-cancelled": order(cancelled),
		} {
			browser.Open(path)
			browser.Check(name + "-" + look.String())
		}
		// Everything that is folded is looked at as well.
		browser.Open(order(waiting))
		browser.Do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => { d.open = true; })`))
		browser.Check("order-waiting-open-" + look.String())
		browser.Open("/console/apply?Domain=waiting.example.test")
		browser.Do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => { d.open = true; })`))
		browser.Do(chromedp.Click(chromedp.CSS(`button[value=ahead]`)), chromedp.WaitVisible(chromedp.CSS("#ahead h2")))
		browser.Check("apply-ahead-" + look.String())
	}
}

// A newcomer applies, has the proof published by the button, and sees the order become
// issued without loading the page.
func TestJourneyOfANewcomer(t *testing.T) {
	for _, method := range []string{"DNS", "FILE"} {
		t.Run(method, func(t *testing.T) {
			env := consoletest.WithDemonstration(t, "example.test")
			env.Grant(chancery.DefaultProduct, 20)
			tick(t, env)
			browser := env.Browser()
			browser.As(consoletest.Look{})
			browser.SignIn(env.Tenant)
			browser.Do(
				chromedp.Click(chromedp.CSS(`nav.side a[href="/console/apply"]`)),
				chromedp.WaitVisible(chromedp.CSS("#apply")),
				chromedp.Click(chromedp.CSS(`input[name=ValidateType][value=`+method+`]`)),
				chromedp.WaitVisible(chromedp.CSS("#checks li.good")),
				chromedp.Click(chromedp.CSS(`button[value=apply]`)),
				chromedp.WaitVisible(chromedp.CSS(`form[action$="/publish"] button`)),
			)
			browser.Do(chromedp.Evaluate[chromedp.Void](`window.same = true`))
			if text := Text(browser, "#live"); !strings.Contains(text, "shop.example.test") {
				t.Errorf("the page does not tell what to publish: %s", text)
			}
			// It is published elsewhere: the page learns of it by itself.
			number := consoletest.Ask(browser, chromedp.Evaluate[string](`location.pathname.split("/").pop()`))
			env.Publish(parse(t, number))
			browser.Do(chromedp.WaitVisible(chromedp.CSS("#live .s-ISSUED")))
			if !consoletest.Ask(browser, chromedp.Evaluate[bool](`window.same === true`)) {
				t.Error("the page was loaded anew")
			}
			browser.Do(chromedp.WaitReady(chromedp.CSS("#poll:not([hx-get])")))
			browser.Check("journey-" + method)
			// The next one has it published by the button.
			browser.Open("/console/apply?Domain=next.example.test&ValidateType=" + method)
			browser.Do(
				chromedp.Click(chromedp.CSS(`button[value=apply]`)),
				chromedp.WaitVisible(chromedp.CSS(`form[action$="/publish"] button`)),
				chromedp.Click(chromedp.CSS(`form[action$="/publish"] button`)),
				chromedp.WaitVisible(chromedp.CSS("#live .s-ISSUED")),
			)
			browser.Check("journey-button-" + method)
		})
	}
}

// tick has the clock go on until the test ends.
func tick(t *testing.T, env *consoletest.Env) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var ticking sync.WaitGroup
	ticking.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			env.Clock.Advance(300 * time.Millisecond)
		}
	})
	t.Cleanup(func() {
		cancel()
		ticking.Wait()
	})
}
