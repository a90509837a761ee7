package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"testing"
)

// secret is something that must never show.
type secret struct {
	name  string
	bytes []byte
}

// piece is how much of a secret is too much, in bytes: short enough to lie
// within one line of PEM or one page of the database, and too long to occur by
// chance.
const piece = 16

// shows tells whether a text holds any piece of the secret: as it stands, in
// hexadecimal, or in base64 wherever that began.
func (s secret) shows(in []byte) bool {
	for start := 0; start == 0 || start+piece <= len(s.bytes); start += piece / 2 {
		for _, trace := range traces(s.bytes[start:min(start+piece, len(s.bytes))]) {
			if bytes.Contains(in, trace) {
				return true
			}
		}
	}
	return false
}

func traces(part []byte) [][]byte {
	lower := []byte(hex.EncodeToString(part))
	all := [][]byte{part, lower, bytes.ToUpper(lower)}
	for shift := range 3 {
		// Base64 writes three bytes as four characters. With other bytes before
		// them, these characters are no longer the part's alone.
		shared := []int{0, 2, 3}[shift]
		shifted := append(make([]byte, shift), part...)
		whole := len(shifted) * 8 / 6
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, []byte(encoding.EncodeToString(shifted)[shared:whole]))
		}
	}
	return all
}

// privateParts are the parts of a private key in PEM that its public key does
// not tell.
func privateParts(t testing.TB, name, text string) []secret {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("%s is not PEM", name)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return rsaParts(name, key)
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return ecParts(t, name, key)
}

func rsaParts(name string, key *rsa.PrivateKey) []secret {
	return []secret{
		{name + ": private exponent", key.D.Bytes()},
		{name + ": first prime", key.Primes[0].Bytes()},
		{name + ": second prime", key.Primes[1].Bytes()},
	}
}

func ecParts(t testing.TB, name string, key *ecdsa.PrivateKey) []secret {
	t.Helper()
	scalar, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return []secret{{name + ": private scalar", scalar}}
}

// What is planted is found, in every form in which it could lie about.
func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der := x509.MarshalPKCS1PrivateKey(key)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
	public := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)})
	for _, s := range privateParts(t, "key", string(text)) {
		for form, planted := range map[string][]byte{
			"PEM": text, "DER": der, "hexadecimal": []byte(hex.EncodeToString(der)), "a part": s.bytes[5 : 5+2*piece],
			"base64": []byte(base64.StdEncoding.EncodeToString(append([]byte("x"), der...))),
		} {
			if !s.shows(append([]byte("before "), planted...)) {
				t.Errorf("%s in %s is not found", s.name, form)
			}
		}
		if s.shows(public) {
			t.Errorf("%s is found in the public key", s.name)
		}
	}
	if password := (secret{"password", []byte("correct horse")}); !password.shows([]byte("a correct horse b")) || password.shows([]byte("correct hors")) {
		t.Error("a short secret is not found as a whole")
	}
}

// privateKeyText is a new private key in PEM.
func privateKeyText(t testing.TB) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
