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
	"sync/atomic"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/client"
)

// applicant wants one certificate, and sends the same application under the same
// ClientToken as often as its answers are cut.
type applicant struct {
	name    chancery.Name
	method  chancery.Method
	token   string
	revokes bool              // its certificate, once it has it
	key     *ecdsa.PrivateKey // with csr: the applicant's own; nil when the service makes the key
	csr     string

	order atomic.Int64 // 0 until the service acknowledged one
	leaf  []byte       // read once done
	done  atomic.Bool
}

func newApplicant(method chancery.Method, ownCSR, revokes bool) *applicant {
	a := &applicant{
		name: chancery.Name(strings.ToLower(rand.Text()) + ".example.test"), method: method, token: rand.Text(), revokes: revokes,
	}
	if !ownCSR {
		return a
	}
	key, err := chancery.GenerateKey(chancery.ECC256)
	if err != nil {
		panic(err)
	}
	_, csr, err := chancery.NewKeyAndCSR(key, chancery.Names{a.name})
	if err != nil {
		panic(err)
	}
	a.key = key.(*ecdsa.PrivateKey) //nolint:forcetypeassert // as we asked for
	a.csr = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
	return a
}

// live is all that an applicant does, by whatever processes there are.
func (a *applicant) live(ctx context.Context, p *place, issued func()) error {
	for range 2 { // once more for good measure: the same order
		if err := p.call(ctx, a.apply); err != nil {
			return err
		}
	}
	state, err := a.await(ctx, p)
	if err != nil {
		return err
	}
	issued()
	if err := a.check(state, p.root.Load()); err != nil {
		return fmt.Errorf("the certificate of order %d for %s: %w", a.order.Load(), a.name, err)
	}
	if a.revokes {
		if err := p.call(ctx, a.revoke); err != nil {
			return err
		}
	}
	a.done.Store(true)
	return nil
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
	if err != nil {
		return fmt.Errorf("applying for %s: %w", a.name, err)
	}
	if was := a.order.Swap(made.OrderId); was != 0 && was != made.OrderId {
		return refusal(fmt.Errorf("the application for %s was acknowledged as order %d and then as order %d", a.name, was, made.OrderId))
	}
	return nil
}

// await publishes whatever the order asks for until it is issued.
func (a *applicant) await(ctx context.Context, p *place) (state *cas.DescribeCertificateStateOutput, err error) {
	for pause := 500 * time.Millisecond; ; pause = min(pause+100*time.Millisecond, time.Second) {
		err := p.call(ctx, func(ctx context.Context, c *client.Client) (err error) {
			state, err = c.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: a.order.Load()})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading order %d: %w", a.order.Load(), err)
		}
		switch chancery.State(state.Type) {
		case chancery.Issued:
			return state, nil
		case chancery.DomainVerify:
			p.world.publish(state)
		case chancery.Process:
		default:
			return nil, fmt.Errorf("order %d for %s came to %s: %s", a.order.Load(), a.name, state.Type, state.Reason)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// check looks at the certificate as its owner would.
func (a *applicant) check(state *cas.DescribeCertificateStateOutput, root *x509.Certificate) error {
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
		return err
	}
	a.leaf = leaf.Raw
	return nil
}

// revoke gives the certificate up. A second call finds it revoked.
func (a *applicant) revoke(ctx context.Context, c *client.Client) error {
	err := c.CancelCertificateForPackageRequest(ctx, cas.CancelCertificateForPackageRequestInput{OrderId: a.order.Load(), Reason: "superseded"})
	var refused *client.Error
	if errors.As(err, &refused) && refused.Code == string(chancery.OrderStateError) {
		return nil // the answer to the first one was cut
	}
	if err != nil {
		return fmt.Errorf("revoking order %d: %w", a.order.Load(), err)
	}
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
