package console_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"

	"chancery/console/consoletest"
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
