package consoletest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"chancery/internal/testenv"
)

// Look is how a page is looked at.
type Look struct {
	Width int    // in CSS pixels; 0 is Wide
	Dark  bool   // the browser prefers dark colours
	Lang  string // "en" or "zh"; empty is "en"
}

// The widths that every page must fit.
const (
	Phone = 360
	Wide  = 1280
)

// Looks are those in which every page is looked at: both widths, schemes and languages.
var Looks = []Look{{Width: Wide}, {Width: Phone, Dark: true, Lang: "zh"}}

func (l Look) String() string {
	scheme, lang := "light", "en"
	if l.Dark {
		scheme = "dark"
	}
	if l.Lang != "" {
		lang = l.Lang
	}
	width := l.Width
	if width == 0 {
		width = Wide
	}
	return fmt.Sprintf("%d-%s-%s", width, scheme, lang)
}

// Browser is a real one, Debian's Chromium. It belongs to one goroutine.
type Browser struct {
	// Context is for actions of package chromedp.
	Context context.Context

	t    testing.TB
	base string

	mu       sync.Mutex // guards troubles
	troubles []string   // errors on the console of the browser, violations of the CSP
}

const chromium = "chromium"

// Browser starts a browser that ends with the test. Without Chromium the test is
// skipped, or fails where CHANCERY_TEST_ALL=1 says that all are to run.
func (e *Env) Browser() *Browser {
	e.t.Helper()
	return NewBrowser(e.t, e.Endpoint)
}

// NewBrowser is for a service that a test started otherwise.
func NewBrowser(t testing.TB, base string) *Browser {
	t.Helper()
	path, err := exec.LookPath(chromium)
	if err != nil {
		lacking(t, chromium)
	}
	b := &Browser{t: t, base: base}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(t.TempDir()))
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the process
		end()
		endAllocator()
	})
	b.Context = ctx
	if err := chromedp.Listen(ctx, b.listen); err != nil { // starts the browser
		t.Fatalf("starting %s: %v", chromium, err)
	}
	tell(b, cdplog.Enable, cdp.Empty{})
	tell(b, network.Enable, network.EnableParams{})
	return b
}

// tell sends the browser a command of its protocol.
func tell[P, R any](b *Browser, command cdp.Command[P, R], parameters P) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, parameters); err != nil {
		b.t.Fatalf("the browser: %s: %v", command.Method, err)
	}
}

// lacking skips the test, or fails it where all tests are to run.
func lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CHANCERY_TEST_ALL") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s; `make test` installs it", what)
}

// listen keeps what should not be: exceptions, errors that the browser logs, among
// them violations of the content security policy and files that do not load.
func (b *Browser) listen(event any) {
	var trouble string
	switch e := event.(type) {
	case *cdpruntime.EventExceptionThrown:
		trouble = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			trouble += " " + e.ExceptionDetails.Exception.Description
		}
	case *cdpruntime.EventConsoleAPICalled:
		if e.Type == cdpruntime.ConsoleAPICalledTypeError || e.Type == cdpruntime.ConsoleAPICalledTypeWarning {
			for _, argument := range e.Args {
				trouble += " " + string(argument.Value) + argument.Description
			}
			trouble = "console:" + trouble
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError {
			trouble = "log: " + e.Entry.Text + " " + e.Entry.URL
		}
	}
	if trouble != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.troubles = append(b.troubles, trouble)
	}
}

// Troubles gives what went wrong on pages since it was last asked for.
func (b *Browser) Troubles() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	troubles := b.troubles
	b.troubles = nil
	return troubles
}

// patience is for machines with two cores that run packages side by side.
const patience = 2 * time.Minute

// Do runs actions of package chromedp; the test ends if one fails.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("the browser: %v; troubles: %q", err, b.Troubles())
	}
}

// Ask runs an action that answers; the test ends if it fails.
func Ask[T any](b *Browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("the browser: %v; troubles: %q", err, b.Troubles())
	}
	return answer
}

// SignIn signs in with a tenant's key, as a person does.
func (b *Browser) SignIn(tenant *testenv.Tenant) {
	b.t.Helper()
	b.Open("/console/sign-in")
	b.Do(
		chromedp.SendKeys(chromedp.CSS("#key"), tenant.Key.ID),
		chromedp.SendKeys(chromedp.CSS("#secret"), string(tenant.Key.Secret.Reveal())),
		chromedp.Click(chromedp.CSS("main form button[type=submit]")),
		chromedp.WaitVisible(chromedp.CSS(`form[action="/console/sign-out"]`)),
	)
}

// As sets how pages are looked at from now on.
func (b *Browser) As(look Look) {
	b.t.Helper()
	scheme, lang, width := "light", "en-US,en", look.Width
	if look.Dark {
		scheme = "dark"
	}
	if look.Lang == "zh" {
		lang = "zh-CN,zh"
	}
	if width == 0 {
		width = Wide
	}
	const height = 900
	tell(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(width), Height: height, DeviceScaleFactor: 1, Mobile: width <= Phone,
	})
	tell(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	tell(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}})
}

// Open opens a page and waits until it is there.
func (b *Browser) Open(path string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(b.base+path), chromedp.WaitReady(chromedp.CSS("main")))
}

// Check fails the test unless the page that is open is sound: nothing went wrong, it
// does not overflow sideways, and axe finds nothing serious. A picture of it is kept
// under the name, where pictures are kept.
func (b *Browser) Check(name string) {
	b.t.Helper()
	b.picture(name)
	for _, trouble := range b.Troubles() {
		b.t.Errorf("%s: %s", name, trouble)
	}
	for _, element := range Ask(b, chromedp.Evaluate[[]string](overflowing)) {
		b.t.Errorf("%s: reaches over the side of the page: %s", name, element)
	}
	for _, finding := range b.axe() {
		b.t.Errorf("%s: %s", name, finding)
	}
}

// overflowing lists what makes a page wider than its window.
const overflowing = `(() => {
	const wide = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= wide) return [];
	const found = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > wide + 1 && !e.closest(".scroll") && !e.closest(".skip"));
	return [document.documentElement.scrollWidth + " > " + wide, ...found.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];
})()`

// axe runs axe-core on the page and gives its serious and critical findings.
func (b *Browser) axe() (findings []string) {
	b.t.Helper()
	_, here, _, _ := runtime.Caller(0)
	script, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../e2e/clients/node/node_modules/axe-core/axe.min.js"))
	if err != nil {
		lacking(b.t, "the npm packages in e2e/clients/node")
	}
	Ask(b, chromedp.Evaluate[chromedp.Void](string(script)))
	text := Ask(b, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	var violations []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	if err := json.Unmarshal([]byte(text), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		if v.Impact == "serious" || v.Impact == "critical" {
			findings = append(findings, fmt.Sprintf("axe: %s (%s): %s: %s", v.ID, v.Impact, v.Nodes[0].FailureSummary, v.Nodes[0].HTML))
		}
	}
	return findings
}
