package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// site is the web server of all applicants: by host name, over http on one port
// and over https, where it has nothing, on another.
type site struct {
	httpPort, httpsPort string

	mu    sync.Mutex
	hosts map[string]http.HandlerFunc // guarded by mu
}

func startSite(t testing.TB) *site {
	t.Helper()
	w := &site{hosts: map[string]http.HandlerFunc{}}
	plain, secure := httptest.NewServer(w), httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	w.httpPort, w.httpsPort = port(t, plain), port(t, secure)
	return w
}

func port(t testing.TB, server *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// ServeHTTP hands a request to the handler of its host. A host that has none
// answers 410, so that nobody takes it for a fault that a test made.
func (w *site) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	w.mu.Lock()
	handler := w.hosts[host]
	w.mu.Unlock()
	if handler == nil {
		http.Error(answer, "no such host", http.StatusGone)
		return
	}
	handler(answer, r)
}

// set gives a host its handler.
func (w *site) set(host string, handler http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[host] = handler
}

// publish serves a file on a host, and nothing else.
func (w *site) publish(host, path, content string) {
	w.set(host, func(answer http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(answer, r)
			return
		}
		_, _ = io.WriteString(answer, content)
	})
}
