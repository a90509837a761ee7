package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"chancery"
	"chancery/cas"
)

// orderCase is one row of the table of orders.
type orderCase struct {
	engine, key string
	clients     int
	in          *instance

	perSecond, cpu, database, create, whole []float64 // one figure a round; times in milliseconds
}

// orders measures orders end to end: applied for, told what to publish, published on a
// real DNS server, looked at, signed, and the certificate read. A client does one after
// another.
func orders(ctx context.Context, l *lab) error {
	var cases []*orderCase
	for _, engine := range l.engines {
		for _, key := range l.keys {
			algorithm := chancery.KeyAlgorithm(key)
			if key == "CSR" {
				algorithm = chancery.ECC256
			}
			for _, build := range l.builds() {
				in, err := l.startBuild(ctx, build.program, engine, algorithm)
				if err != nil {
					return err
				}
				defer func() { _ = in.stop() }()
				for _, clients := range l.clients {
					cases = append(cases, &orderCase{engine: engine + build.name, key: key, clients: clients, in: in})
				}
			}
		}
	}
	for range l.rounds {
		for _, c := range cases {
			if err := c.measure(ctx, l.length); err != nil {
				return fmt.Errorf("%s, %s, %d clients: %w", c.engine, c.key, c.clients, err)
			}
		}
	}
	fmt.Print("\n| engine | key | clients | orders/s | service CPU an order | PostgreSQL CPU | Create p50 | order p50 |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, c := range cases {
		fmt.Printf("| %s | %s | %d | %.0f | %.2f ms | %.2f ms | %.1f ms | %.0f ms |\n",
			c.engine, c.key, c.clients, median(c.perSecond), median(c.cpu), median(c.database), median(c.create), median(c.whole))
	}
	return nil
}

type build struct{ name, program string }

func (l *lab) builds() []build {
	if l.against == "" {
		return []build{{program: l.program}}
	}
	return []build{{program: l.program}, {name: ", the other build", program: l.against}}
}

// measure runs the clients for a time, and then lets each end its order.
func (c *orderCase) measure(ctx context.Context, length time.Duration) error {
	var (
		done    atomic.Int64
		failed  atomic.Value
		times   sync.Mutex
		creates []float64
		wholes  []float64
		clients sync.WaitGroup
	)
	cpu, database := c.in.used()
	began := time.Now()
	for range c.clients {
		clients.Go(func() {
			for time.Since(began) < length && ctx.Err() == nil && failed.Load() == nil {
				create, whole, err := c.in.order(ctx, c.key == "CSR")
				if err != nil {
					failed.Store(err)
					return
				}
				done.Add(1)
				times.Lock()
				creates, wholes = append(creates, milliseconds(create)), append(wholes, milliseconds(whole))
				times.Unlock()
			}
		})
	}
	clients.Wait()
	took := time.Since(began)
	if err, _ := failed.Load().(error); err != nil {
		return err
	}
	cpuNow, databaseNow := c.in.used()
	n := float64(done.Load())
	c.perSecond = append(c.perSecond, n/took.Seconds())
	c.cpu = append(c.cpu, milliseconds(cpuNow-cpu)/n)
	c.database = append(c.database, milliseconds(databaseNow-database)/n)
	c.create, c.whole = append(c.create, median(creates)), append(c.whole, median(wholes))
	return ctx.Err()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// order is the whole journey of one applicant.
func (i *instance) order(ctx context.Context, withCSR bool) (create, whole time.Duration, err error) {
	began := time.Now()
	id, err := i.apply(ctx, withCSR)
	if err != nil {
		return 0, 0, err
	}
	create = time.Since(began)
	state, err := i.client.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: id})
	if err != nil {
		return 0, 0, err
	}
	i.zone.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	defer i.zone.Set(state.RecordDomain, state.RecordType)
	for {
		if state, err = i.client.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: id}); err != nil {
			return 0, 0, err
		}
		switch state.Type {
		case string(chancery.Issued):
			return create, time.Since(began), nil
		case string(chancery.DomainVerify), string(chancery.Process):
			time.Sleep(poll)
		default:
			return 0, 0, fmt.Errorf("order %d is %s: %s", id, state.Type, state.Reason)
		}
	}
}

// poll is how long a client waits between two questions how an order stands.
const poll = 20 * time.Millisecond

func (i *instance) apply(ctx context.Context, withCSR bool) (int64, error) {
	name := fmt.Sprintf("%s.example.test", rand.Text())
	if !withCSR {
		made, err := i.client.CreateCertificateRequest(ctx, cas.CreateCertificateRequestInput{
			Username: "Bench", Phone: "none", Email: "none", Domain: name, ValidateType: "DNS",
		})
		if err != nil {
			return 0, err
		}
		return made.OrderId, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return 0, err
	}
	made, err := i.client.CreateCertificateWithCsrRequest(ctx, cas.CreateCertificateWithCsrRequestInput{
		Username: "Bench", Phone: "none", Email: "none", ValidateType: "DNS",
		Csr: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		return 0, err
	}
	return made.OrderId, nil
}
