package acme

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// NewKey makes an account key and gives it as PKCS #8 in DER.
func NewKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making an ACME account key: %w", err)
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// ParseKey reads what NewKey gave.
func ParseKey(der []byte) (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the ACME account key is not ECDSA on P-256") // the cause may quote the key
	}
	return key, nil
}

// header is the protected header of a JWS (RFC 8555, 6.2).
type header struct {
	Alg   string          `json:"alg"`
	Nonce string          `json:"nonce,omitempty"`
	URL   string          `json:"url"`
	KID   string          `json:"kid,omitempty"`
	JWK   json.RawMessage `json:"jwk,omitempty"`
}

type signedMessage struct {
	Protected string `json:"protected"`
	Payload   string `json:"payload"`
	Signature string `json:"signature"`
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// message signs a payload for one use; nil is the empty payload of POST-as-GET.
func message(h header, payload []byte, sign func([]byte) ([]byte, error)) ([]byte, error) {
	protected, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	m := signedMessage{Protected: encode(protected), Payload: encode(payload)}
	signature, err := sign([]byte(m.Protected + "." + m.Payload))
	if err != nil {
		return nil, err
	}
	m.Signature = encode(signature)
	return json.Marshal(m)
}

// signES256 signs as RFC 7518, 3.4 has it: r and s, 32 bytes each.
func signES256(key crypto.Signer) func([]byte) ([]byte, error) {
	return func(text []byte) ([]byte, error) {
		private, ok := key.(*ecdsa.PrivateKey)
		if !ok {
			return nil, errors.New("the ACME account key is not ECDSA")
		}
		digest := sha256.Sum256(text)
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature, nil
	}
}

// signHS256 signs as external account bindings are (RFC 8555, 7.3.4).
func signHS256(secret []byte) func([]byte) ([]byte, error) {
	return func(text []byte) ([]byte, error) {
		mac := hmac.New(sha256.New, secret)
		mac.Write(text)
		return mac.Sum(nil), nil
	}
}

// jwk is the public key, its members in the order that thumbprints want.
func jwk(key crypto.PublicKey) (json.RawMessage, error) {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return nil, errors.New("the ACME account key is not ECDSA on P-256")
	}
	point, err := public.Bytes() // 4, then x and y, 32 bytes each
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, encode(point[1:33]), encode(point[33:])), nil
}

// KeyAuthorization is what proves control with a challenge's token (RFC 8555, 8.1):
// the content of the file.
func KeyAuthorization(token string, key crypto.Signer) (string, error) {
	public, err := jwk(key.Public())
	if err != nil {
		return "", err
	}
	thumbprint := sha256.Sum256(public)
	return token + "." + encode(thumbprint[:]), nil
}

// RecordValue is the value of the TXT record for a key authorization (RFC 8555, 8.4).
func RecordValue(keyAuthorization string) string {
	digest := sha256.Sum256([]byte(keyAuthorization))
	return encode(digest[:])
}
