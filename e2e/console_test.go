package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chancery/client"
	"chancery/console/consoletest"
	"chancery/internal/pgtest"
	"chancery/keyring"
)

// The console's pages are there over TLS as over plain HTTP, and on PostgreSQL as on
// SQLite; over TLS no cookie of theirs goes without it.
func TestConsole(t *testing.T) {
	t.Parallel()
	t.Run("SQLite, TLS", func(t *testing.T) {
		t.Parallel()
		s := startLight(t, "--tls", "self")
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(rootOverTLS(t, s))
		visitConsole(t, s, roots)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		key := filepath.Join(t.TempDir(), "keyring.key")
		if err := keyring.CreateKeyFile(key); err != nil {
			t.Fatal(err)
		}
		database := []string{"--database", pgtest.Need(t).Database(t), "--keyring-key-file", key}
		s := newService(t, append(database, "--products", file(t, "products.json", lightProducts))...)
		s.operator = database
		s.launch(t)
		t.Cleanup(func() { s.examine(t) })
		s.key = s.readCredentials(t, s.credentials())
		visitConsole(t, s, nil)
	})
}

// visitConsole signs in and looks at every page of the menu, an order that is issued, one
// that waits, and the certificate. With roots the service is called over TLS.
func visitConsole(t *testing.T, s *service, roots *x509.CertPool) {
	t.Helper()
	c, err := client.New(s.endpoint, s.key, roots)
	if err != nil {
		t.Fatal(err)
	}
	who := tenant{Client: c}
	issued, waiting := who.apply(t, "issued.example.test", "DNS"), who.apply(t, "waiting.example.test", "FILE")
	state := who.state(t, issued)
	s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	who.issued(t, issued)

	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	visitor := consoletest.NewVisitor(t, s.endpoint, transport)
	checkCookies(t, visitor.Get("/console/sign-in"), roots != nil)
	signedIn := visitor.SignInAs(s.key.AccessKeyID, string(s.key.AccessKeySecret))
	if signedIn.Status != http.StatusSeeOther {
		t.Fatalf("signing in: HTTP %d\n%s", signedIn.Status, signedIn.Body)
	}
	checkCookies(t, signedIn, roots != nil)

	overview := visitor.Get("/console/")
	_, menu, _ := strings.Cut(overview.Body, `<nav id="menu"`)
	menu, _, _ = strings.Cut(menu, "</nav>")
	paths := hrefs(menu)
	for _, want := range []string{"/console/orders", "/console/certificates", "/console/plans", "/console/operator/audit", "/console/operator/accounts"} {
		if !slices.Contains(paths, want) {
			t.Errorf("the menu has no %s, but %q", want, paths)
		}
	}
	certificates := visitor.Get("/console/certificates")
	pages := map[string]string{ // with what stands there
		"/console/":             "Chancery",
		"/console/orders":       "waiting.example.test",
		"/console/certificates": "issued.example.test",
		fmt.Sprintf("/console/orders/%d", issued):     "/console/certificates/",
		fmt.Sprintf("/console/orders/%d", waiting):    "/.well-known/pki-validation/",
		certificateLink.FindString(certificates.Body): "issued.example.test",
	}
	for _, path := range paths {
		pages[path] += ""
	}
	for path, want := range pages {
		if page := visitor.Get(path); page.Status != http.StatusOK || !strings.Contains(page.Body, want) {
			t.Errorf("%q: HTTP %d, without %q", path, page.Status, want)
		}
	}
	if out := visitor.Post("/console/sign-out", nil); out.Status != http.StatusSeeOther {
		t.Errorf("signing out: HTTP %d", out.Status)
	}
	if again := visitor.Get("/console/orders"); again.Status != http.StatusSeeOther {
		t.Errorf("signed out, orders are HTTP %d", again.Status)
	}
}

var (
	certificateLink = regexp.MustCompile(`/console/certificates/\d+`)
	link            = regexp.MustCompile(`href="(/console/[^"]*)"`)
)

func hrefs(body string) (paths []string) {
	for _, found := range link.FindAllStringSubmatch(body, -1) {
		paths = append(paths, found[1])
	}
	return paths
}

// checkCookies wants some, and over TLS none that browsers would send without it.
func checkCookies(t *testing.T, page consoletest.Page, secure bool) {
	t.Helper()
	cookies := (&http.Response{Header: page.Header}).Cookies()
	if len(cookies) == 0 {
		t.Error("there is no cookie")
	}
	for _, cookie := range cookies {
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure != secure || cookie.Path != "/" || cookie.Domain != "" ||
			strings.HasPrefix(cookie.Name, "__Host-") != secure {
			t.Errorf("a cookie is %s", cookie)
		}
	}
}
