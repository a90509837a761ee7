package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"chancery/admin"
)

// Behind a proxy that ends TLS and is named, cookies are for TLS alone, the audit log has
// the caller's address, and links lead to the proxy; whoever calls without it can say
// nothing of the kind.
func TestProxyThatIsTrusted(t *testing.T) {
	t.Parallel()
	const people = "https://certificates.example.test"
	s := startLight(t, "--trusted-proxy", "127.0.0.1", "--console-url", people)
	endpoint, err := url.Parse(s.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(endpoint)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("X-Forwarded-For", r.In.Header.Get("X-Forwarded-For")+", 203.0.113.9") // as if the caller were far away
		r.Out.Header.Set("X-Forwarded-Proto", "https")
	}})
	defer proxy.Close()

	var link admin.ConsoleLink
	s.operate(t, &link, "console", "link")
	path, ours := strings.CutPrefix(link.URL, people)
	if !ours {
		t.Fatalf("the link is %s", link.URL)
	}
	browser := proxy.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Forwarded-For", "192.0.2.77") // a lie
	answer, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if len(answer.Cookies()) == 0 {
		t.Error("no cookie")
	}
	for _, cookie := range answer.Cookies() {
		if !cookie.Secure || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("the cookie %s is not for TLS alone", cookie.Name)
		}
	}

	// What is logged of a call through the proxy has the caller's address.
	answer, err = browser.Get(proxy.URL + "/?Action=ListCsr&Version=2020-04-07&AccessKeyId=" + s.key.AccessKeyID)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	eventually(t, "a line of the log with the caller's address", func() bool {
		return s.countLog(t, map[string]any{"msg": "request", "from": "203.0.113.9"}) == 1
	})
}
