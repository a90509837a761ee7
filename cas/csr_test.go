package cas_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// requestFor makes a CSR for a common name, as changed.
func requestFor(t *testing.T, key crypto.Signer, name string, change func(*x509.CertificateRequest)) string {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return armour("CERTIFICATE REQUEST", der)
}

func armour(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// withKey puts another public key into a CSR, whose signature then is wrong, but
// whose key need not be made.
func withKey(t *testing.T, csr string, key *rsa.PublicKey) string {
	t.Helper()
	block, _ := pem.Decode([]byte(csr))
	var outer struct {
		Info struct {
			Version    int
			Subject    asn1.RawValue
			Key        asn1.RawValue
			Attributes asn1.RawValue `asn1:"optional"`
		}
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(block.Bytes, &outer); err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	outer.Info.Key = asn1.RawValue{FullBytes: public}
	der, err := asn1.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	return armour("CERTIFICATE REQUEST", der)
}

// modulus is an odd number of so many bits, which is all that a check of the
// length sees.
func modulus(bits uint) *big.Int {
	return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
}

func ec(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestRequestsThatAreRefused(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 100)
	env.Grant(wildcard, 100)
	const name = "www.example.test"
	p256 := ec(t, elliptic.P256())
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := requestFor(t, p256, name, nil)
	block, _ := pem.Decode([]byte(good))
	broken := append([]byte(nil), block.Bytes...)
	broken[len(broken)-1] ^= 1
	also := func(change func(*x509.CertificateRequest)) string { return requestFor(t, p256, name, change) }

	for _, test := range []struct {
		name, csr string
		changes   parameters
		says      string
	}{
		{"not PEM", "www.example.test", nil, "not PEM"},
		{"base64 without its frame", strings.Join(strings.Split(good, "\n")[1:4], "\n"), nil, "not PEM"},
		{"PEM without line breaks", strings.ReplaceAll(good, "\n", ""), nil, "not PEM"},
		{"a certificate", armour("CERTIFICATE", block.Bytes), nil, `holds "CERTIFICATE"`},
		{"a private key", armour("EC PRIVATE KEY", []byte("zebra-stripes")), nil, `holds "EC PRIVATE KEY"`},
		{"two requests", good + good, nil, "give one request alone"},
		{"text after the request", good + "thanks", nil, "give one request alone"},
		{"something else in its frame", armour("CERTIFICATE REQUEST", []byte("zebra")), nil, "not a valid PKCS #10 request"},
		{"a cut request", armour("CERTIFICATE REQUEST", block.Bytes[:len(block.Bytes)-1]), nil, "not a valid PKCS #10 request"},
		{"bytes after the request", armour("CERTIFICATE REQUEST", append(block.Bytes[:len(block.Bytes):len(block.Bytes)], 0)), nil, "not a valid PKCS #10 request"},
		{"more than 16 KiB", strings.Repeat("\n", 16<<10) + good, nil, "more than 16384 bytes"},
		{"a bad signature", armour("CERTIFICATE REQUEST", broken), nil, "signature does not verify"},

		{"RSA of 1024 bits", withKey(t, good, &rsa.PublicKey{N: modulus(1024), E: 65537}), nil, "1024 bits; at least 2048"},
		{"RSA of 2047 bits", withKey(t, good, &rsa.PublicKey{N: modulus(2047), E: 65537}), nil, "2047 bits; at least 2048"},
		{"RSA of 16384 bits", withKey(t, good, &rsa.PublicKey{N: modulus(16384), E: 65537}), nil, "16384 bits; at most 8192"},
		{"RSA with the exponent 3", withKey(t, good, &rsa.PublicKey{N: modulus(2048), E: 3}), nil, "exponent is not 65537"},
		{"RSA with a small factor", withKey(t, good, &rsa.PublicKey{N: new(big.Int).Mul(modulus(2046), big.NewInt(5)), E: 65537}), nil, "small factor"},
		{"the curve P-224", requestFor(t, ec(t, elliptic.P224()), name, nil), nil, "not P-256, P-384 or P-521"},
		{"Ed25519", requestFor(t, edwards, name, nil), nil, "neither RSA nor ECDSA"},

		{"no common name", requestFor(t, p256, "", nil), nil, "no common name"},
		{"no common name beside an alternative name", requestFor(t, p256, "", func(r *x509.CertificateRequest) { r.DNSNames = []string{name} }), nil, "no common name"},
		{"an address as common name", requestFor(t, p256, "192.0.2.1", nil), nil, "common name is not usable"},
		{"a person as common name", requestFor(t, p256, "Ada Lovelace", nil), nil, "common name is not usable"},
		{"another name", also(func(r *x509.CertificateRequest) { r.DNSNames = []string{name, "example.test"} }), nil, `asks for 2 names`},
		{"another name alone", also(func(r *x509.CertificateRequest) { r.DNSNames = []string{"example.test"} }), nil, `asks for 2 names`},
		{"a wildcard beside the name", also(func(r *x509.CertificateRequest) { r.DNSNames = []string{"*.example.test"} }), nil, `asks for 2 names`},
		{"an address beside the name", also(func(r *x509.CertificateRequest) { r.IPAddresses = []net.IP{{192, 0, 2, 1}} }), nil, "not DNS names"},
		{"an e-mail address beside the name", also(func(r *x509.CertificateRequest) { r.EmailAddresses = []string{"a@example.test"} }), nil, "not DNS names"},
		{"a URI beside the name", also(func(r *x509.CertificateRequest) { r.URIs = []*url.URL{{Scheme: "https", Host: name}} }), nil, "not DNS names"},
		{"a name of a form that Go does not know", also(func(r *x509.CertificateRequest) { r.ExtraExtensions = []pkix.Extension{registeredID(t)} }), nil, "not DNS names"},

		{"a plain name for a wildcard product", good, parameters{"ProductCode": wildcard}, "wildcard names"},
		{"a wildcard for a plain product", requestFor(t, p256, "*.example.test", nil), nil, "one plain name"},
		{"a file for a wildcard", requestFor(t, p256, "*.example.test", nil), parameters{"ProductCode": wildcard, "ValidateType": "FILE"}, "a file cannot prove"},
	} {
		t.Run(test.name, func(t *testing.T) {
			unchanged(t, env, func() {
				got := env.Signed(createWithCSR, changed(application("", parameters{"Domain": absent, "Csr": test.csr}), test.changes))
				check(t, got, "InvalidParameter", 400, test.says)
				if strings.Contains(got.Body, "zebra") {
					t.Errorf("the message repeats what was sent: %s", got.Body)
				}
			})
		})
	}
}

// registeredID is an alternative name of the form registeredID.
func registeredID(t *testing.T) pkix.Extension {
	t.Helper()
	value, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{0x2a, 3, 4}}})
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}
}

// The certificate is for the caller's key, which nobody else has.
func TestRequestsThatAreTaken(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 100)
	env.Grant(wildcard, 100)
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		key     crypto.Signer
		domain  string
		change  func(*x509.CertificateRequest)
		product string
		edit    func(string) string
		settled chancery.Name
	}{
		{name: "P-256", key: ec(t, elliptic.P256()), domain: "p256.example.test", settled: "p256.example.test"},
		{name: "P-384", key: ec(t, elliptic.P384()), domain: "p384.example.test", settled: "p384.example.test"},
		{name: "P-521", key: ec(t, elliptic.P521()), domain: "p521.example.test", settled: "p521.example.test"},
		{name: "RSA of 2048 bits", key: rsa2048, domain: "rsa.example.test", settled: "rsa.example.test"},
		{
			name: "its own name as alternative name", key: ec(t, elliptic.P256()), domain: "san.example.test",
			change: func(r *x509.CertificateRequest) { r.DNSNames = []string{"SAN.example.test"} }, settled: "san.example.test",
		},
		{name: "upper case", key: ec(t, elliptic.P256()), domain: "UPPER.Example.TEST", settled: "upper.example.test"},
		{name: "a wildcard", key: ec(t, elliptic.P256()), domain: "*.example.test", product: wildcard, settled: "*.example.test"},
		{
			name: "the old label, and text before", key: ec(t, elliptic.P256()), domain: "old.example.test", settled: "old.example.test",
			edit: func(csr string) string {
				return "made by hand\r\n" + strings.ReplaceAll(strings.ReplaceAll(csr, " CERTIFICATE", " NEW CERTIFICATE"), "\n", "\r\n")
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			csr := requestFor(t, test.key, test.domain, test.change)
			if test.edit != nil {
				csr = test.edit(csr)
			}
			var out cas.CreateOutput
			env.Signed(createWithCSR, application("", parameters{"Domain": absent, "Csr": csr, "ProductCode": test.product})).Decode(&out)
			if name := env.Order(out.OrderId).Names.Common(); name != test.settled {
				t.Fatalf("the order is for %q", name)
			}
			env.Publish(out.OrderId)
			env.Clock.Advance(1e9)
			env.Await(out.OrderId, chancery.Issued)
			state := env.State(out.OrderId)
			leaf := parseChain(t, state.Certificate)[0]
			public, ok := test.key.Public().(interface{ Equal(crypto.PublicKey) bool })
			if !ok || !public.Equal(leaf.PublicKey) {
				t.Error("the certificate is for another key")
			}
			if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != string(test.settled) {
				t.Errorf("the certificate names %v", leaf.DNSNames)
			}
			if state.PrivateKey != "" {
				t.Error("the answer has a private key")
			}
		})
	}
}

// parseChain reads PEM certificates, the leaf first.
func parseChain(t *testing.T, text string) (chain []*x509.Certificate) {
	t.Helper()
	for rest := []byte(text); len(rest) > 0; {
		block, after := pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			t.Fatalf("not a chain in PEM: %s", text)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain, rest = append(chain, certificate), after
	}
	return chain
}
