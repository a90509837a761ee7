package work_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/work"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	single = chancery.DefaultProduct
	host   = "www.example.test"
)

// lookFunc is a scripted chancery.Looker.
type lookFunc func(v chancery.Validation) chancery.Finding

func (f lookFunc) Look(_ context.Context, v chancery.Validation) (bool, []chancery.Evidence) {
	finding := f(v)
	return finding == chancery.Seen, []chancery.Evidence{{Method: v.Method, Name: v.Name, Where: "the script", Finding: finding, Count: 1}}
}

func seen(chancery.Validation) chancery.Finding { return chancery.Seen }

// issueFunc is a scripted chancery.Issuer; call counts from 1.
type issueFunc func(call int, request chancery.IssueRequest) (chancery.Chain, error)

type scripted struct {
	answer issueFunc
	mu     sync.Mutex // guards calls
	calls  int
}

func (s *scripted) Issue(_ context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	s.mu.Lock()
	s.calls++
	call := s.calls
	s.mu.Unlock()
	return s.answer(call, request)
}

func withIssuer(answer issueFunc) testenv.Option {
	return testenv.WithIssuer(func(chancery.Issuer) chancery.Issuer { return &scripted{answer: answer} })
}

// gate holds a step in the middle until the test lets it go on.
type gate struct {
	entered, open chan struct{}
	once          sync.Once
}

func newGate() *gate { return &gate{entered: make(chan struct{}), open: make(chan struct{})} }

// pass is called by the step, perhaps more than once.
func (g *gate) pass() {
	g.once.Do(func() { close(g.entered) })
	<-g.open
}

// wait is called by the test.
func (g *gate) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.entered:
	case <-time.After(time.Minute):
		close(g.open)
		t.Fatal("the step was not begun")
	}
}

// someCA is a certificate authority that signs whatever a test wants to see
// refused.
type someCA struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	now         func() time.Time
}

func newCA(t *testing.T, now func() time.Time) *someCA {
	t.Helper()
	ca := &someCA{t: t, key: newKey(t), now: now}
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "Some CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(10 * 365 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	ca.certificate = ca.sign(template, template, ca.key.Public())
	return ca
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func serial(t *testing.T) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (ca *someCA) sign(template, parent *x509.Certificate, key crypto.PublicKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, ca.key)
	if err != nil {
		ca.t.Errorf("signing: %v", err)
		return ca.certificate
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Errorf("signing: %v", err)
		return ca.certificate
	}
	return certificate
}

// issue gives a good certificate for a request, unless change spoils it.
func (ca *someCA) issue(request chancery.IssueRequest, change func(*x509.Certificate)) chancery.Chain {
	csr, err := x509.ParseCertificateRequest(request.CSR)
	if err != nil {
		ca.t.Errorf("parsing the CSR: %v", err)
		return nil
	}
	template := &x509.Certificate{
		SerialNumber: serial(ca.t), DNSNames: request.Names.Strings(), PublicKey: csr.PublicKey,
		NotBefore: ca.now(), NotAfter: ca.now().Add(90 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	return chancery.Chain{ca.sign(template, ca.certificate, template.PublicKey).Raw, ca.certificate.Raw}
}

// steps counts how often steps of a kind came to an outcome.
type steps struct{ registry *prometheus.Registry }

func countSteps(worker *work.Worker) steps {
	registry := prometheus.NewRegistry()
	worker.Metrics = work.NewMetrics(registry)
	return steps{registry}
}

func (s steps) count(t *testing.T, kind chancery.StepKind, outcome string) (n int) {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := ""
			for _, label := range metric.GetLabel() {
				labels += label.GetValue() + " "
			}
			if family.GetName() == "chancery_steps_total" && labels == string(kind)+" "+outcome+" " {
				n = int(metric.GetCounter().GetValue())
			}
		}
	}
	return n
}

// withdraw cancels an order by the API.
func withdraw(t *testing.T, env *testenv.Env, order int64) {
	t.Helper()
	if got := env.Call("CancelOrderRequest", cas.OrderInput{OrderId: order}); got.Status != 200 {
		t.Fatalf("withdrawing: %s", got.Body)
	}
}

// remove deletes an order by the API and checks that its unit is back.
func remove(t *testing.T, env *testenv.Env, order int64) {
	t.Helper()
	used := env.Quota(single).UsedCount
	if got := env.Call("DeleteCertificateRequest", cas.OrderInput{OrderId: order}); got.Status != 200 {
		t.Fatalf("deleting: %s", got.Body)
	}
	if now := env.Quota(single).UsedCount; now != used-1 {
		t.Errorf("%d units were used before and %d are after", used, now)
	}
}

// rows counts an order's rows in a table.
func rows(env *testenv.Env, table string, order int64) int64 {
	if table == "steps" { // what is left of a withdrawn order but the step that revokes what was signed
		table = "(SELECT * FROM steps WHERE kind <> 'revoke_order')"
	}
	return env.Count("SELECT COUNT(*) FROM "+table+" WHERE order_id = $1", order)
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
}
