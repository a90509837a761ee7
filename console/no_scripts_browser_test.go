package console_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chancery"
	"chancery/console/consoletest"
)

// dead lists what is shown and does nothing without scripts: buttons that are in no form
// or do not send it, links that lead nowhere, and fields that nothing sends.
const dead = `[...document.querySelectorAll("button, a, input, select, textarea, [role=button]")].filter((e) => {
	if (!e.checkVisibility()) return false;
	if (e.matches("a")) return !e.hasAttribute("href");
	if (e.matches("button")) return !e.popoverTargetElement && (e.type === "button" || !e.form);
	return !e.form;
}).map((e) => e.outerHTML.slice(0, 160))`

// Without scripts somebody signs in, applies, reads what to publish, has it looked at,
// downloads the certificate, withdraws another order after having been asked, and signs
// out; and nothing is shown that needs scripts.
func TestWithoutScriptsInABrowser(t *testing.T) {
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 5)
	browser := env.Browser()
	browser.WithoutScripts()
	browser.As(consoletest.Look{})
	browser.SignIn(env.Tenant)
	if ran := consoletest.Ask(browser, chromedp.Evaluate[bool](`"htmx" in window`)); ran {
		t.Fatal("the browser runs scripts")
	}
	browser.Follow(`nav.side a[href="/console/apply"]`)
	browser.Follow("noscript button")
	browser.Do(chromedp.SendKeys(chromedp.CSS("#f-Domain"), "www.example.test"))
	browser.Follow("button[value=ahead]")
	browser.Do(chromedp.WaitVisible(chromedp.CSS("#ahead h2")))
	browser.Follow("button[value=apply]")
	browser.Do(chromedp.WaitVisible(chromedp.CSS("#publish")))
	id := parse(t, consoletest.Ask(browser, chromedp.Evaluate[string](`location.pathname.split("/").pop()`)))
	if token := env.State(id).RecordValue; !strings.Contains(Text(browser, "main"), token) {
		t.Error("the page does not tell what to publish")
	}
	look := `form[action$="/look"] button`
	env.Clock.Advance(4 * time.Second)
	browser.Follow(look)
	browser.Do(chromedp.WaitVisible(chromedp.CSS("#looks")))
	env.Publish(id)
	env.Clock.Advance(4 * time.Second)
	browser.Follow(look)
	env.Await(id, chancery.Issued)

	browser.Open(order(id))
	dir := t.TempDir()
	browser.Downloads(dir)
	browser.Follow(".state a")
	browser.Do(chromedp.Click(chromedp.CSS(`a[href*="/file?format="]`)))
	downloaded(t, dir, "CERTIFICATE")
	browser.Follow(`a[href$="/key?format=haproxy"]`)
	browser.Do(chromedp.Click(chromedp.CSS(`main form button[type=submit]`)))
	downloaded(t, dir, "PRIVATE KEY")

	other := env.Apply("other.example.test")
	browser.Open(order(other))
	cancel := `form[action$="/cancel"] button`
	browser.Follow(cancel)
	browser.Follow("main a[role=button]")
	if state := env.State(other).Type; state != string(chancery.DomainVerify) {
		t.Fatalf("the order was left alone, and is %s", state)
	}
	browser.Follow(cancel)
	browser.Follow("main form button[type=submit]")
	if state := env.State(other).Type; state != string(chancery.Payed) {
		t.Errorf("the order is %s", state)
	}

	paths := consoletest.Ask(browser, chromedp.Evaluate[[]string](`[...document.querySelectorAll("nav.side a")].map((a) => a.pathname)`))
	if len(paths) < 10 {
		t.Errorf("the menu has only %q", paths)
	}
	paths = append(paths, order(id), order(other), "/console/explorer/DescribeCertificateState", "/console/errors", "/console/csrs/create",
		"/console/certificates/upload", "/console/contacts/new", "/console/companies/new", fmt.Sprintf("/console/operator/accounts/%d", env.Account))
	for _, path := range paths {
		browser.Open(path)
		for _, what := range consoletest.Ask(browser, chromedp.Evaluate[[]string](dead)) {
			t.Errorf("%s shows what does nothing without scripts: %s", path, what)
		}
	}
	browser.Follow(`form[action="/console/sign-out"] button`)
	browser.Do(chromedp.WaitVisible(chromedp.CSS("#key")))
	for _, trouble := range browser.Troubles() {
		t.Error(trouble)
	}
}

// downloaded waits for a file in a directory that has a block of PEM.
func downloaded(t *testing.T, dir, block string) {
	t.Helper()
	waitFor(t, "a file with "+block, func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			for found, rest := pem.Decode(text); err == nil && found != nil; found, rest = pem.Decode(rest) {
				if strings.HasSuffix(found.Type, block) {
					return true
				}
			}
		}
		return false
	})
}
