package console_test

import (
	"html"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"chancery/console/consoletest"
)

// xssPayloads are texts from outside that would run, or break out of their place, if a
// page did not show them as text. Each sets window.pwned.
var xssPayloads = []string{
	`<script>window.pwned=1</script>`,
	`<ScRiPt>window.pwned=2</sCrIpT>`,
	`<script>window.pwned=3//`,
	`<<script>window.pwned=4;//<</script>`,
	`</title><script>window.pwned=5</script>`,
	`</textarea><script>window.pwned=6</script>`,
	`</option></select><script>window.pwned=7</script>`,
	`--><script>window.pwned=8</script>`,
	`]]><script>window.pwned=9</script>`,
	`<img src=x onerror=window.pwned=10>`,
	`<img src=x onerror="window.pwned=11"`,
	`"><img src=x onerror=window.pwned=12>`,
	`'><img src=x onerror=window.pwned=13>`,
	`" onmouseover="window.pwned=14" x="`,
	`' onfocus='window.pwned=15' autofocus='`,
	`" autofocus onfocus=window.pwned=16 x="`,
	`<svg onload=window.pwned=17>`,
	`<svg/onload=window.pwned=18>`,
	`<svg><script>window.pwned=19</script></svg>`,
	`<svg><a xlink:href="javascript:window.pwned=20">x</a>`,
	`<body onload=window.pwned=21>`,
	`<iframe src="javascript:window.pwned=22">`,
	`<iframe srcdoc="<script>parent.pwned=23</script>">`,
	`<a href="javascript:window.pwned=24">x</a>`,
	`javascript:window.pwned=25`,
	`<details open ontoggle=window.pwned=26>`,
	`<input autofocus onfocus=window.pwned=27>`,
	`<video><source onerror=window.pwned=28>`,
	`<object data="javascript:window.pwned=29">`,
	`<form action="javascript:window.pwned=30"><button>x`,
	`<math><mtext><img src=x onerror=window.pwned=31>`,
	`<style>@import 'x';</style><img src=x onerror=window.pwned=32>`,
	`<base href="//192.0.2.1/"><img src=x onerror=window.pwned=33>`,
	`<meta http-equiv=refresh content="0;javascript:window.pwned=34">`,
	`{{.CSRF}}{{template "csrf" .}}<i id=pwned35>`,
	`${window.pwned=36}` + "`" + `<i id=pwned36>`,
	`<div hx-get="/console/" hx-trigger="load" hx-swap="outerHTML">37</div>`,
	`<div hx-on::load="window.pwned=38" data-chart="weeks">`,
	`&lt;script&gt;window.pwned=39&lt;/script&gt;<b>`,
	`<time data-show="date" datetime="x" onclick=window.pwned=40>`,
}

// shownAsText fails the test unless a page has the payload, and has it as text alone.
// Of a page that need not show it, give "".
func shownAsText(t *testing.T, where, body, payload string) {
	t.Helper()
	if strings.ContainsAny(payload, `<"'`) && strings.Contains(body, payload) {
		t.Errorf("%s: %q stands in the page as it is", where, payload)
	}
	if !strings.Contains(html.UnescapeString(body), payload) {
		t.Errorf("%s: %q is not shown", where, payload)
	}
}

// inTurn has a browser, which takes its time, open each page with every fourth payload,
// and with each payload every fourth page; that all are text on all pages, the HTML tells.
func inTurn(payload, page int) bool { return (payload+page)%4 == 0 }

// nothingRan fails the test if a payload has run on the page that is open, or has become
// a part of it.
func nothingRan(t *testing.T, where string, browser *consoletest.Browser) {
	t.Helper()
	found := consoletest.Ask(browser, chromedp.Evaluate[string](`(() => {
		if (window.pwned) return "it ran: " + window.pwned;
		const bad = document.querySelector("main script, main img, main svg, main iframe, main object, main video, main math, main style, base, main meta, [onerror], [onload], [onfocus], [ontoggle], [id^=pwned], a[href^='javascript:']");
		return bad ? "it is a part of the page: " + bad.outerHTML : "";
	})()`))
	if found != "" {
		t.Errorf("%s: %s", where, found)
	}
	for _, trouble := range browser.Troubles() {
		t.Errorf("%s: %s", where, trouble)
	}
}
