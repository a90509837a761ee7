package chancery

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits on uploads.
const (
	MaxNameChars        = 64
	maxCertificateBytes = 64 << 10
	maxKeyBytes         = 16 << 10
	maxChain            = 10
)

// CertificateReader is how certificates and keys of one kind are read.
type CertificateReader struct {
	// Certificate parses DER.
	Certificate func(der []byte) (*x509.Certificate, error)
	// Key parses PEM; its error holds nothing of the key.
	Key func(text string) (crypto.Signer, error)
	// Signed is an error unless parent signed child.
	Signed func(child, parent *x509.Certificate) error
}

// OrdinaryReader reads what crypto/x509 knows.
var OrdinaryReader = CertificateReader{
	Certificate: x509.ParseCertificate,
	Key:         ParsePrivateKey,
	Signed:      func(child, parent *x509.Certificate) error { return child.CheckSignatureFrom(parent) },
}

// Pair is a certificate, perhaps with its chain, and its key as they were sent,
// with the parameters they came in.
type Pair struct {
	CertName, KeyName string
	Cert, Key         string
}

// Leaf checks a pair and gives its leaf. The certificates may stand in any order
// and the root may be among them. It is
//
//   - CertificateFormatException for text that is not PEM throughout or holds
//     something else than certificates;
//   - ParseCertificateFailed for PEM whose content cannot be read;
//   - CertificateChainNotMatch when the key is of none of the certificates, or one
//     of them did not issue the leaf or another that did;
//   - CertificateExpired when the leaf is no longer valid.
func (r CertificateReader) Leaf(p Pair, now time.Time) (*x509.Certificate, error) {
	if err := cmp.Or(sized(p.CertName, p.Cert, maxCertificateBytes), sized(p.KeyName, p.Key, maxKeyBytes)); err != nil {
		return nil, err
	}
	chain, err := r.Chain(p.CertName, p.Cert)
	if err != nil {
		return nil, err
	}
	if KeyBlock(p.Key) == nil {
		return nil, Errorf(CertificateFormat, `%s: not PEM; it begins with "-----BEGIN" and has line breaks`, p.KeyName)
	}
	key, err := r.Key(p.Key)
	if err != nil {
		return nil, Errorf(ParseCertificateFailed, "%s: %s", p.KeyName, messageOf(err))
	}
	leaf := leafOf(chain, key.Public())
	switch {
	case leaf == nil:
		return nil, Errorf(CertificateChainNotMatch, "%s is not the key of the certificate in %s", p.KeyName, p.CertName)
	case !now.Before(leaf.NotAfter):
		return nil, Errorf(CertificateExpired, "%s: the certificate ended on %s", p.CertName, leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return leaf, r.checkChain(p.CertName, chain, leaf)
}

// Chain parses every certificate of a PEM text, in the order they stand. name is
// that of the parameter.
func (r CertificateReader) Chain(name, text string) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			return nil, Errorf(CertificateFormat, "%s: the PEM holds a %q; only certificates belong here", name, excerpt(block.Type))
		}
		if len(chain) == maxChain {
			return nil, Errorf(CertificateFormat, "%s: more than %d certificates", name, maxChain)
		}
		certificate, err := r.Certificate(block.Bytes)
		if err != nil {
			return nil, &Error{Code: ParseCertificateFailed, Message: fmt.Sprintf("%s: certificate %d of the text cannot be read", name, len(chain)+1), Err: err}
		}
		chain = append(chain, certificate)
	}
	// pem.Decode passes over blocks that are broken.
	if len(chain) == 0 || strings.Count(text, "-----BEGIN") != len(chain) {
		return nil, Errorf(CertificateFormat, `%s: not PEM; a certificate begins with "-----BEGIN CERTIFICATE-----" on a line of its own, ends likewise and has line breaks of at most 76 characters between`, name)
	}
	return chain, nil
}

func leafOf(chain []*x509.Certificate, key crypto.PublicKey) *x509.Certificate {
	for _, certificate := range chain {
		if SameKey(key, certificate.PublicKey) {
			return certificate
		}
	}
	return nil
}

// checkChain finds an issuing path from the leaf to each certificate, whatever
// their order: with cross-signed authorities there is more than one path.
func (r CertificateReader) checkChain(name string, chain []*x509.Certificate, leaf *x509.Certificate) error {
	reached := map[*x509.Certificate]bool{leaf: true}
	for more := true; more; {
		more = false
		for _, parent := range chain {
			if !reached[parent] && r.issuedAny(parent, reached) {
				reached[parent], more = true, true
			}
		}
	}
	for i, certificate := range chain {
		if !reached[certificate] {
			return Errorf(CertificateChainNotMatch, "%s: certificate %d of the text (%s) is not in the chain above the leaf", name, i+1, excerpt(certificate.Subject.CommonName))
		}
	}
	return nil
}

func (r CertificateReader) issuedAny(parent *x509.Certificate, children map[*x509.Certificate]bool) bool {
	for child := range children {
		if child.Equal(parent) || bytes.Equal(child.RawIssuer, parent.RawSubject) && r.Signed(child, parent) == nil {
			return true
		}
	}
	return false
}

func sized(name, text string, most int) error {
	if len(text) > most {
		return Errorf(InvalidParameter, "%s: more than %d bytes", name, most)
	}
	return nil
}

// CheckName refuses the name of a certificate that is empty, longer than 64
// characters or not printable.
func CheckName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return Errorf(MissingParameter, "Name is required and was not given or is empty")
	case n > MaxNameChars:
		return Errorf(InvalidParameter, "Name: %d characters; at most %d are allowed", n, MaxNameChars)
	}
	for _, r := range name {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return Errorf(InvalidParameter, "Name: holds a control character or is not UTF-8")
		}
	}
	return nil
}

// CheckResourceGroup refuses an id that is longer than 64 characters or holds
// anything but letters, digits, "-" and "_".
func CheckResourceGroup(id string) error {
	const most = 64
	strange := func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if len(id) > most || strings.ContainsFunc(id, strange) {
		return Errorf(InvalidParameter, `ResourceGroupId: an id like "rg-acfmv3xk2c3ks6y" is needed, at most %d letters, digits, "-" and "_"`, most)
	}
	return nil
}

// NewUploadID draws the resource id of an upload.
func NewUploadID() string {
	return "cas-upload-" + randomText("abcdefghijklmnopqrstuvwxyz0123456789", 12)
}
