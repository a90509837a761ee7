// Package bench measures the whole service: the benchmarks of
// docs/performance.md. Service, clients and DNS server share one process, so the
// clients' work is in the figures too. Requests are real HTTP on loopback, signed
// by our client; the database is SQLite with synchronous=FULL on the disk that
// holds the temporary directory.
package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/client"
	"chancery/internal/pgtest"
	"chancery/internal/service"
	"chancery/internal/zone"
	"chancery/signature"
)

// instance is a running service with a plan that does not run out.
type instance struct {
	client *client.Client
	zone   *zone.Server
}

func TestMain(m *testing.M) {
	status := m.Run()
	pgtest.Stop()
	os.Exit(status)
}

// engine makes what --database is.
type engine func(b *testing.B) string

// onEach runs a benchmark on both engines.
func onEach(b *testing.B, benchmark func(b *testing.B, database engine)) {
	b.Run("SQLite", func(b *testing.B) { benchmark(b, func(*testing.B) string { return "" }) })
	b.Run("PostgreSQL", func(b *testing.B) {
		server := pgtest.Need(b)
		benchmark(b, func(b *testing.B) string { return server.Database(b) })
	})
}

func start(b *testing.B, algorithm chancery.KeyAlgorithm, database engine) *instance {
	b.Helper()
	dir := b.TempDir()
	dns, err := zone.Start("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	products, err := json.Marshal(chancery.Catalogue{{
		Code: chancery.DefaultProduct, Level: chancery.DV, LifetimeDays: 90, KeyAlgorithm: algorithm, Issuer: "local",
	}})
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "products.json")
	if err := os.WriteFile(file, products, 0o600); err != nil {
		b.Fatal(err)
	}
	s, err := service.Start(b.Context(), service.Config{
		DataDir: filepath.Join(dir, "data"), Database: database(b), Listen: "127.0.0.1:0", MetricsListen: "off", Products: file,
		Resolvers: []string{dns.Addr()}, ProofWindow: time.Hour, CAKey: string(chancery.ECC256), Rates: "off",
	}, chancery.SystemClock{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			b.Error(err)
		}
		_ = dns.Close()
	})
	if _, err := s.Admin.GrantPlan(b.Context(), admin.Grant{ProductCode: chancery.DefaultProduct, Count: chancery.MaxGrant}); err != nil {
		b.Fatal(err)
	}
	c, err := client.New(s.Endpoint, signature.Credentials{AccessKeyID: s.First.ID, AccessKeySecret: signature.Secret(s.First.Secret)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return &instance{client: c, zone: dns}
}

var applicant = struct{ name, phone, email string }{"Bench", "none", "none"}

// inFlight is how many applicants work at once; each order takes at least the
// second before its first look, so they must be many.
const inFlight = 256

// BenchmarkOrders measures orders end to end: applied, proved by DNS, issued,
// and the certificate read.
func BenchmarkOrders(b *testing.B) { onEach(b, benchmarkOrders) }

func benchmarkOrders(b *testing.B, database engine) {
	for _, kind := range []struct {
		name      string
		algorithm chancery.KeyAlgorithm
		csr       bool
	}{{"P-256", chancery.ECC256, false}, {"RSA-2048", chancery.RSA2048, false}, {"client-CSR", chancery.ECC256, true}} {
		b.Run(kind.name, func(b *testing.B) {
			s := start(b, kind.algorithm, database)
			var names atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(inFlight)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					name := fmt.Sprintf("host%d.example.test", names.Add(1))
					if err := s.order(b.Context(), name, kind.csr); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
		})
	}
}

// order is the whole journey of one applicant.
func (s *instance) order(ctx context.Context, name string, withCSR bool) error {
	id, err := s.apply(ctx, name, withCSR)
	if err != nil {
		return err
	}
	state, err := s.client.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: id})
	if err != nil {
		return err
	}
	s.zone.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	defer s.zone.Set(state.RecordDomain, state.RecordType)
	_, err = s.client.Wait(ctx, id, 500*time.Millisecond, func(*cas.DescribeCertificateStateOutput) {})
	return err
}

func (s *instance) apply(ctx context.Context, name string, withCSR bool) (int64, error) {
	if !withCSR {
		made, err := s.client.CreateCertificateRequest(ctx, cas.CreateCertificateRequestInput{
			Username: applicant.name, Phone: applicant.phone, Email: applicant.email, Domain: name, ValidateType: "DNS",
		})
		if err != nil {
			return 0, err
		}
		return made.OrderId, nil
	}
	csr, err := newCSR(name)
	if err != nil {
		return 0, err
	}
	made, err := s.client.CreateCertificateWithCsrRequest(ctx, cas.CreateCertificateWithCsrRequestInput{
		Username: applicant.name, Phone: applicant.phone, Email: applicant.email, Csr: csr, ValidateType: "DNS",
	})
	if err != nil {
		return 0, err
	}
	return made.OrderId, nil
}

func newCSR(name string) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), err
}

// BenchmarkReads measures signed reads, each with its nonce made durable.
func BenchmarkReads(b *testing.B) { onEach(b, benchmarkReads) }

func benchmarkReads(b *testing.B, database engine) {
	s := start(b, chancery.ECC256, database)
	id, err := s.apply(b.Context(), "www.example.test", false)
	if err != nil {
		b.Fatal(err)
	}
	state, err := s.client.DescribeCertificateState(b.Context(), cas.DescribeCertificateStateInput{OrderId: id})
	if err != nil {
		b.Fatal(err)
	}
	s.zone.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	if _, err := s.client.Wait(b.Context(), id, 100*time.Millisecond, func(*cas.DescribeCertificateStateOutput) {}); err != nil {
		b.Fatal(err)
	}
	calls := map[string]func() error{
		"DescribeCertificateState": func() error {
			_, err := s.client.DescribeCertificateState(b.Context(), cas.DescribeCertificateStateInput{OrderId: id})
			return err
		},
		"DescribePackageState": func() error {
			_, err := s.client.DescribePackageState(b.Context(), cas.DescribePackageStateInput{})
			return err
		},
	}
	for name, call := range calls {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
		})
	}
}
