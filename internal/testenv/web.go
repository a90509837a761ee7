package testenv

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"

	"chancery"
)

// Web is the web server of every applicant: one address, over http and https,
// that tells hosts apart by the Host header. A host that has nothing answers 404.
type Web struct {
	plain, secure *httptest.Server

	mu    sync.RWMutex // guards what follows
	hosts map[string]http.Handler
}

func newWeb() *Web {
	w := &Web{hosts: map[string]http.Handler{}}
	w.plain, w.secure = httptest.NewServer(w), httptest.NewTLSServer(w)
	return w
}

// Handle has h answer everything asked of host; nil ends that.
func (w *Web) Handle(host string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h == nil {
		delete(w.hosts, host)
		return
	}
	w.hosts[host] = h
}

// Put has host serve content at the path where a proof is looked for.
func (w *Web) Put(host, content string) { w.PutAt(host, chancery.ProofPath, content) }

// PutAt has host serve content at a path and nothing else.
func (w *Web) PutAt(host, path, content string) {
	mux := http.NewServeMux()
	mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) })
	w.Handle(host, mux)
}

// ServeHTTP implements http.Handler.
func (w *Web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	w.mu.RLock()
	handler, known := w.hosts[host]
	w.mu.RUnlock()
	if !known {
		http.NotFound(out, r)
		return
	}
	handler.ServeHTTP(out, r)
}

func (w *Web) ports() (http, https int) { return portOf(w.plain), portOf(w.secure) }

func portOf(server *httptest.Server) int {
	return int(netip.MustParseAddrPort(server.Listener.Addr().String()).Port())
}

func (w *Web) close() {
	w.plain.Close()
	w.secure.Close()
}
