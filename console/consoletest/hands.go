package consoletest

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// WithoutScripts has pages that are opened from now on run none.
func (b *Browser) WithoutScripts() {
	b.t.Helper()
	tell(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// MayCopy says whether pages may write to the clipboard. A page that may can be asked
// for what it holds.
func (b *Browser) MayCopy(may bool) {
	b.t.Helper()
	setting := browser.PermissionSettingDenied
	if may {
		setting = browser.PermissionSettingGranted
	}
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		b.tellAll(browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: setting, Origin: b.base})
	}
}

func (b *Browser) tellAll(permission browser.SetPermissionParams) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, permission); err != nil {
		b.t.Fatalf("the browser: the permission %s: %v", permission.Permission.Name, err)
	}
}

// Downloads keeps what is downloaded from now on in a directory.
func (b *Browser) Downloads(dir string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	allow := browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}
	if _, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, allow); err != nil {
		b.t.Fatalf("the browser: downloads: %v", err)
	}
}

// Follow clicks on what leads to another page, or to the same one anew, and waits until
// that is there.
func (b *Browser) Follow(selector string) {
	b.t.Helper()
	b.Do(
		chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.left = "yes"`),
		chromedp.Click(chromedp.CSS(selector)), chromedp.WaitReady(chromedp.CSS("html:not([data-left]) main")),
	)
}

// Press presses a key of package kb, or types a text, where the focus is.
func (b *Browser) Press(keys string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// TabTo presses Tab until the focus is on what a selector says. The test ends if the
// focus does not come there, or is somewhere that cannot be seen.
func (b *Browser) TabTo(selector string) {
	b.t.Helper()
	const most = 150
	var passed []string
	for range most {
		b.Press(kb.Tab)
		at := Ask(b, chromedp.Evaluate[focus](fmt.Sprintf(focused, selector)))
		passed = append(passed, at.Where)
		if !at.Seen {
			b.t.Errorf("the focus is on something that cannot be seen: %s", at.Where)
		}
		if at.There {
			return
		}
	}
	b.t.Fatalf("Tab does not lead to %s, but to\n%s", selector, strings.Join(passed, "\n"))
}

// focus is where the focus is.
type focus struct {
	Where       string
	There, Seen bool
}

const focused = `(() => {
	const at = document.activeElement, box = at.getBoundingClientRect();
	return {Where: at.outerHTML.slice(0, 120), There: at.matches(%q), Seen: at === document.body || box.width > 0 && box.height > 0 && getComputedStyle(at).visibility === "visible"};
})()`
