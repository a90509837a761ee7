// Package acme tests orders whose issuer is an ACME CA, against the real Pebble:
// the whole service, the official clients, a proxy that spoils what the CA says, and
// a CA that is hostile. Package crash kills the service at every saved step.
//
// Pebble 2.10.1 stands still when many clients call it at once, so each test has a
// Pebble of its own and few orders at a time.
package acme

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/client"
	"chancery/internal/pebble"
	"chancery/internal/service"
	"chancery/internal/zone"
	"chancery/signature"
)

// patience is how long anything may take that should happen soon; in the long run
// there are CAs that take a minute.
var patience = map[bool]time.Duration{false: time.Minute, true: 4 * time.Minute}[os.Getenv("CHANCERY_ACME_ORDERS") != ""]

// world is what surrounds a service: DNS, web server and CA.
type world struct {
	dns *zone.Server
	web *site
	ca  *pebble.Server

	challenges *pebble.Challenges // in the place of dns and web; or nil
}

// fast has Pebble look at once, take all nonces and forget old proofs.
var fast = []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"}

func newWorld(t *testing.T, change ...func(*pebble.Config)) *world {
	t.Helper()
	dns, err := zone.Start("127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = dns.Close() })
	w := &world{dns: dns, web: newSite(t)}
	config := pebble.Config{DNS: dns.Addr(), HTTPPort: w.web.port, Environment: fast, RetryAfter: 1}
	for _, c := range change {
		c(&config)
	}
	w.ca, err = pebble.Start(t.Context(), config)
	must(t, err)
	t.Cleanup(func() {
		w.ca.Stop()
		if t.Failed() {
			t.Logf("the end of Pebble's log:\n%s", tail(w.ca.Log(), 3000))
		}
	})
	return w
}

func environment(values ...string) func(*pebble.Config) {
	return func(c *pebble.Config) { c.Environment = append(slices.Clone(fast), values...) }
}

// publish does what an applicant is told to do for each name.
func (w *world) publish(proofs []cas.Proof) {
	for _, p := range proofs {
		switch {
		case w.challenges != nil:
			w.publishThere(p)
		case p.RecordValue != "":
			w.dns.Set(p.RecordDomain, p.RecordType, p.RecordValue)
		case p.Content != "":
			w.dns.Set(p.Domain, "A", "127.0.0.1")
			w.web.put(p.Domain, p.Uri, p.Content)
		}
	}
}

// publishThere has challtestsrv show a proof; a look finds out if that failed.
func (w *world) publishThere(p cas.Proof) {
	if p.RecordValue != "" {
		_ = w.challenges.SetTXT(context.Background(), p.RecordDomain, p.RecordValue)
	} else if p.Content != "" {
		_ = w.challenges.AddFile(context.Background(), strings.TrimPrefix(p.Uri, chancery.ACMEProofPath), p.Content)
	}
}

// site is the web server of all applicants.
type site struct {
	port  int
	mu    sync.Mutex // guards files
	files map[string]string
}

func newSite(t *testing.T) *site {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	s := &site{port: listener.Addr().(*net.TCPAddr).Port, files: map[string]string{}}
	server := &http.Server{Handler: s}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

func (s *site) put(host, path, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[host+path] = content
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	s.mu.Lock()
	content, known := s.files[host+r.URL.Path]
	s.mu.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	_, _ = fmt.Fprint(w, content)
}

// instance is a service in this process, by the machine's clock.
type instance struct {
	*service.Service

	w      *world
	client *client.Client
	log    *logBuffer
	dir    string
}

type logBuffer struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const products = `[
	{"code": "single", "lifetimeDays": 90, "keyAlgorithm": "ECC_256", "issuer": "pebble"},
	{"code": "wildcard", "wildcard": true, "lifetimeDays": 90, "keyAlgorithm": "ECC_256", "issuer": "pebble"},
	{"code": "digicert-free-1-free", "lifetimeDays": 90, "keyAlgorithm": "ECC_256"}
]`

// serve starts a service whose products are issued by the world's CA.
func (w *world) serve(t *testing.T, change ...func(*admin.Issuer)) *instance {
	t.Helper()
	i := w.launch(t, t.TempDir())
	i.addIssuer(t, "pebble", change...)
	_, err := call[admin.Plan](i, "plan.grant", admin.Grant{AccountID: i.First.AccountID, ProductCode: "single", Count: 1000})
	must(t, err)
	_, err = call[admin.Plan](i, "plan.grant", admin.Grant{AccountID: i.First.AccountID, ProductCode: "wildcard", Count: 1000})
	must(t, err)
	return i
}

func (w *world) launch(t *testing.T, dir string) *instance {
	t.Helper()
	file := filepath.Join(t.TempDir(), "products.json")
	must(t, os.WriteFile(file, []byte(products), 0o600))
	i := &instance{w: w, log: &logBuffer{}, dir: dir}
	config := service.Config{
		DataDir: filepath.Join(dir, "d"), Listen: "127.0.0.1:0", MetricsListen: "off", Products: file, CAKey: "ECC_256",
		CredentialsOut: filepath.Join(dir, "credentials"), Resolvers: []string{w.resolver()}, AllowCIDRs: []string{"127.0.0.0/8"},
		HTTPPort: w.httpPort(), HTTPSPort: 1, DNSPort: 1, ProofWindow: 7 * 24 * time.Hour, ClockSkew: 15 * time.Minute,
	}
	var err error
	i.Service, err = service.Start(t.Context(), config, chancery.SystemClock{}, slog.New(slog.NewTextHandler(i.log, nil)))
	must(t, err)
	t.Cleanup(func() { i.end(t) })
	i.client, err = client.New(i.Endpoint, signature.Credentials{AccessKeyID: i.First.ID, AccessKeySecret: signature.Secret(i.First.Secret)}, nil)
	must(t, err)
	return i
}

// end stops the service; the doctor must find its data sound.
func (i *instance) end(t *testing.T) {
	report, err := i.Admin.Doctor(context.Background(), admin.Nothing{})
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("the doctor finds %+v, %v", report.Problems, err)
	}
	if err := i.Stop(context.Background()); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if strings.Contains(i.log.String(), "panicked") {
		t.Error("a step panicked")
	}
	if t.Failed() {
		t.Logf("the end of the service's log:\n%s", tail(i.log.String(), 4000))
	}
}

func call[O any](i *instance, name string, in any) (out O, err error) {
	return out, i.Admin.Call(context.Background(), name, in, &out)
}

func (i *instance) addIssuer(t *testing.T, name string, change ...func(*admin.Issuer)) {
	t.Helper()
	in := admin.Issuer{Name: name, Directory: i.w.ca.Directory, CABundle: i.w.ca.Bundle, Contacts: []string{"mailto:ops@example.test"}}
	for _, c := range change {
		c(&in)
	}
	_, err := call[admin.Issuer](i, "issuer.add", in)
	must(t, err)
}

// apply opens an order.
func (i *instance) apply(t *testing.T, name, method string, change ...func(*cas.CreateCertificateForPackageRequestInput)) int64 {
	t.Helper()
	in := cas.CreateCertificateForPackageRequestInput{
		Username: "Ada", Phone: "none", Email: "none", Domain: name, ValidateType: method, ProductCode: "single",
	}
	if strings.HasPrefix(name, "*.") {
		in.ProductCode = "wildcard"
	}
	for _, c := range change {
		c(&in)
	}
	made, err := i.client.CreateCertificateForPackageRequest(t.Context(), in)
	must(t, err)
	return made.OrderId
}

func (i *instance) state(t *testing.T, order int64) *cas.DescribeCertificateStateOutput {
	t.Helper()
	state, err := i.client.DescribeCertificateState(t.Context(), cas.DescribeCertificateStateInput{OrderId: order, Verbose: true})
	must(t, err)
	return state
}

// finish publishes whatever the order asks for until it has ended, and gives its
// last state.
func (i *instance) finish(t *testing.T, order int64) *cas.DescribeCertificateStateOutput {
	t.Helper()
	return i.until(t, order, func(s *cas.DescribeCertificateStateOutput) bool {
		return s.Type != "domain_verify" && s.Type != "process"
	})
}

func (i *instance) until(t *testing.T, order int64, done func(*cas.DescribeCertificateStateOutput) bool) *cas.DescribeCertificateStateOutput {
	t.Helper()
	var state *cas.DescribeCertificateStateOutput
	for began := time.Now(); time.Since(began) < patience; time.Sleep(100 * time.Millisecond) {
		state = i.state(t, order)
		if done(state) {
			return state
		}
		i.w.publish(state.Proofs)
	}
	t.Fatalf("order %d after %v: %+v, %+v, %+v", order, patience, *state, *state.Order, state.Looks)
	return nil
}

// issued is finish for an order that must get its certificate, which is checked.
func (i *instance) issued(t *testing.T, order int64, names ...string) *cas.DescribeCertificateStateOutput {
	t.Helper()
	state := i.finish(t, order)
	if state.Type != "certificate" {
		t.Fatalf("order %d is %s: %s\n%+v", order, state.Type, state.Reason, state.Looks)
	}
	leaf, err := verify(t.Context(), i.w.ca, state.Certificate)
	must(t, err)
	slices.Sort(names)
	if found := slices.Sorted(slices.Values(leaf.DNSNames)); !slices.Equal(found, names) {
		t.Errorf("the certificate of order %d names %v, not %v", order, found, names)
	}
	return state
}

// verify checks a chain up to Pebble's root.
func verify(ctx context.Context, ca *pebble.Server, chain string) (*x509.Certificate, error) {
	root, err := ca.Root(ctx, 0)
	if err != nil {
		return nil, err
	}
	return verifyUnder(root, chain)
}

func verifyUnder(root *x509.Certificate, chain string) (*x509.Certificate, error) {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	block, rest := pem.Decode([]byte(chain))
	if block == nil {
		return nil, fmt.Errorf("no PEM in %q", chain)
	}
	between.AppendCertsFromPEM(rest)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return leaf, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func tail(text string, most int) string { return text[max(0, len(text)-most):] }

func (w *world) resolver() string {
	if w.challenges != nil {
		return w.challenges.DNS
	}
	return w.dns.Addr()
}

func (w *world) httpPort() int {
	if w.challenges != nil {
		return w.challenges.HTTPPort
	}
	return w.web.port
}
