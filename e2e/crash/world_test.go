package crash

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/internal/pebble"
	"chancery/internal/zone"
)

// acmeIssuer is the name of the ACME CA.
const acmeIssuer = "pebble"

// world is what stands around the service: its binary, catalogue, the DNS and web
// servers on which applicants publish their proofs, and the CA if that is Pebble.
type world struct {
	binary    string
	catalogue string // a file
	dns       *zone.Server
	webPort   string
	ca        *pebble.Server // or nil

	mu    sync.Mutex        // guards files
	files map[string]string // the proof by host name and path
}

func newWorld(t *testing.T, issuer string) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the service with the race detector and kills it many times")
	}
	w := &world{files: map[string]string{}}
	var err error
	if w.binary, err = program(); err != nil {
		t.Fatal(err)
	}
	w.catalogue = writeCatalogue(t, issuer)
	if w.dns, err = zone.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.dns.Close() })
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	_, w.webPort, _ = net.SplitHostPort(web.Listener.Addr().String())
	if issuer == acmeIssuer {
		w.startPebble(t)
	}
	return w
}

// startPebble starts one that looks at once, takes all nonces and forgets old proofs.
func (w *world) startPebble(t *testing.T) {
	t.Helper()
	port, err := strconv.Atoi(w.webPort)
	if err != nil {
		t.Fatal(err)
	}
	w.ca, err = pebble.Start(t.Context(), pebble.Config{
		DNS: w.dns.Addr(), HTTPPort: port, RetryAfter: 1,
		Environment: []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.ca.Stop)
}

func writeCatalogue(t *testing.T, issuer string) string {
	text, err := json.Marshal(chancery.Catalogue{{Code: chancery.DefaultProduct, Brand: "Test", LifetimeDays: 90, KeyAlgorithm: chancery.ECC256, Issuer: issuer}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "products.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// publish puts a proof where the state says that the service will look for it, if it
// says so yet.
func (w *world) publish(state *cas.DescribeCertificateStateOutput) {
	switch {
	case state.RecordValue != "":
		w.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	case state.Content != "":
		w.mu.Lock()
		w.files[state.Domain+state.Uri] = state.Content
		w.mu.Unlock()
		w.dns.Set(state.Domain, "A", "127.0.0.1")
	}
}

// ServeHTTP serves the published files.
func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	w.mu.Lock()
	content, known := w.files[host+r.URL.Path]
	w.mu.Unlock()
	if !known {
		http.NotFound(out, r)
		return
	}
	_, _ = fmt.Fprint(out, content)
}

// flags are those of a service that looks at proofs in this world.
func (w *world) flags() []string {
	return []string{
		"--products", w.catalogue, "--dcv-resolver", w.dns.Addr(), "--dcv-allow", "127.0.0.0/8",
		"--dcv-http-port", w.webPort, "--dcv-https-port", "1", "--dcv-dns-port", "1", "--rates", "off",
	}
}
