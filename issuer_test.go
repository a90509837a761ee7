package chancery

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// testCA signs what it is asked to.
type testCA struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func newTestCA(name string) testCA {
	ca := testCA{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: beginning, NotAfter: beginning.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca.certificate = template
	ca.certificate = must(x509.ParseCertificate(ca.sign(template, ca.key.Public())))
	return ca
}

func (ca testCA) sign(template *x509.Certificate, key crypto.PublicKey) []byte {
	return must(x509.CreateCertificate(rand.Reader, template, ca.certificate, key, ca.key))
}

// leafTemplate is a leaf for the name of answerRequest.
func leafTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "www.example.com"}, DNSNames: []string{"www.example.com"},
		NotBefore: beginning, NotAfter: beginning.AddDate(0, 3, 0), BasicConstraintsValid: true,
	}
}

func answerRequest() IssueRequest {
	return IssueRequest{Names: Names{"www.example.com"}, CSR: requestFor("www.example.com")}
}

func TestAChainThatIsTheAnswer(t *testing.T) {
	ca := newTestCA("issuing")
	const clockDifference = 5 * time.Minute
	for _, c := range []struct {
		name string
		edit func(*x509.Certificate)
		now  time.Time
	}{
		{"as it should be", func(*x509.Certificate) {}, beginning.Add(time.Hour)},
		{"without a common name", func(l *x509.Certificate) { l.Subject.CommonName = "" }, beginning.Add(time.Hour)},
		{"at its first moment", func(*x509.Certificate) {}, beginning},
		{"by a clock that is ahead", func(*x509.Certificate) {}, beginning.Add(-clockDifference)},
		{"at its last moment", func(*x509.Certificate) {}, beginning.AddDate(0, 3, 0).Add(-time.Second)},
	} {
		template := leafTemplate()
		c.edit(template)
		chain := Chain{ca.sign(template, p256Key().Public()), ca.certificate.Raw}
		leaf, err := chain.Check(answerRequest(), c.now)
		if err != nil || string(leaf.Raw) != string(chain[0]) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestChainsThatAreNot(t *testing.T) {
	ca, stranger := newTestCA("issuing"), newTestCA("stranger")
	now := beginning.Add(time.Hour)
	leaf := func(edit func(*x509.Certificate)) []byte {
		template := leafTemplate()
		edit(template)
		return ca.sign(template, p256Key().Public())
	}
	sound := leaf(func(*x509.Certificate) {})
	above := ca.certificate.Raw
	for _, c := range []struct {
		name  string
		chain Chain
		why   string
	}{
		{"none", nil, "has 0 certificates"},
		{"a leaf alone", Chain{sound}, "has 1 certificates"},
		{"rubbish", Chain{[]byte("rubbish"), above}, "parsing certificate 1"},
		{"rubbish above", Chain{sound, []byte("rubbish")}, "parsing certificate 2"},
		{"bytes after a certificate", Chain{append(append([]byte{}, sound...), 0), above}, "parsing certificate 1"},
		{"another issuer", Chain{sound, stranger.certificate.Raw}, "certificate 1 of the issuer's answer is not signed by the next"},
		{"another issuer further up", Chain{sound, above, stranger.certificate.Raw}, "certificate 2 of the issuer's answer is not signed by the next"},
		{"the wrong order", Chain{above, sound}, "not signed by the next"},
		{"an issuer that is no CA", Chain{sound, sound}, "not signed by the next"},
		{"another key", Chain{ca.sign(leafTemplate(), rsa2048Key().Public()), above}, "another key than the CSR"},
		{"another name", Chain{leaf(func(l *x509.Certificate) { l.DNSNames = []string{"evil.example"} }), above}, "names [evil.example]"},
		{"a second name", Chain{leaf(func(l *x509.Certificate) { l.DNSNames = append(l.DNSNames, "evil.example") }), above}, "names [www.example.com evil.example]"},
		{"no name", Chain{leaf(func(l *x509.Certificate) { l.DNSNames = nil }), above}, "names []"},
		{"the name in capitals", Chain{leaf(func(l *x509.Certificate) { l.DNSNames = []string{"WWW.example.com"} }), above}, "names [WWW.example.com]"},
		{"a wildcard", Chain{leaf(func(l *x509.Certificate) { l.DNSNames = []string{"*.example.com"} }), above}, "names [*.example.com]"},
		{"an address", Chain{leaf(func(l *x509.Certificate) { l.IPAddresses = []net.IP{{192, 0, 2, 1}} }), above}, "not exactly www.example.com"},
		{"an e-mail address", Chain{leaf(func(l *x509.Certificate) { l.EmailAddresses = []string{"a@example.com"} }), above}, "not exactly www.example.com"},
		{"a URI", Chain{leaf(func(l *x509.Certificate) { l.URIs = []*url.URL{{Scheme: "spiffe", Host: "x"}} }), above}, "not exactly www.example.com"},
		{"another common name", Chain{leaf(func(l *x509.Certificate) { l.Subject.CommonName = "evil.example" }), above}, `common name "evil.example"`},
		{"a CA", Chain{leaf(func(l *x509.Certificate) { l.IsCA = true }), above}, "is a CA certificate"},
		{"one that has ended", Chain{leaf(func(l *x509.Certificate) { l.NotAfter = now }), above}, "not now"},
		{"one that begins later", Chain{leaf(func(l *x509.Certificate) { l.NotBefore = now.Add(5*time.Minute + time.Second) }), above}, "not now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.chain.Check(answerRequest(), now); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("the error is %v, want %q", err, c.why)
			}
		})
	}
	t.Run("a CSR that is none", func(t *testing.T) {
		_, err := Chain{sound, above}.Check(IssueRequest{Names: Names{"www.example.com"}, CSR: []byte("rubbish")}, now)
		if err == nil || !strings.Contains(err.Error(), "parsing the CSR") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestTheCertificateOfAnOrder(t *testing.T) {
	ca := newTestCA("issuing")
	chain := Chain{ca.sign(leafTemplate(), p256Key().Public()), ca.certificate.Raw}
	leaf := must(x509.ParseCertificate(chain[0]))
	order := &Order{ID: 123_456_789_012, AccountID: 7, InstanceID: "cas-ivauto-x"}
	got := NewCertificate(order, chain, leaf, canarySecret(), beginning)
	if got.AccountID != 7 || got.OrderID != order.ID || got.InstanceID != order.InstanceID || got.Name != "cert-123456789012" || got.Serial != "02" {
		t.Errorf("the certificate is %+v", got)
	}
	if !got.NotBefore.Equal(leaf.NotBefore) || !got.NotAfter.Equal(leaf.NotAfter) || !got.CreatedAt.Equal(beginning) || string(got.Key.Reveal()) != canary {
		t.Errorf("the certificate is %+v", got)
	}
	rest := []byte(got.PEM)
	for i, der := range chain {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" || string(block.Bytes) != string(der) {
			t.Fatalf("PEM block %d is another", i+1)
		}
	}
	if len(rest) > 0 || !strings.HasPrefix(got.PEM, "-----BEGIN CERTIFICATE-----\n") {
		t.Error("the PEM has text beside the chain")
	}
	if empty := (Chain{}).PEM(); empty != "" {
		t.Errorf("no chain is written as %q", empty)
	}
}
