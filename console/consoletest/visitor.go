package consoletest

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancery/internal/testenv"
)

// Visitor is a browser without scripts: it keeps cookies and does not follow
// redirects. Its fields may be changed before a request.
type Visitor struct {
	// Base is the URL that paths are below.
	Base   string
	Client *http.Client
	// Header is sent with every request.
	Header http.Header

	t     testing.TB
	token string // of the last page's forms
}

// Page is an answer.
type Page struct {
	Status int
	Header http.Header
	Body   string
}

// Visit is somebody new.
func (e *Env) Visit() *Visitor { return NewVisitor(e.t, e.Endpoint, nil) }

// NewVisitor visits a server of the test's own; transport may be nil.
func NewVisitor(t testing.TB, base string, transport http.RoundTripper) *Visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if transport == nil {
		own := &http.Transport{}
		t.Cleanup(own.CloseIdleConnections)
		transport = own
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Visitor{Base: base, Client: &http.Client{Jar: jar, CheckRedirect: stay, Transport: transport, Timeout: 30 * time.Second}, Header: http.Header{}, t: t}
}

// SignIn signs in with a tenant's key; the test ends if that fails.
func (v *Visitor) SignIn(tenant *testenv.Tenant) *Visitor {
	v.t.Helper()
	page := v.SignInAs(tenant.Key.ID, string(tenant.Key.Secret.Reveal()))
	if page.Status != http.StatusSeeOther {
		v.t.Fatalf("signing in: HTTP %d\n%s", page.Status, page.Body)
	}
	return v
}

// SignInAs tries to sign in with an access key.
func (v *Visitor) SignInAs(key, secret string) Page {
	v.t.Helper()
	v.Get("/console/sign-in")
	return v.Post("/console/sign-in", url.Values{"key": {key}, "secret": {secret}})
}

// SignInByPassword tries to sign in as a user.
func (v *Visitor) SignInByPassword(account, user, password string) Page {
	v.t.Helper()
	v.Get("/console/sign-in?by=password")
	return v.Post("/console/sign-in", url.Values{"by": {"password"}, "account": {account}, "user": {user}, "secret": {password}})
}

// Get fetches a page, and keeps the token of its forms.
func (v *Visitor) Get(path string) Page {
	v.t.Helper()
	page := v.Send(http.MethodGet, path, nil)
	if found := tokenField.FindStringSubmatch(page.Body); found != nil {
		v.token = html.UnescapeString(found[1])
	}
	return page
}

var tokenField = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// Token is that of the last page's forms.
func (v *Visitor) Token() string { return v.token }

// Post sends a form, with the token of the page that was fetched last; where none was,
// it fetches the first page for it.
func (v *Visitor) Post(path string, form url.Values) Page {
	v.t.Helper()
	if v.token == "" {
		v.Get("/console/")
	}
	sent := url.Values{"csrf": {v.token}}
	for name, values := range form {
		sent[name] = values
	}
	return v.Send(http.MethodPost, path, sent)
}

// Send sends a request as it is.
func (v *Visitor) Send(method, path string, form url.Values) Page {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.Base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	for name, values := range v.Header {
		r.Header[name] = values
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := v.Client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return Page{Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

// Cookie is the value of one that the visitor has; empty: none.
func (v *Visitor) Cookie(name string) string {
	base, err := url.Parse(v.Base + "/console/")
	if err != nil {
		v.t.Fatal(err)
	}
	for _, cookie := range v.Client.Jar.Cookies(base) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}
