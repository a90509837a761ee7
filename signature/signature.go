// Package signature canonicalises, signs and verifies calls of Alibaba Cloud's
// RPC-style OpenAPI in the two schemes its clients speak: request parameters
// with HMAC-SHA1 or HMAC-SHA256 (V1), and the ACS3-HMAC-SHA256 Authorization
// header (V3).
//
// It does no I/O, keeps nothing and has no clock. The caller parses HTTP, looks
// up the secret, judges time and nonce, and answers errors.
package signature

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"slices"
	"strings"
)

// Scheme names a signing scheme.
type Scheme string

const (
	// V1 is SignatureVersion 1.0: everything, the signature included, is a
	// parameter. Vendor pages also call it the V2 or RPC signature.
	V1 Scheme = "V1"
	// V3 is ACS3-HMAC-SHA256: headers, the query and the body's hash are signed.
	V3 Scheme = "V3"
)

// The signature methods, as they stand on the wire.
const (
	hmacSHA1   = "HMAC-SHA1"
	hmacSHA256 = "HMAC-SHA256"
	acs3       = "ACS3-HMAC-SHA256"
)

// Request is what a signature covers, parsed once. Form is decoded from Body
// and no name has two values; whoever acts on the request must use these very
// values, since they are what the signature vouches for.
type Request struct {
	Method string            // GET or POST
	Host   string            // as in the Host header, port included
	Header http.Header       // canonical keys
	Query  map[string]string // decoded query parameters
	Form   map[string]string // decoded form parameters, empty unless the body is a form
	Body   []byte            // raw body; V3 signs its hash, V1 does not look at it
}

// Claim is what a request says of itself. Nothing in it is to be trusted before
// Verify has said true.
//
// Action and Version are the signed ones: parameters in V1, headers in V3. They,
// and SecurityToken, may be empty; the other fields are not.
type Claim struct {
	Scheme          Scheme
	AccessKeyID     string
	SecurityToken   string // comes with temporary credentials
	Nonce           string
	Timestamp       string // the text as sent, in no checked form
	Method          string // HMAC-SHA1, HMAC-SHA256 or ACS3-HMAC-SHA256
	Signature       string // as sent
	Action, Version string

	canonical string
	text      string
}

// Read finds the claim in r and works out the string it must have signed. It
// does not judge the signature: Verify does. Every error is a *ReadError.
//
// An Authorization header naming ACS3-HMAC-SHA256 makes the call V3, whatever
// its parameters; otherwise any of the parameters Signature, SignatureVersion
// and AccessKeyId makes it V1. Bearer and identity tokens are not accepted.
func Read(r *Request) (*Claim, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, refuse("UnsupportedHTTPMethod", "The method must be GET or POST.")
	}
	authorizations := r.Header["Authorization"]
	if len(authorizations) > 1 {
		return nil, refuse("IncompleteSignature", "The Authorization header is present more than once.")
	}
	algorithm, fields, _ := strings.Cut(strings.Join(authorizations, ""), " ")
	switch {
	case algorithm == acs3:
		return readV3(r, fields)
	case strings.HasPrefix(algorithm, "ACS3-"), strings.HasPrefix(algorithm, "ACS4-"):
		return nil, refuse("InvalidSignatureMethod", "The only Authorization algorithm served is %s.", acs3)
	}
	return readV1(r)
}

// StringToSign is the exact text the signature is made of; for V3 it has two
// lines. It holds no secret of ours, but in V1 it holds every parameter, perhaps
// a private key in PEM: show it to the caller, never to a log.
func (c *Claim) StringToSign() string { return c.text }

// CanonicalRequest is the text whose hash a V3 claim signs, and "" for V1. Like
// StringToSign it may hold what only the caller should see.
func (c *Claim) CanonicalRequest() string { return c.canonical }

// Verify tells whether the claim was signed with secret. The comparison takes
// constant time. An empty secret verifies nothing, so that a key stored without
// one cannot be used by everybody.
func (c *Claim) Verify(secret []byte) bool {
	if len(secret) == 0 {
		return false
	}
	want := seal(c.Method, secret, c.text)
	return want != "" && hmac.Equal([]byte(want), []byte(c.Signature))
}

// seal makes the signature of text as the method writes it, or "" for an unknown
// method. The parameter methods end the key with an ampersand, ACS3 does not.
func seal(method string, secret []byte, text string) string {
	switch method {
	case hmacSHA1: // still the default of many clients, and sound as an HMAC
		return base64.StdEncoding.EncodeToString(mac(sha1.New, slices.Concat(secret, []byte("&")), text))
	case hmacSHA256:
		return base64.StdEncoding.EncodeToString(mac(sha256.New, slices.Concat(secret, []byte("&")), text))
	case acs3:
		return hex.EncodeToString(mac(sha256.New, secret, text))
	}
	return ""
}

func mac(newHash func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(newHash, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
