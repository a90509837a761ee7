package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/console/consoletest"
	"chancery/console/login"
	"chancery/internal/testenv"
)

const password = "correct horse battery"

func TestSignInByPassword(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.AsUser("ada", "AliyunYundunCertReadOnlyAccess")
	operate(t, env, "user.password", admin.Password{AccountID: env.Account, Name: "ada", Password: password})
	for name, c := range map[string]struct {
		account, user, password string
		status                  int
	}{
		"right":                 {"", "ada", password, http.StatusSeeOther},
		"right, by account":     {"test", "ada", password, http.StatusSeeOther},
		"a wrong password":      {"", "ada", password + "x", http.StatusForbidden},
		"an empty one":          {"", "ada", "", http.StatusForbidden},
		"an unknown user":       {"", "eve", password, http.StatusForbidden},
		"an unknown account":    {"404", "ada", password, http.StatusForbidden},
		"a user without one":    {"", "bob", "", http.StatusForbidden},
		"an account's own name": {"", "root", password, http.StatusForbidden},
	} {
		if got := env.Visit().SignInByPassword(c.account, c.user, c.password); got.Status != c.status {
			t.Errorf("%s: HTTP %d", name, got.Status)
		}
	}
	visitor := env.Visit()
	visitor.SignInByPassword("", "ada", password)
	if got := visitor.Get("/console/"); !strings.Contains(got.Body, "ada") {
		t.Errorf("the page does not greet ada: HTTP %d", got.Status)
	}
	operate(t, env, "user.password", admin.Password{AccountID: env.Account, Name: "ada"})
	if got := visitor.Get("/console/"); got.Status != http.StatusSeeOther {
		t.Errorf("without the password: HTTP %d", got.Status)
	}
}

func TestSecondFactor(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	ada := env.AsUser("ada", "AliyunYundunCertReadOnlyAccess")
	operate(t, env, "user.password", admin.Password{AccountID: env.Account, Name: "ada", Password: password})
	operate(t, env, "user.totp", admin.SecondFactor{AccountID: env.Account, Name: "ada"})
	var key chancery.Secret
	env.Read(func(tx chancery.Tx) error {
		stored, err := tx.ConsoleLogin(env.Account, ada.Principal.ID)
		key = stored.TOTP
		return err
	})
	half := func() *consoletest.Visitor {
		visitor := env.Visit()
		if got := visitor.SignInByPassword("", "ada", password); got.Header.Get("Location") != "/console/sign-in/code?next=%2Fconsole%2F" {
			t.Fatalf("HTTP %d to %q", got.Status, got.Header.Get("Location"))
		}
		if got := visitor.Get("/console/"); got.Status != http.StatusSeeOther {
			t.Fatalf("half a session gives HTTP %d", got.Status)
		}
		visitor.SignInByPassword("", "ada", password)
		visitor.Get("/console/sign-in/code")
		return visitor
	}
	code := login.Code(key, login.Step(env.Clock.Now()))
	visitor := half()
	before := visitor.Cookie("chancery-session")
	if got := visitor.Post("/console/sign-in/code", url.Values{"code": {"000000x"}}); got.Status != http.StatusForbidden {
		t.Errorf("a wrong code: HTTP %d", got.Status)
	}
	if got := visitor.Post("/console/sign-in/code", url.Values{"code": {code}}); got.Status != http.StatusSeeOther || got.Header.Get("Location") != "/console/" {
		t.Errorf("the right code: HTTP %d to %q", got.Status, got.Header.Get("Location"))
	}
	if visitor.Cookie("chancery-session") == before {
		t.Error("the session kept its id")
	}
	if got := visitor.Get("/console/"); got.Status != http.StatusOK {
		t.Errorf("signed in: HTTP %d", got.Status)
	}
	if got := half().Post("/console/sign-in/code", url.Values{"code": {code}}); got.Status != http.StatusForbidden {
		t.Errorf("a code that was used: HTTP %d", got.Status)
	}
	late := half()
	env.Clock.Advance(6 * time.Minute)
	late.Post("/console/sign-in/code", url.Values{"code": {login.Code(key, login.Step(env.Clock.Now()))}})
	if got := late.Get("/console/"); got.Status != http.StatusSeeOther {
		t.Errorf("a code six minutes after the password: HTTP %d", got.Status)
	}
}

func TestWelcome(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	link := func() string {
		made, err := env.Admin.NewConsoleLink(t.Context(), admin.AccessKeyName{AccountID: env.Account})
		if err != nil {
			t.Fatal(err)
		}
		_, token, _ := strings.Cut(made.URL, "token=")
		return token
	}
	open := func(token string) (*consoletest.Visitor, consoletest.Page) {
		visitor := env.Visit()
		for range 2 { // looking does not use it up
			visitor.Get("/console/welcome?token=" + token)
		}
		return visitor, visitor.Post("/console/welcome", url.Values{"token": {token}})
	}
	token := link()
	visitor, got := open(token)
	if got.Status != http.StatusSeeOther || visitor.Get("/console/").Status != http.StatusOK {
		t.Errorf("the link: HTTP %d", got.Status)
	}
	if _, got := open(token); got.Status != http.StatusGone {
		t.Errorf("the link once more: HTTP %d", got.Status)
	}
	if _, got := open("guess"); got.Status != http.StatusGone {
		t.Errorf("a guess: HTTP %d", got.Status)
	}
	token = link()
	env.Clock.Advance(11 * time.Minute)
	if _, got := open(token); got.Status != http.StatusGone {
		t.Errorf("the link after eleven minutes: HTTP %d", got.Status)
	}
}

// What the policies deny is not shown, and leaves a line in the audit log.
func TestPoliciesDecide(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 20)
	env.Apply("secret.example.test")
	ada := env.AsUser("ada", testenv.Policy(testenv.Allow("*", "yundun-cert:DescribePackageState")))
	got := env.Visit().SignIn(ada).Get("/console/")
	if strings.Contains(got.Body, "secret.example.test") || !strings.Contains(got.Body, "do not allow yundun-cert:ListUserCertificateOrder") {
		t.Error("the overview shows orders, or does not say why not")
	}
	if !strings.Contains(got.Body, "1 of 20 used") {
		t.Error("the overview does not show the quota")
	}
	denied := false
	env.Read(func(tx chancery.Tx) error {
		lines, err := tx.AuditLines(env.Account, chancery.AuditFilter{Principal: ada.Principal.ARN(), Most: 100})
		for _, l := range lines {
			denied = denied || l.Action == "yundun-cert:ListUserCertificateOrder" && l.Code == "Forbidden.RAM"
		}
		return err
	})
	if !denied {
		t.Error("the audit log has no line of the denial")
	}
}

// A value from outside is text: the key that somebody typed comes back as it was.
func TestValuesAreText(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	for _, payload := range xssPayloads {
		shownAsText(t, "sign-in by key", env.Visit().SignInAs(payload, "x").Body, payload)
	}
}

func TestLanguages(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	for asked, want := range map[string]string{
		"": "en", "zh": "zh-CN", "zh-TW,zh;q=0.9": "zh-CN", "de,en;q=0.5": "en", "en;q=0.3,zh-CN;q=0.8": "zh-CN", "fr": "en", "zh;q=x": "en",
	} {
		visitor := env.Visit()
		visitor.Header.Set("Accept-Language", asked)
		if got := visitor.Get("/console/sign-in"); !strings.Contains(got.Body, `<html lang="`+want+`"`) {
			t.Errorf("%q does not give %s", asked, want)
		}
	}
	visitor := env.Visit()
	visitor.Get("/console/sign-in")
	got := visitor.Post("/console/preferences", url.Values{"lang": {"zh"}, "theme": {"dark"}, "back": {"/console/sign-in?by=password"}})
	if got.Header.Get("Location") != "/console/sign-in?by=password" {
		t.Errorf("the switch leads to %q", got.Header.Get("Location"))
	}
	if got := visitor.Get("/console/sign-in"); !strings.Contains(got.Body, `<html lang="zh-CN" data-theme="dark"`) {
		t.Error("the switch does nothing")
	}
}
