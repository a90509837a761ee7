package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/zone"
	"chancery/signature"
)

// world is what stands around the service: its binary, catalogues, and the DNS
// and web servers on which applicants publish their proofs.
type world struct {
	binary        string
	elliptic, rsa string // catalogue files with the default product, by the keys that the service makes
	dns           *zone.Server
	webPort       string

	mu    sync.Mutex        // guards files
	files map[string]string // the proof by host name
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the service with the race detector and kills it many times")
	}
	w := &world{files: map[string]string{}}
	var err error
	if w.binary, err = program(); err != nil {
		t.Fatal(err)
	}
	w.elliptic, w.rsa = writeCatalogue(t, chancery.ECC256), writeCatalogue(t, chancery.RSA2048)
	if w.dns, err = zone.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.dns.Close() })
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	_, w.webPort, _ = net.SplitHostPort(web.Listener.Addr().String())
	return w
}

func writeCatalogue(t *testing.T, keys chancery.KeyAlgorithm) string {
	text, err := json.Marshal(chancery.Catalogue{{Code: chancery.DefaultProduct, Brand: "Test", LifetimeDays: 90, KeyAlgorithm: keys}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "products.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// publish puts a proof where the state says that the service will look for it.
func (w *world) publish(state *cas.DescribeCertificateStateOutput) {
	if state.ValidateType == string(chancery.DNS) {
		w.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
		return
	}
	w.mu.Lock()
	w.files[state.Domain] = state.Content
	w.mu.Unlock()
	w.dns.Set(state.Domain, "A", "127.0.0.1")
}

// ServeHTTP serves the published files.
func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	w.mu.Lock()
	content, known := w.files[host]
	w.mu.Unlock()
	if !known || r.URL.Path != chancery.ProofPath {
		http.NotFound(out, r)
		return
	}
	_, _ = fmt.Fprintln(out, content)
}

// serveFlags are those of a service that looks at proofs in this world.
func (w *world) serveFlags(path, catalogue string) []string {
	return []string{
		"--data-dir", path, "--products", catalogue,
		"--dcv-resolver", w.dns.Addr(), "--dcv-allow", "127.0.0.0/8", "--dcv-http-port", w.webPort,
	}
}

// directory is a data directory, with everybody who ever applied there: each of
// them has exactly one live order once a round is over.
type directory struct {
	*world
	path        string
	credentials signature.Credentials
	applicants  []*applicant
}

// newDirectory makes a data directory by a first start, with a plan that suffices.
func (w *world) newDirectory(t *testing.T) *directory {
	t.Helper()
	d := &directory{world: w, path: shortTempDir(t)}
	first := start(t, w.binary, "", w.serveFlags(d.path, w.elliptic)...)
	d.newKey(t)
	d.run(t, "plan", "grant", "--count", "1000")
	first.stop(t)
	return d
}

// newKey has the operator make an access key once the first start is over: the
// service listens before it has made the first account and its plan.
func (d *directory) newKey(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		var accounts, plans []any
		if err := json.Unmarshal(d.run(t, "account", "list", "--output", "json"), &accounts); err != nil {
			t.Fatal(err)
		}
		if len(accounts) == 1 {
			if err := json.Unmarshal(d.run(t, "plan", "list", "--output", "json"), &plans); err != nil {
				t.Fatal(err)
			}
		}
		if len(plans) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the first start left %d accounts and %d plans", len(accounts), len(plans))
		}
	}
	var key struct{ AccessKeyID, AccessKeySecret string }
	if err := json.Unmarshal(d.run(t, "accesskey", "create", "--output", "json"), &key); err != nil {
		t.Fatal(err)
	}
	d.credentials = signature.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: signature.Secret(key.AccessKeySecret)}
}

// run runs an operator's command on the directory, which must succeed.
func (d *directory) run(t *testing.T, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, d.binary, nil, append(args, "--data-dir", d.path)...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("chancery %v: %v\n%s", args, err, output)
	}
	return output
}
