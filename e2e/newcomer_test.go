package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"chancery/console/consoletest"
)

// Who runs the quickstart and opens the link that it prints has a certificate in the
// browser, without a look at anything else.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	quickstart := spawn(t, nil, program, "quickstart", "--data-dir", filepath.Join(dir, "data"), "--out", filepath.Join(dir, "out"),
		"--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	printed := regexp.MustCompile(`(http://\S+)(/console/welcome\?token=\S+)`)
	var link []string
	eventually(t, "a link to the console", func() bool {
		link = printed.FindStringSubmatch(quickstart.stdout.String())
		return link != nil || !quickstart.running()
	})
	if link == nil {
		t.Fatalf("the quickstart printed no link:\n%s%s", quickstart.stdout, quickstart.stderr)
	}
	browser := consoletest.NewBrowser(t, link[1])
	browser.As(consoletest.Look{})
	browser.Open(link[2])
	browser.Do(
		chromedp.Click(chromedp.CSS("main form button")),
		chromedp.WaitVisible(chromedp.CSS(`nav.side a[href="/console/apply"]`)),
		chromedp.Click(chromedp.CSS(`nav.side a[href="/console/apply"]`)),
		chromedp.WaitVisible(chromedp.CSS(`button[value=ahead]`)),
		chromedp.Click(chromedp.CSS(`button[value=ahead]`)),
		chromedp.WaitVisible(chromedp.CSS("#ahead h2")),
	)
	if found := consoletest.Ask(browser, chromedp.Evaluate[string](`document.querySelector("#ahead").innerText`)); strings.Contains(found, "✕") ||
		consoletest.Ask(browser, chromedp.Evaluate[bool](`document.querySelector("#ahead li.bad") !== null`)) {
		t.Errorf("looking ahead finds fault with the demonstration: %s", found)
	}
	browser.Do(
		chromedp.Click(chromedp.CSS(`button[value=apply]`)),
		chromedp.WaitVisible(chromedp.CSS(`form[action$="/publish"] button`)),
		chromedp.Click(chromedp.CSS(`form[action$="/publish"] button`)),
		chromedp.WaitVisible(chromedp.CSS("#live .s-ISSUED")),
		chromedp.WaitVisible(chromedp.CSS(`#live a[href^="/console/certificates/"]`)),
	)
	browser.Check("newcomer")
	quickstart.terminate(t)
	if status := quickstart.wait(t, patience); status != 0 {
		t.Errorf("the quickstart ended with status %d: %s", status, quickstart.stderr)
	}
}
