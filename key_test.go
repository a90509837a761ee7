package chancery

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
)

// TestKeysOfEveryAlgorithm makes each kind once; RSA beyond 2048 bits takes
// seconds, so the size stands for the rest of its path.
func TestKeysOfEveryAlgorithm(t *testing.T) {
	for _, c := range []struct {
		algorithm KeyAlgorithm
		long      bool
		block     string
		fits      func(crypto.PublicKey) bool
	}{
		{RSA2048, false, "RSA PRIVATE KEY", rsaBits(2048)},
		{RSA3072, true, "RSA PRIVATE KEY", rsaBits(3072)},
		{RSA4096, true, "RSA PRIVATE KEY", rsaBits(4096)},
		{ECC256, false, "EC PRIVATE KEY", curve(elliptic.P256())},
		{ECC384, false, "EC PRIVATE KEY", curve(elliptic.P384())},
	} {
		t.Run(string(c.algorithm), func(t *testing.T) {
			if c.long && testing.Short() {
				t.Skip("takes seconds")
			}
			t.Parallel()
			key, err := GenerateKey(c.algorithm)
			if err != nil {
				t.Fatal(err)
			}
			if !c.fits(key.Public()) {
				t.Errorf("the key is a %T of another size", key)
			}
			if made := AlgorithmOf(key.Public()); made != c.algorithm {
				t.Errorf("the key is taken for one of %q", made)
			}
			if err := CheckPublicKey(key.Public()); err != nil {
				t.Errorf("an applicant could not use such a key: %v", err)
			}
			checkKeyAndCSR(t, key, c.block)
		})
	}
	for _, other := range []crypto.PublicKey{nil, &rsa.PublicKey{N: big.NewInt(15)}, &ecdsa.PublicKey{Curve: elliptic.P521()}} {
		if algorithm := AlgorithmOf(other); algorithm != "" {
			t.Errorf("a %T is taken for a key of %s", other, algorithm)
		}
	}
	if len(KeyAlgorithms) != 5 {
		t.Errorf("there are %d algorithms", len(KeyAlgorithms))
	}
	for _, unknown := range []KeyAlgorithm{"", "RSA_1024", "rsa_2048", "SM2"} {
		if key, err := GenerateKey(unknown); err == nil || key != nil {
			t.Errorf("%q gives a %T", unknown, key)
		}
	}
}

func rsaBits(bits int) func(crypto.PublicKey) bool {
	return func(key crypto.PublicKey) bool {
		k, ok := key.(*rsa.PublicKey)
		return ok && k.N.BitLen() == bits
	}
}

func curve(want elliptic.Curve) func(crypto.PublicKey) bool {
	return func(key crypto.PublicKey) bool {
		k, ok := key.(*ecdsa.PublicKey)
		return ok && k.Curve == want
	}
}

// checkKeyAndCSR: the key's text is in the form that CAS answers, and the CSR is
// one that ParseCSR would take from an applicant.
func checkKeyAndCSR(t *testing.T, key crypto.Signer, block string) {
	t.Helper()
	text, der, err := NewKeyAndCSR(key, Names{"*.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	got, rest := pem.Decode(text.Reveal())
	if got == nil || got.Type != block || len(rest) > 0 || len(got.Headers) > 0 {
		t.Fatal("the key is no PEM of its kind")
	}
	if _, name, err := parseOneCSR(csrText(der)); err != nil || name != "*.example.com" {
		t.Errorf("the CSR is for %q, %v", name, err)
	}
	if err := KeyFits(text, &x509.Certificate{PublicKey: key.Public()}); err != nil {
		t.Error(err)
	}
}

func TestANameTooLongForACommonName(t *testing.T) {
	for length, common := range map[int]bool{64: true, 65: false, 253: false} {
		name := Name(nameOfLength(length))
		_, der, err := NewKeyAndCSR(p256Key(), Names{name})
		if err != nil {
			t.Fatal(err)
		}
		csr := must(x509.ParseCertificateRequest(der))
		if (csr.Subject.CommonName == string(name)) != common || (csr.Subject.CommonName == "") == common {
			t.Errorf("a name of %d characters has the common name %q", length, csr.Subject.CommonName)
		}
		if len(csr.DNSNames) != 1 || csr.DNSNames[0] != string(name) {
			t.Errorf("a name of %d characters has the alternative names %v", length, csr.DNSNames)
		}
	}
}

func TestAKeyThatCannotBeWritten(t *testing.T) {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	text, _, err := NewKeyAndCSR(key, Names{"www.example.com"})
	if err == nil || !text.Empty() {
		t.Errorf("the error is %v", err)
	}
}

func TestKeysThatDoNotFit(t *testing.T) {
	mine, _, err := NewKeyAndCSR(p256Key(), Names{"www.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	another := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	certificate := &x509.Certificate{PublicKey: p256Key().Public()}
	text := string(mine.Reveal())
	for _, c := range []struct {
		name        string
		key         string
		certificate *x509.Certificate
		why         string
	}{
		{"another key's certificate", text, &x509.Certificate{PublicKey: another.Public()}, "not the certificate's"},
		{"another kind of key's", text, &x509.Certificate{PublicKey: rsa2048Key().Public()}, "not the certificate's"},
		{"nobody's", text, &x509.Certificate{}, "not the certificate's"},
		{"no key", "", certificate, "not a private key in PEM"},
		{"no PEM", "rubbish", certificate, "not a private key in PEM"},
		{"a damaged key", armour("EC PRIVATE KEY", []byte(canary)), certificate, "not a private key in PKCS #1"},
		{"a damaged RSA key", armour("RSA PRIVATE KEY", []byte(canary)), certificate, "not a private key in PKCS #1"},
	} {
		err := KeyFits(NewSecret([]byte(c.key)), c.certificate)
		if err == nil || !strings.Contains(err.Error(), c.why) || leaks(err.Error()) || c.key != "" && strings.Contains(err.Error(), c.key) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSerialsInHexadecimal(t *testing.T) {
	for n, want := range map[int64]string{1: "01", 255: "ff", 256: "0100", 0xcb81234: "0cb81234"} {
		if got := SerialHex(big.NewInt(n)); got != want {
			t.Errorf("SerialHex(%d) = %s, want %s", n, got, want)
		}
	}
}
