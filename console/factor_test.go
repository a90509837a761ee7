package console_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"chancery/console/consoletest"
	"chancery/internal/qrcode"
	"chancery/internal/testenv"
)

// A new second factor is shown once, as a text and as a QR code of it, which has words
// for those who do not see it.
func TestSecondFactorIsDrawn(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.AsUser("ada")
	visitor := env.Visit().SignIn(env.Tenant)
	visitor.Get("/console/access/users/ada")
	page := visitor.Post("/console/access/users/ada/factor", nil)
	url := regexp.MustCompile(`otpauth://totp/[^"<]*`).FindString(page.Body)
	if url == "" {
		t.Fatalf("there is no second factor:\n%s", page.Body)
	}
	code, err := qrcode.New(html.UnescapeString(url))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.Body, `d="`+code.Path()+`"`) || !strings.Contains(page.Body, `role="img" aria-label="QR code of the second factor`) {
		t.Errorf("it is not drawn:\n%s", page.Body)
	}
	if strings.Contains(page.Body, "ZgotmplZ") || strings.Contains(page.Body, `style="`) {
		t.Error("the drawing is not what the page's policy allows")
	}
	if page := visitor.Get("/console/access/users/ada"); strings.Contains(page.Body, "<svg class=\"qr\"") {
		t.Error("it is drawn twice")
	}
}
