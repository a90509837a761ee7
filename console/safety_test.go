package console_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/console"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

func TestRoutes(t *testing.T) {
	if err := console.CheckRoutes(); err != nil {
		t.Error(err)
	}
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// somewhere is a path that a pattern matches.
func somewhere(pattern string) string {
	path := console.Root + strings.ReplaceAll(pattern, "{$}", "")
	for {
		before, rest, found := strings.Cut(path, "{")
		if !found {
			return path
		}
		_, after, _ := strings.Cut(rest, "}")
		path = before + "1" + after
	}
}

// Every route, also what does not exist, has the headers that keep a page to itself.
func TestHeaders(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	stranger, ada := env.Visit(), env.Visit().SignIn(env.Tenant)
	for _, route := range append(console.Routes(), console.Route{Method: http.MethodGet, Path: "no/such/page"}, console.Route{Method: http.MethodPut, Path: "sign-in"}) {
		for name, visitor := range map[string]*consoletest.Visitor{"a stranger": stranger, "somebody signed in": ada} {
			if name != "a stranger" && route.Path == "sign-out" {
				continue
			}
			got := visitor.Send(route.Method, somewhere(route.Path), nil)
			for header, want := range map[string]string{
				"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
			} {
				if value := got.Header.Get(header); value != want {
					t.Errorf("%s asks %s %s: %s is %q", name, route.Method, route.Path, header, value)
				}
			}
		}
	}
}

// Who is not signed in gets to the sign-in page, and back from there.
func TestPagesNeedASession(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	for _, route := range console.Routes() {
		if route.Open || route.Method != http.MethodGet {
			continue
		}
		got := env.Visit().Send(http.MethodGet, somewhere(route.Path), nil)
		if got.Status != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/console/sign-in") {
			t.Errorf("%s: HTTP %d to %q", route.Path, got.Status, got.Header.Get("Location"))
		}
	}
}

// Every form is refused that no page of this session made, or that another site sent.
func TestForgedForms(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	stranger := env.Visit()
	stranger.Get("/console/sign-in")
	for _, route := range console.Routes() {
		if route.Method != http.MethodPost {
			continue
		}
		for name, forge := range map[string]func(*consoletest.Visitor) url.Values{
			"without a token":           func(*consoletest.Visitor) url.Values { return nil },
			"with an empty token":       func(*consoletest.Visitor) url.Values { return url.Values{"csrf": {""}} },
			"with somebody else's":      func(*consoletest.Visitor) url.Values { return url.Values{"csrf": {stranger.Token()}} },
			"with the token in the URL": func(*consoletest.Visitor) url.Values { return url.Values{"in-url": {""}} },
			"from another site": func(v *consoletest.Visitor) url.Values {
				v.Header.Set("Sec-Fetch-Site", "cross-site")
				return url.Values{"csrf": {v.Token()}}
			},
			"from a neighbour": func(v *consoletest.Visitor) url.Values {
				v.Header.Set("Sec-Fetch-Site", "same-site")
				return url.Values{"csrf": {v.Token()}}
			},
			"of another origin": func(v *consoletest.Visitor) url.Values {
				v.Header.Set("Origin", "https://evil.example")
				return url.Values{"csrf": {v.Token()}}
			},
			"of no origin": func(v *consoletest.Visitor) url.Values {
				v.Header.Set("Origin", "null")
				return url.Values{"csrf": {v.Token()}}
			},
		} {
			visitor := env.Visit().SignIn(env.Tenant)
			visitor.Get("/console/")
			form, path := forge(visitor), somewhere(route.Path)
			if form.Has("in-url") {
				form, path = url.Values{}, path+"?csrf="+url.QueryEscape(visitor.Token())
			}
			got := visitor.Send(http.MethodPost, path, form)
			if got.Status != http.StatusBadRequest {
				t.Errorf("%s %s: HTTP %d", route.Path, name, got.Status)
			}
			if visitor.Header = (http.Header{}); visitor.Get("/console/").Status != http.StatusOK {
				t.Errorf("%s %s: it had an effect: the session has ended", route.Path, name)
			}
		}
	}
}

// No text leads off this origin.
func TestRedirects(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	for _, next := range []string{
		"https://evil.example/console/", "//evil.example/console/", "/\\evil.example/console/", "\\\\evil.example", "/console/../../evil",
		"/console//evil.example", "javascript:alert(1)", "/console/%2e%2e/evil", "/console/\r\nSet-Cookie: a=b", "/console/%0d%0aLocation:%20https://evil.example",
		"https:/console/", "///evil.example/console/", "/consoleevil", "http:console/", " /console/x", "/console/@evil.example/..//", "/console/%5c%5cevil.example", "/console/#//evil", "",
	} {
		if got := console.LocalPath(next); got != console.Root {
			t.Errorf("%q leads to %q", next, got)
		}
		visitor := env.Visit()
		visitor.Get("/console/sign-in?next=" + url.QueryEscape(next))
		got := visitor.Post("/console/sign-in", url.Values{"key": {env.Key.ID}, "secret": {string(env.Key.Secret.Reveal())}, "next": {next}})
		if got.Status != http.StatusSeeOther || got.Header.Get("Location") != console.Root {
			t.Errorf("signing in with next=%q leads to %q", next, got.Header.Get("Location"))
		}
		got = visitor.Get("/console/sign-in?next=" + url.QueryEscape(next))
		if got.Header.Get("Location") != console.Root {
			t.Errorf("the sign-in page with next=%q leads to %q", next, got.Header.Get("Location"))
		}
	}
	for _, good := range []string{"/console/orders?page=2&status=ISSUED", "/console/", "/console/orders/55"} {
		if got := console.LocalPath(good); got != good {
			t.Errorf("%q leads to %q", good, got)
		}
	}
}

// A session that somebody else brought about is not the one that begins.
func TestSessionFixation(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visitor := env.Visit()
	base, _ := url.Parse(visitor.Base)
	const planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	visitor.Client.Jar.SetCookies(base, []*http.Cookie{{Name: "chancery-session", Value: planted, Path: "/"}})
	visitor.SignIn(env.Tenant)
	first := visitor.Cookie("chancery-session")
	if first == planted || len(first) != len(planted) {
		t.Fatalf("the session is %q", first)
	}
	// Signing in anew ends the session that the browser had.
	thief := env.Visit()
	thief.Client.Jar.SetCookies(base, []*http.Cookie{{Name: "chancery-session", Value: first, Path: "/"}})
	if got := thief.Get("/console/"); got.Status != http.StatusOK {
		t.Fatalf("the copied session gives HTTP %d", got.Status)
	}
	visitor.Get("/console/")
	visitor.Post("/console/sign-in", url.Values{"key": {env.Key.ID}, "secret": {string(env.Key.Secret.Reveal())}})
	if second := visitor.Cookie("chancery-session"); second == first {
		t.Error("the session kept its id")
	}
	if got := thief.Get("/console/"); got.Status != http.StatusSeeOther {
		t.Errorf("the old session still gives HTTP %d", got.Status)
	}
}

// Guessing is refused after a while, with the same answer whatever was wrong; so is the
// right secret then, until the time is over. Nobody else is kept out.
func TestGuessing(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	ada := env.AsUser("ada")
	visitor := env.Visit()
	wrong := visitor.SignInAs(ada.Key.ID, "wrong")
	unknown := visitor.SignInAs("CHANnobody", "wrong")
	if wrong.Status != http.StatusForbidden || unknown.Status != http.StatusForbidden || stripped(wrong, ada.Key.ID) != stripped(unknown, "CHANnobody") {
		t.Errorf("an unknown key is told from a known one: HTTP %d and %d", wrong.Status, unknown.Status)
	}
	for range 9 {
		visitor.SignInAs(ada.Key.ID, "wrong")
	}
	if got := env.Visit().SignInAs(ada.Key.ID, string(ada.Key.Secret.Reveal())); got.Status != http.StatusTooManyRequests {
		t.Errorf("the right secret after ten wrong ones: HTTP %d", got.Status)
	}
	env.Visit().SignIn(env.Tenant)
	env.Clock.Advance(16 * time.Minute)
	env.Visit().SignIn(ada)
	for i := range 40 {
		env.Visit().SignInAs("CHANguess"+string(rune('a'+i)), "wrong")
	}
	if got := env.Visit().SignInAs(env.Key.ID, string(env.Key.Secret.Reveal())); got.Status != http.StatusTooManyRequests {
		t.Errorf("an address that guessed at 40 keys: HTTP %d", got.Status)
	}
}

// stripped is a page without what differs for good reasons.
func stripped(p consoletest.Page, key string) string { return strings.ReplaceAll(p.Body, key, "-") }

// A session ends at once: revoked, with its key, with its user, and by time.
func TestSessionsEnd(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	for name, end := range map[string]func(*testenv.Tenant){
		"signed out by the operator": func(who *testenv.Tenant) {
			operate(t, env, "console.sign-out", admin.SignOut{AccountID: env.Account, User: who.Principal.Name})
		},
		"its key is disabled": func(who *testenv.Tenant) {
			operate(t, env, "accesskey.disable", admin.AccessKeyName{AccountID: env.Account, ID: who.Key.ID})
		},
		"its user is deleted": func(who *testenv.Tenant) {
			operate(t, env, "user.delete", admin.Named{AccountID: env.Account, Name: who.Principal.Name})
		},
		"its user gets a password": func(who *testenv.Tenant) {
			operate(t, env, "user.password", admin.Password{AccountID: env.Account, Name: who.Principal.Name, Password: "correct horse battery"})
		},
		"half an hour idle": func(*testenv.Tenant) { env.Clock.Advance(31 * time.Minute) },
	} {
		who := env.AsUser("user-"+strings.ReplaceAll(name, " ", "-"), "AliyunYundunCertReadOnlyAccess")
		visitor := env.Visit().SignIn(who)
		if got := visitor.Get("/console/"); got.Status != http.StatusOK {
			t.Fatalf("%s: HTTP %d before", name, got.Status)
		}
		end(who)
		if got := visitor.Get("/console/"); got.Status != http.StatusSeeOther {
			t.Errorf("%s: HTTP %d after", name, got.Status)
		}
	}
	visitor := env.Visit().SignIn(env.Tenant)
	for range 36 { // used every 20 minutes
		env.Clock.Advance(20 * time.Minute)
		if visitor.Get("/console/").Status != http.StatusOK {
			break
		}
	}
	if got := visitor.Get("/console/"); got.Status != http.StatusSeeOther {
		t.Errorf("after twelve hours in use: HTTP %d", got.Status)
	}
}

func operate(t *testing.T, env *consoletest.Env, call string, in any) {
	t.Helper()
	var out any
	if err := env.Admin.Call(t.Context(), call, in, &out); err != nil {
		t.Fatal(err)
	}
}

// Cookies are for this host and no script; under TLS, browsers see to that.
func TestCookies(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	server := httptest.NewTLSServer(env.Console)
	defer server.Close()
	for base, secure := range map[string]bool{env.Endpoint: false, server.URL: true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		visitor := consoletest.NewVisitor(t, base, transport)
		visitor.Get("/console/sign-in")
		got := visitor.SignInAs(env.Key.ID, string(env.Key.Secret.Reveal()))
		transport.CloseIdleConnections()
		cookies := (&http.Response{Header: got.Header}).Cookies()
		if len(cookies) == 0 {
			t.Fatalf("no cookie from %s", base)
		}
		for _, cookie := range cookies {
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure != secure || cookie.Path != "/" || cookie.Domain != "" ||
				strings.HasPrefix(cookie.Name, "__Host-") != secure {
				t.Errorf("%s: %s", base, cookie)
			}
		}
		if strings.Contains(dump(t, env), visitor.Cookie("chancery-session")) && !secure {
			t.Error("the database holds what the cookie holds")
		}
	}
}

func dump(t *testing.T, env *consoletest.Env) (text string) {
	t.Helper()
	env.Read(func(tx chancery.Tx) error {
		sessions, err := tx.ConsoleSessions(env.Account)
		for _, s := range sessions {
			text += string(s.IDHash) + s.Agent + s.Address
		}
		return err
	})
	return text
}
