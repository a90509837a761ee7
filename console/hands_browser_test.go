package console_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// A button that copies does, time and again; where the browser does not let it, the text
// is selected.
func TestCopyInABrowser(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 1)
	id := env.Apply("www.example.test")
	token := env.State(id).RecordValue
	browser := env.Browser()
	browser.SignIn(env.Tenant)
	button := `#publish ~ article button[data-copy="` + token + `"]`
	label := func() string { return Text(browser, button) }

	browser.MayCopy(true)
	browser.Open(order(id))
	said := label()
	browser.Do(chromedp.Click(chromedp.CSS(button)))
	waitFor(t, "the button says that it copied", func() bool { return label() != said })
	browser.Do(chromedp.Click(chromedp.CSS(button)))
	if got := consoletest.Ask(browser, chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise)); got != token {
		t.Errorf("the clipboard has %q, want %q", got, token)
	}
	waitFor(t, "the button says again that it copies", func() bool { return label() == said })

	browser.MayCopy(false)
	browser.Open(order(id))
	browser.Do(chromedp.Click(chromedp.CSS(button)))
	waitFor(t, "the text is selected", func() bool {
		return consoletest.Ask(browser, chromedp.Evaluate[string](`getSelection().toString()`)) == token
	})
	if got := label(); got != said {
		t.Errorf("the button says %q, and copied nothing", got)
	}
	for _, trouble := range browser.Troubles() {
		t.Error(trouble)
	}
}

// What asks first can be left by Escape and by a button, and does it when told to go on.
func TestAskingFirstInABrowser(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 1)
	id := env.Apply("www.example.test")
	browser := env.Browser()
	browser.SignIn(env.Tenant)
	browser.Open(order(id))
	cancel := `form[action$="/cancel"] button`
	open := func() bool {
		return consoletest.Ask(browser, chromedp.Evaluate[bool](`document.querySelector("dialog[open]") !== null`))
	}
	for _, leave := range []struct {
		how string
		do  func()
	}{
		{"Escape", func() { browser.Press(kb.Escape) }},
		{"the button", func() { browser.Do(chromedp.Click(chromedp.CSS("dialog button.secondary"))) }},
	} {
		browser.Do(chromedp.Click(chromedp.CSS(cancel)), chromedp.WaitVisible(chromedp.CSS("dialog[open] button")))
		browser.Check("order-ask")
		leave.do()
		waitFor(t, leave.how+" closes the question", func() bool { return !open() })
		if !consoletest.Ask(browser, chromedp.Evaluate[bool](`document.activeElement.matches('`+cancel+`')`)) {
			t.Errorf("after %s the focus is not where it was", leave.how)
		}
		if state := env.State(id).Type; state != string(chancery.DomainVerify) {
			t.Fatalf("the order was left alone by %s, and is %s", leave.how, state)
		}
	}
	browser.Do(
		chromedp.Click(chromedp.CSS(cancel)), chromedp.WaitVisible(chromedp.CSS("dialog[open] button")),
		chromedp.Click(chromedp.CSS("dialog button:not(.secondary)")), chromedp.WaitVisible(chromedp.CSS(`form[action$="/delete"]`)),
	)
	if state := env.State(id).Type; state != string(chancery.Payed) {
		t.Errorf("the order is %s", state)
	}
}

// A keyboard is enough to sign in, apply, copy what to publish, think again, and leave.
func TestKeyboardInABrowser(t *testing.T) {
	for _, look := range []consoletest.Look{{}, {Width: consoletest.Phone}} {
		t.Run(look.String(), func(t *testing.T) {
			env := consoletest.New(t, testenv.WithoutWorker())
			env.Grant(chancery.DefaultProduct, 1)
			browser := env.Browser()
			browser.As(look)
			browser.Open("/console/sign-in")
			browser.TabTo("a.skip")
			browser.Press(kb.Enter)
			browser.TabTo("#key")
			browser.Press(env.Key.ID)
			browser.TabTo("#secret")
			browser.Press(string(env.Key.Secret.Reveal()) + kb.Enter)
			browser.Do(chromedp.WaitVisible(chromedp.CSS(".frame:not(.alone)")))
			if look.Width == consoletest.Phone {
				browser.TabTo("button.burger")
				browser.Press(kb.Enter)
			}
			browser.TabTo(`nav.side a[href="/console/apply"]`)
			browser.Press(kb.Enter)
			browser.Do(chromedp.WaitVisible(chromedp.CSS("#apply")))
			browser.TabTo("#f-Domain")
			browser.Press("www.example.test")
			browser.TabTo("input[name=ValidateType]")
			browser.TabTo("button[value=apply]")
			browser.Press(kb.Enter)
			browser.Do(chromedp.WaitVisible(chromedp.CSS("#publish")))
			browser.TabTo("button[data-copy]")
			browser.TabTo(`form[action$="/look"] button`)
			browser.TabTo(`form[action$="/cancel"] button`)
			browser.Press(kb.Enter)
			browser.TabTo("dialog button:not(.secondary)")
			browser.Press(kb.Enter)
			browser.Do(chromedp.WaitVisible(chromedp.CSS(`form[action$="/delete"]`)))
			browser.TabTo(`form[action="/console/sign-out"] button`)
			browser.Press(kb.Enter)
			browser.Do(chromedp.WaitVisible(chromedp.CSS("#key")))
			for _, trouble := range browser.Troubles() {
				t.Error(trouble)
			}
		})
	}
}

// waitFor polls until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	const patience = time.Minute
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
