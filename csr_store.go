package chancery

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// CSRID names an entry of an account's CSR store.
type CSRID int64

// StoredCSR is a certificate signing request that an account keeps, with its key
// if the service made it or was given it.
type StoredCSR struct {
	ID         CSRID
	AccountID  AccountID
	Name       string
	CommonName string
	SANs       string // separated by commas
	Algorithm  string // "RSA", "ECC" or "SM2"
	KeySize    int64
	Subject    CSRSubject
	PEM        string
	KeySHA2    string // SHA-256 of the public key (SPKI in DER), 64 upper-case hex digits
	Key        Secret // PEM; empty when only its owner has it
	HasKey     bool   // also where Key was not asked for
	CreatedAt  time.Time
}

// CSRSubject is the rest of a request's subject.
type CSRSubject struct {
	Country, Province, Locality, CorpName, Department string
}

// CSRFilter picks entries of the CSR store; empty fields pick all.
type CSRFilter struct {
	Algorithm string // RSA, ECC or SM2
	Keyword   string // a part of name, common name or alternative names, in any case
}

// Upper bounds of X.520 on what a subject may hold, in characters.
const (
	maxPlaceChars        = 128
	maxOrganizationChars = 64
)

// Check refuses texts that no subject may hold, and a country that is not two
// letters.
func (s CSRSubject) Check() error {
	return cmp.Or(
		checkCountry(s.Country),
		CheckText("Province", s.Province, maxPlaceChars),
		CheckText("Locality", s.Locality, maxPlaceChars),
		CheckText("CorpName", s.CorpName, maxOrganizationChars),
		CheckText("Department", s.Department, maxOrganizationChars),
	)
}

const maxCSRName = 50

// CheckCSRName refuses names of CSRs that have more than 50 characters or others
// than letters, digits, '_', '-' and '.'.
func CheckCSRName(name string) error {
	if len(name) > maxCSRName || !onlyBytes(name, func(b byte) bool { return alnum(b) || b == '_' || b == '-' || b == '.' }) {
		return Errorf(InvalidParameter, "Name: has more than %d characters, or others than letters, digits, '_', '-' and '.'", maxCSRName)
	}
	return nil
}

// MaxCSRNames is how many names one stored request can have. An order takes fewer.
const MaxCSRNames = 100

// ParseCSRNames settles the names that a new request shall have: the common name
// and, separated by commas, alternative names. A name given twice counts once.
func ParseCSRNames(common, sans string) (Names, error) {
	name, err := ParseName(common)
	if err != nil {
		return nil, Errorf(InvalidParameter, "CommonName: %s", withoutParameter(err))
	}
	if len(name) > maxCommonName {
		return nil, Errorf(InvalidParameter, "CommonName: has more than %d characters, which a common name cannot hold", maxCommonName)
	}
	names := Names{name}
	if strings.TrimSpace(sans) == "" {
		return names, nil
	}
	for part := range strings.SplitSeq(sans, ",") {
		name, err := ParseName(strings.TrimSpace(part))
		if err != nil {
			return nil, Errorf(InvalidParameter, "Sans: %s", withoutParameter(err))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		if len(names) > MaxCSRNames {
			return nil, Errorf(InvalidParameter, "Sans: more than %d names", MaxCSRNames)
		}
	}
	return names, nil
}

// withoutParameter is ParseName's message without the parameter it speaks of.
func withoutParameter(err error) string { return strings.TrimPrefix(messageOf(err), "Domain: ") }

// NewStoredCSR makes a request with the key, which it keeps. The common name is
// also the first of the alternative names, the only place where browsers look.
func NewStoredCSR(key crypto.Signer, names Names, subject CSRSubject) (StoredCSR, error) {
	template := &x509.CertificateRequest{DNSNames: names.Strings(), Subject: pkix.Name{
		CommonName: string(names.Common()), Country: listOf(subject.Country), Province: listOf(subject.Province),
		Locality: listOf(subject.Locality), Organization: listOf(subject.CorpName), OrganizationalUnit: listOf(subject.Department),
	}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return StoredCSR{}, fmt.Errorf("making a CSR: %w", err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return StoredCSR{}, fmt.Errorf("making a CSR: %w", err)
	}
	stored := storedCSR(csr)
	stored.HasKey = true
	stored.Key, err = KeyPEM(key)
	return stored, err
}

func listOf(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// ReadStoredCSR reads a request that somebody else made, whatever it asks for. It
// refuses what ParseCSR refuses, save for the names. The PEM is written anew.
func ReadStoredCSR(text string) (StoredCSR, error) {
	csr, err := readCSR(text)
	if err != nil {
		return StoredCSR{}, err
	}
	return storedCSR(csr), nil
}

// storedCSR is what lists tell of a request.
func storedCSR(csr *x509.CertificateRequest) StoredCSR {
	algorithm, size := keyKind(csr.PublicKey)
	return StoredCSR{
		CommonName: printable(csr.Subject.CommonName), SANs: printable(strings.Join(requestedNames(csr), ",")),
		Algorithm: algorithm, KeySize: size,
		Subject: CSRSubject{
			Country: printable(first(csr.Subject.Country)), Province: printable(first(csr.Subject.Province)),
			Locality: printable(first(csr.Subject.Locality)), CorpName: printable(first(csr.Subject.Organization)),
			Department: printable(first(csr.Subject.OrganizationalUnit)),
		},
		PEM:     string(pem.EncodeToMemory(&pem.Block{Type: csrLabel, Bytes: csr.Raw})),
		KeySHA2: spkiSHA2(csr.RawSubjectPublicKeyInfo),
	}
}

func requestedNames(csr *x509.CertificateRequest) []string {
	names := slices.Clone(csr.DNSNames)
	for _, address := range csr.IPAddresses {
		names = append(names, address.String())
	}
	for _, uri := range csr.URIs {
		names = append(names, uri.String())
	}
	return append(names, csr.EmailAddresses...)
}

func keyKind(public crypto.PublicKey) (algorithm string, size int64) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return "RSA", int64(key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECC", int64(key.Curve.Params().BitSize)
	}
	return "", 0
}

// printable replaces what no list should show; a stranger's request may hold it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func spkiSHA2(spki []byte) string {
	sum := sha256.Sum256(spki)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// CSRKeySHA2 is the KeySHA2 of a request in DER.
func CSRKeySHA2(der []byte) (string, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return "", fmt.Errorf("reading a CSR: %w", err)
	}
	return spkiSHA2(csr.RawSubjectPublicKeyInfo), nil
}

// GiveKey adds the private key, or refuses, with InvalidParameter, one that the
// request was not made with.
func (c *StoredCSR) GiveKey(key crypto.Signer) error {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil || spkiSHA2(spki) != c.KeySHA2 {
		return Errorf(InvalidParameter, "Key: it is not the key that the CSR was made with")
	}
	c.HasKey = true
	c.Key, err = KeyPEM(key)
	return err
}
