package crash

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/client"
)

// applicant wants one certificate, and sends the same application under the same
// ClientToken as often as its answers are cut.
type applicant struct {
	name   chancery.Name
	method chancery.Method
	token  string
	key    *ecdsa.PrivateKey // with csr: the applicant's own; nil when the service makes the key
	csr    string

	order int64 // 0 until the service acknowledged one
	leaf  []byte
}

func newApplicant(t *testing.T, method chancery.Method, ownCSR bool) *applicant {
	t.Helper()
	a := &applicant{
		name: chancery.Name(strings.ToLower(rand.Text()) + ".example.test"), method: method, token: rand.Text(),
	}
	if !ownCSR {
		return a
	}
	key, err := chancery.GenerateKey(chancery.ECC256)
	if err != nil {
		t.Fatal(err)
	}
	_, csr, err := chancery.NewKeyAndCSR(key, chancery.Names{a.name})
	if err != nil {
		t.Fatal(err)
	}
	a.key = key.(*ecdsa.PrivateKey)
	a.csr = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
	return a
}

// apply sends the application. However often it does, there is one order.
func (a *applicant) apply(ctx context.Context, c *client.Client) error {
	var made *cas.CreateOutput
	var err error
	if a.key == nil {
		made, err = c.CreateCertificateRequest(ctx, cas.CreateCertificateRequestInput{
			Username: "crash", Phone: "none", Email: "none", Domain: string(a.name),
			ValidateType: string(a.method), ClientToken: a.token,
		})
	} else {
		made, err = c.CreateCertificateWithCsrRequest(ctx, cas.CreateCertificateWithCsrRequestInput{
			Username: "crash", Phone: "none", Email: "none", Csr: a.csr,
			ValidateType: string(a.method), ClientToken: a.token,
		})
	}
	switch {
	case err != nil:
		return fmt.Errorf("applying for %s: %w", a.name, err)
	case a.order != 0 && a.order != made.OrderId:
		return fmt.Errorf("the application for %s was acknowledged as order %d and then as order %d", a.name, a.order, made.OrderId)
	}
	a.order = made.OrderId
	return nil
}

// applyAndPublish does the applicant's part.
func (a *applicant) applyAndPublish(ctx context.Context, c *client.Client, w *world) error {
	if err := a.apply(ctx, c); err != nil {
		return err
	}
	state, err := c.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: a.order})
	if err != nil {
		return fmt.Errorf("asking for the proof of order %d: %w", a.order, err)
	}
	if state.Type == string(chancery.DomainVerify) {
		w.publish(state)
	}
	return nil
}

// collect waits for the certificate and checks it as its owner would.
func (a *applicant) collect(ctx context.Context, c *client.Client, root *x509.Certificate) error {
	const pause = 200 * time.Millisecond
	state, err := c.Wait(ctx, a.order, pause, func(*cas.DescribeCertificateStateOutput) {})
	if err != nil {
		return fmt.Errorf("waiting for order %d: %w", a.order, err)
	}
	leaf, err := verify(state.Certificate, root)
	switch {
	case err != nil:
	case !slices.Equal(leaf.DNSNames, []string{string(a.name)}):
		err = fmt.Errorf("it names %v", leaf.DNSNames)
	case a.key == nil:
		err = chancery.KeyFits(chancery.NewSecret([]byte(state.PrivateKey)), leaf)
	case state.PrivateKey != "":
		err = errors.New("there is a private key, though the CSR was the applicant's")
	case !a.key.PublicKey.Equal(leaf.PublicKey):
		err = errors.New("it is for another key than the CSR's")
	}
	if err != nil {
		return fmt.Errorf("the certificate of order %d for %s: %w", a.order, a.name, err)
	}
	a.leaf = leaf.Raw
	return nil
}

func verify(chain string, root *x509.Certificate) (*x509.Certificate, error) {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	block, rest := pem.Decode([]byte(chain))
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	between.AppendCertsFromPEM(rest)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return leaf, err
}
