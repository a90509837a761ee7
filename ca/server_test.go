package ca

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestServerCertificate(t *testing.T) {
	a, store, _ := testCA(t, Config{BaseURL: testBase})
	own, err := a.ServerCertificate(context.Background(), []string{"Chancery.corp.internal", "localhost"},
		append([]net.IP{net.IPv4(10, 1, 2, 3)}, loopback...))
	if err != nil {
		t.Fatal(err)
	}
	roots, chain := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(parse(t, a.Root()))
	chain.AddCert(parse(t, own.Certificate[1]))
	for _, name := range []string{"chancery.corp.internal", "localhost", "127.0.0.1", "::1", "10.1.2.3"} {
		_, err := own.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: chain, CurrentTime: testDay})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if life := lifeOf(own.Leaf.NotBefore, own.Leaf.NotAfter); life != 90*day || own.Leaf.Subject.CommonName != "chancery.corp.internal" {
		t.Errorf("%s lives %s", own.Leaf.Subject, life)
	}
	if _, err := a.ServerCertificate(context.Background(), nil, loopback); err != nil {
		t.Errorf("with addresses alone: %v", err)
	}
	done := store.completed()
	if len(done) != 2 || done[0].OrderID != 0 || done[0].AccountID != 0 {
		t.Errorf("%d issuances are recorded", len(done))
	}
	for _, names := range [][]string{nil, {"under_score.example.com"}, {"two words"}, {""}} {
		if _, err := a.ServerCertificate(context.Background(), names, nil); err == nil {
			t.Errorf("names %q: accepted", names)
		}
	}
}

func TestServerCertificateUnderLaterRules(t *testing.T) {
	a, _, now := testCA(t, Config{})
	now.set(time.Date(2029, 3, 15, 0, 0, 0, 0, time.UTC))
	own, err := a.ServerCertificate(context.Background(), []string{"localhost"}, nil)
	if err != nil || lifeOf(own.Leaf.NotBefore, own.Leaf.NotAfter) != 46*day {
		t.Errorf("%v", err)
	}
}

func TestRenewal(t *testing.T) {
	a, store, now := testCA(t, Config{})
	renewal, err := a.Renewal(context.Background(), []string{"localhost"}, loopback)
	if err != nil {
		t.Fatal(err)
	}
	first := handshake(t, a, renewal)
	start, end := first.NotBefore, first.NotAfter
	third := end.Add(-end.Sub(start) / 3)

	now.set(third.Add(-time.Second))
	if kept := handshake(t, a, renewal); !bytes.Equal(kept.Raw, first.Raw) {
		t.Error("renewed too early")
	}

	now.set(third)
	failed := 0
	store.fail = func(string) error { failed++; return errors.New("no database") }
	for range 3 {
		if kept := handshake(t, a, renewal); !bytes.Equal(kept.Raw, first.Raw) {
			t.Error("a failed renewal changed the certificate")
		}
	}
	if failed != 1 {
		t.Errorf("%d attempts within the pause", failed)
	}
	store.fail = nil
	now.set(third.Add(renewalPause))
	next := handshake(t, a, renewal)
	if bytes.Equal(next.Raw, first.Raw) || !next.NotAfter.After(end) {
		t.Error("not renewed")
	}
}

func TestRenewalUnderLoad(t *testing.T) {
	defer goleak.VerifyNone(t)
	a, store, now := testCA(t, Config{})
	renewal, err := a.Renewal(context.Background(), []string{"localhost"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now.set(testDay.Add(80 * day))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { handshake(t, a, renewal) })
	}
	group.Wait()
	if n := len(store.completed()); n != 2 {
		t.Errorf("%d certificates were made", n)
	}
}

// handshake gives the certificate that a client sees and trusts.
func handshake(t *testing.T, a *Authority, renewal *Renewal) *x509.Certificate {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server := tls.Server(far, &tls.Config{GetCertificate: renewal.GetCertificate})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, a.Root()))
	client := tls.Client(near, &tls.Config{RootCAs: roots, ServerName: "localhost", Time: a.config.Clock.Now})
	if err := errors.Join(client.Handshake(), <-done); err != nil {
		t.Error(err)
		return &x509.Certificate{}
	}
	return client.ConnectionState().PeerCertificates[0]
}
