package chancery

import (
	"bytes"
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
	"math"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Keys of the tests, made when they are first needed.
var (
	p256Key    = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	rsa2048Key = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// request is a CSR in DER with the P-256 key.
func request(template x509.CertificateRequest) []byte {
	return must(x509.CreateCertificateRequest(rand.Reader, &template, p256Key()))
}

func requestFor(commonName string, dnsNames ...string) []byte {
	return request(x509.CertificateRequest{Subject: pkix.Name{CommonName: commonName}, DNSNames: dnsNames})
}

func signedBy(key crypto.Signer) []byte {
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "www.example.com"}}
	return must(x509.CreateCertificateRequest(rand.Reader, template, key))
}

func armour(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func csrText(der []byte) string { return armour("CERTIFICATE REQUEST", der) }

func TestCSRsThatAreTaken(t *testing.T) {
	full := requestFor("www.example.com", "www.example.com")
	for _, c := range []struct {
		name string
		text string
		want Name
	}{
		{"with the name as an alternative name too", csrText(full), "www.example.com"},
		{"with a common name alone", csrText(requestFor("www.example.com")), "www.example.com"},
		{"in capitals", csrText(requestFor("WWW.Example.com", "www.EXAMPLE.com")), "www.example.com"},
		{"with its name twice", csrText(requestFor("www.example.com", "www.example.com", "WWW.example.com")), "www.example.com"},
		{"for a wildcard", csrText(requestFor("*.example.com", "*.example.com")), "*.example.com"},
		{"with a Unicode common name", csrText(requestFor("bücher.example", "xn--bcher-kva.example")), "xn--bcher-kva.example"},
		{"with more about its subject, which is not taken over", csrText(request(x509.CertificateRequest{Subject: pkix.Name{
			CommonName: "www.example.com", Organization: []string{"Somebody Else Ltd"}, Country: []string{"XX"},
		}})), "www.example.com"},
		{"under the name that older programs use", armour("NEW CERTIFICATE REQUEST", full), "www.example.com"},
		{"with blank lines around it", "\n\n" + csrText(full) + "\n \n", "www.example.com"},
		{"with Windows line ends", strings.ReplaceAll(csrText(full), "\n", "\r\n"), "www.example.com"},
		{"with an RSA key of 2048 bits", csrText(signedBy(rsa2048Key())), "www.example.com"},
		{"with a P-384 key", csrText(signedBy(must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)))), "www.example.com"},
		{"with a P-521 key", csrText(signedBy(must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)))), "www.example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			der, name, err := parseOneCSR(c.text)
			if err != nil || name != c.want {
				t.Fatalf("%q, %v", name, err)
			}
			if block, _ := pem.Decode([]byte(c.text)); !bytes.Equal(der, block.Bytes) {
				t.Error("the DER is another than the PEM's")
			}
		})
	}
}

func TestCSRsThatAreRefused(t *testing.T) {
	sound := requestFor("www.example.com", "www.example.com")
	broken := bytes.Clone(sound)
	broken[len(broken)-1] ^= 1
	alternatives := func(values ...asn1.RawValue) pkix.Extension {
		return pkix.Extension{Id: oidSubjectAltName, Value: must(asn1.Marshal(values))}
	}
	dnsName := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte("www.example.com")}
	otherName := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: must(asn1.Marshal(asn1.ObjectIdentifier{1, 2, 3}))}
	registeredID := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{0x2a, 3}}
	withExtensions := func(extensions ...pkix.Extension) string {
		return csrText(request(x509.CertificateRequest{Subject: pkix.Name{CommonName: "www.example.com"}, ExtraExtensions: extensions}))
	}
	withAlternatives := func(template x509.CertificateRequest) string {
		template.Subject.CommonName = "www.example.com"
		return csrText(request(template))
	}
	_, ed25519Key, _ := ed25519.GenerateKey(rand.Reader)
	for _, c := range []struct{ name, text, why string }{
		{"nothing", "", "not PEM"},
		{"DER", string(sound), "not PEM"},
		{"PEM on one line", strings.ReplaceAll(csrText(sound), "\n", ""), "not PEM"},
		{"a certificate", armour("CERTIFICATE", sound), `"CERTIFICATE", not a certificate request`},
		{"a private key", armour("PRIVATE KEY", sound), "not a certificate request"},
		{"a kind of PEM with a very long name", armour(strings.Repeat("X", 3000), sound), "..."},
		{"two requests", csrText(sound) + csrText(sound), "text follows"},
		{"a request and rubbish", csrText(sound) + "rubbish", "text follows"},
		{"too long a text", csrText(sound) + strings.Repeat("\n", MaxCSR), "more than 16384 bytes"},
		{"rubbish in PEM", csrText([]byte("rubbish")), "not a valid PKCS #10 request"},
		{"a request with bytes after it", csrText(append(bytes.Clone(sound), 0)), "not a valid PKCS #10 request"},
		{"nothing in PEM", csrText(nil), "not a valid PKCS #10 request"},
		{"a broken signature", csrText(broken), "signature does not verify"},
		{"no common name", csrText(requestFor("", "www.example.com")), "no common name"},
		{"a common name that is no domain", csrText(requestFor("Jane Doe")), "the common name is not usable"},
		{"a common name that is an address", csrText(requestFor("192.0.2.1")), "is an IP address"},
		{"a second name", csrText(requestFor("www.example.com", "www.example.com", "evil.example")), "asks for 2 names (www.example.com,evil.example)"},
		{"another name", csrText(requestFor("www.example.com", "example.com")), "asks for 2 names"},
		{"a wildcard and its base", csrText(requestFor("*.example.com", "*.example.com", "example.com")), "asks for 2 names"},
		{"an alternative name that is no domain", csrText(requestFor("www.example.com", "www.example.com\x00.evil.example")), "an alternative name is not usable"},
		{"an address", withAlternatives(x509.CertificateRequest{IPAddresses: []net.IP{{192, 0, 2, 1}}}), "not DNS names"},
		{"an e-mail address", withAlternatives(x509.CertificateRequest{EmailAddresses: []string{"a@example.com"}}), "not DNS names"},
		{"a URI", withAlternatives(x509.CertificateRequest{URIs: []*url.URL{{Scheme: "https", Host: "example.com"}}}), "not DNS names"},
		{"an otherName, which crypto/x509 passes over", withExtensions(alternatives(dnsName, otherName)), "not DNS names"},
		{"a registered id, likewise", withExtensions(alternatives(dnsName, registeredID)), "not DNS names"},
		{"alternative names twice", withExtensions(alternatives(dnsName), alternatives(dnsName)), ""},
		{"alternative names that are no list", withExtensions(pkix.Extension{Id: oidSubjectAltName, Value: []byte{5, 0}}), ""},
		{"an Ed25519 key", csrText(signedBy(ed25519Key)), "neither RSA nor ECDSA"},
		{"a P-224 key", csrText(signedBy(must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)))), "curve is not"},
		{"an RSA key of 1024 bits", csrText(signedBy(must(rsa.GenerateKey(rand.Reader, 1024)))), "1024 bits; at least 2048"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, name, err := parseOneCSR(c.text)
			refusal(t, err, InvalidParameter, c.why)
			if name != "" || !strings.HasPrefix(messageOf(err), "Csr: ") {
				t.Errorf("the name is %q, the error %v", name, err)
			}
		})
	}
}

func FuzzCSR(f *testing.F) {
	for _, der := range [][]byte{requestFor("www.example.com", "www.example.com"), requestFor("*.example.com"), signedBy(rsa2048Key()), {0x30, 0}} {
		f.Add(der, "", "", byte(0))
	}
	f.Add([]byte(nil), "www.example.com", "www.example.com", byte(2))
	f.Add([]byte(nil), "WWW.example.com", "evil.example", byte(2))
	f.Add([]byte(nil), "bücher.example", "xn--bcher-kva.example", byte(2))
	f.Add([]byte(nil), "www.example.com", "\xc0\x00\x02\x01", byte(7))
	f.Fuzz(func(t *testing.T, der []byte, commonName, alternative string, kind byte) {
		if len(der) == 0 { // changed bytes break the signature: names are tried with a sound one
			value := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: int(kind % 9), Bytes: []byte(alternative)}
			var err error
			der, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
				Subject:         pkix.Name{CommonName: commonName},
				ExtraExtensions: []pkix.Extension{{Id: oidSubjectAltName, Value: must(asn1.Marshal([]asn1.RawValue{value}))}},
			}, p256Key())
			if err != nil {
				return
			}
		}
		for _, text := range []string{csrText(der), string(der)} {
			got, name, err := parseOneCSR(text)
			if err == nil {
				checkTakenCSR(t, got, name)
			} else if CodeOf(err) != InvalidParameter || name != "" {
				t.Fatalf("%q, %v", name, err)
			}
		}
	})
}

// checkTakenCSR holds a CSR that ParseCSR took to its promises.
func checkTakenCSR(t *testing.T, der []byte, name Name) {
	t.Helper()
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	if named, err := ParseName(csr.Subject.CommonName); named != name || name == "" {
		t.Fatalf("the common name %q is %q, %v, not %q", csr.Subject.CommonName, named, err, name)
	}
	for _, other := range csr.DNSNames {
		if named, _ := ParseName(other); named != name {
			t.Fatalf("%q is asked for beside %q", other, name)
		}
	}
	if len(csr.IPAddresses)+len(csr.EmailAddresses)+len(csr.URIs) > 0 {
		t.Fatal("other kinds of names are asked for")
	}
	if err := CheckPublicKey(csr.PublicKey); err != nil {
		t.Fatal(err)
	}
	if err := csr.CheckSignature(); err != nil {
		t.Fatal(err)
	}
}

func TestPublicKeysThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		key  crypto.PublicKey
		why  string
	}{
		{"none", nil, "neither RSA nor ECDSA"},
		{"Ed25519", ed25519.PublicKey(make([]byte, 32)), "neither RSA nor ECDSA"},
		{"P-224", &ecdsa.PublicKey{Curve: elliptic.P224()}, "curve is not P-256, P-384 or P-521"},
		{"RSA of 1024 bits", &rsa.PublicKey{N: randomModulus(1024), E: 65537}, "1024 bits; at least 2048"},
		{"RSA of 2040 bits", &rsa.PublicKey{N: randomModulus(2040), E: 65537}, "2040 bits; at least 2048"},
		{"RSA of 2047 bits", &rsa.PublicKey{N: randomModulus(2047), E: 65537}, "2047 bits; at least 2048"},
		{"RSA of 2049 bits", &rsa.PublicKey{N: randomModulus(2049), E: 65537}, "not a multiple of 8"},
		{"RSA of 8200 bits", &rsa.PublicKey{N: randomModulus(8200), E: 65537}, "8200 bits; at most 8192"},
		{"exponent 3", &rsa.PublicKey{N: randomModulus(2048), E: 3}, "exponent is not 65537"},
		{"exponent 1", &rsa.PublicKey{N: randomModulus(2048), E: 1}, "exponent is not 65537"},
		{"an even exponent", &rsa.PublicKey{N: randomModulus(2048), E: 65536}, "exponent is not 65537"},
		{"a larger exponent", &rsa.PublicKey{N: randomModulus(2048), E: 65539}, "exponent is not 65537"},
		{"an even modulus", &rsa.PublicKey{N: multipleOf(2), E: 65537}, "small factor"},
		{"a factor 3", &rsa.PublicKey{N: multipleOf(3), E: 65537}, "small factor"},
		{"a factor 751", &rsa.PublicKey{N: multipleOf(751), E: 65537}, "small factor"},
		{"the mark of ROCA", &rsa.PublicKey{N: rocaModulus(), E: 65537}, "ROCA"},
		{"primes that lie next to each other", &rsa.PublicKey{N: modulusNear(0), E: 65537}, "too close together"},
		{"primes that the last round finds", &rsa.PublicKey{N: modulusNear(99), E: 65537}, "too close together"},
	} {
		t.Run(c.name, func(t *testing.T) { refusal(t, CheckPublicKey(c.key), InvalidParameter, c.why) })
	}
}

func TestPublicKeysThatAreTaken(t *testing.T) {
	for name, key := range map[string]crypto.PublicKey{
		"P-256":            p256Key().Public(),
		"RSA of 2048 bits": rsa2048Key().Public(),
		// The checks do not look for primes, so any number without a flaw will do.
		"RSA of 2056 bits":                      &rsa.PublicKey{N: randomModulus(2056), E: 65537},
		"RSA of 8192 bits":                      &rsa.PublicKey{N: randomModulus(8192), E: 65537},
		"primes that one more round would find": &rsa.PublicKey{N: modulusNear(100), E: 65537},
	} {
		if err := CheckPublicKey(key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// randomModulus is a number of so many bits that no check finds fault with.
func randomModulus(bits int) *big.Int {
	for {
		n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1))))
		n.SetBit(n, bits-1, 1).SetBit(n, 0, 1)
		if !hasSmallFactor(n) && !rocaMarked(n) {
			return n
		}
	}
}

// multipleOf is p times a number without a small factor, of 2048 bits.
func multipleOf(p int64) *big.Int {
	for {
		n := new(big.Int).Mul(randomModulus(2049-big.NewInt(p).BitLen()), big.NewInt(p))
		if n.BitLen() == 2048 {
			return n
		}
	}
}

// rocaModulus is a number of 2048 bits that is a power of 65537 modulo every
// prime of the test, as the flawed generator's are.
func rocaModulus() *big.Int {
	product := big.NewInt(1)
	for _, p := range rocaPrimes {
		product.Mul(product, big.NewInt(p))
	}
	power := must(rand.Int(rand.Reader, product))
	residue := new(big.Int).Exp(big.NewInt(65537), power, product)
	for {
		n := randomModulus(2048)
		n.Sub(n, new(big.Int).Mod(n, product)).Add(n, residue)
		if n.BitLen() == 2048 && !hasSmallFactor(n) {
			return n
		}
	}
}

// modulusNear is (a-b)(a+b) with a so many above the square root that Fermat's
// method begins with.
func modulusNear(rounds int64) *big.Int {
	for {
		a := randomModulus(1024)
		a.SetBit(a, 1022, 1) // so that the product has 2048 bits
		below := new(big.Int).Sub(a, big.NewInt(rounds))
		b := new(big.Int).Sub(square(a), square(below)) // the least b*b that takes so many rounds
		b.Sqrt(b).Add(b, big.NewInt(1))
		if rounds == 0 {
			b.SetInt64(2)
		}
		if a.Bit(0) == b.Bit(0) {
			b.Add(b, big.NewInt(1))
		}
		n := new(big.Int).Sub(square(a), square(b))
		if n.BitLen() == 2048 && !hasSmallFactor(n) && !rocaMarked(n) {
			return n
		}
	}
}

func square(n *big.Int) *big.Int { return new(big.Int).Mul(n, n) }

func TestSoundModuliAreNotMarked(t *testing.T) {
	for range 2000 {
		n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 2048)))
		if rocaMarked(n) {
			t.Errorf("%d is marked", n)
		}
	}
	if rocaMarked(rsa2048Key().Public().(*rsa.PublicKey).N) {
		t.Error("a sound key is marked")
	}
}

// TestTheMarkIsRare works out the chance that a sound modulus has the mark: for
// each prime, the share of residues that are powers of 65537.
func TestTheMarkIsRare(t *testing.T) {
	bits := 0.0
	for _, p := range rocaPrimes {
		powers := map[int64]bool{}
		for power := int64(1); !powers[power]; power = power * 65537 % p {
			powers[power] = true
		}
		bits -= math.Log2(float64(len(powers)) / float64(p-1))
	}
	if bits < 27 {
		t.Errorf("the chance is one in 2^%.1f", bits)
	}
}

func TestSmallPrimes(t *testing.T) {
	if len(smallPrimes) != 133 || smallPrimes[0] != 2 || smallPrimes[132] != 751 {
		t.Errorf("%d primes, the last %d", len(smallPrimes), smallPrimes[len(smallPrimes)-1])
	}
	for _, p := range smallPrimes {
		if !new(big.Int).SetUint64(p).ProbablyPrime(10) {
			t.Errorf("%d is not prime", p)
		}
	}
}
