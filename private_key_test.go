package chancery_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"chancery"
)

func pemText(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// Each encoding is read under each label.
func TestParsePrivateKey(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa8, _ := x509.MarshalPKCS8PrivateKey(rsaKey)
	ec8, _ := x509.MarshalPKCS8PrivateKey(ecKey)
	sec1, _ := x509.MarshalECPrivateKey(ecKey)
	for _, der := range [][]byte{rsa8, x509.MarshalPKCS1PrivateKey(rsaKey), ec8, sec1} {
		for _, label := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"} {
			key, err := chancery.ParsePrivateKey("Bag Attributes\n    friendlyName: x\n" + pemText(label, der))
			if err != nil || !rsaKey.PublicKey.Equal(key.Public()) && !ecKey.PublicKey.Equal(key.Public()) {
				t.Errorf("%s: %v", label, err)
			}
		}
	}
	signer, _ := chancery.ParsePrivateKey(pemText("PRIVATE KEY", rsa8))
	if secret, err := chancery.KeyPEM(signer); err != nil || !bytes.HasPrefix(secret.Reveal(), []byte("-----BEGIN RSA PRIVATE KEY-----\n")) {
		t.Errorf("written as %v", err)
	}
}

// What parses is written in one form that parses to the same key; what does not is
// refused with InvalidParameter and without a word of the text.
func FuzzParsePrivateKey(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	sec1, _ := x509.MarshalECPrivateKey(key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	f.Add(pemText("EC PRIVATE KEY", sec1))
	f.Add(pemText("PRIVATE KEY", pkcs8))
	f.Add(pemText("EC PARAMETERS", []byte{6, 1, 1}) + pemText("EC PRIVATE KEY", sec1))
	f.Add(pemText("PRIVATE KEY", []byte("sesame")))
	f.Add("-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END PRIVATE KEY-----\n")
	f.Add("-----BEGIN")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := chancery.ParsePrivateKey(text)
		if err != nil {
			if chancery.CodeOf(err) != chancery.InvalidParameter || errors.Unwrap(err) != nil {
				t.Fatalf("refused with %v", err)
			}
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); len(line) > 40 && strings.Contains(err.Error(), line) {
					t.Fatalf("the error holds %q", line)
				}
			}
			return
		}
		written, err := chancery.KeyPEM(key)
		if err != nil {
			return // neither RSA nor ECDSA
		}
		again, err := chancery.ParsePrivateKey(string(written.Reveal()))
		if err != nil || !again.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
			t.Fatalf("it does not come back: %v", err)
		}
	})
}
