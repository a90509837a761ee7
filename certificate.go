package chancery

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CertificateID is below 2^31, since some answers of the API carry it as int32.
type CertificateID int64

// NewCertificateID draws an id of 8 to 10 digits; the store refuses one that is taken.
func NewCertificateID() CertificateID { return CertificateID(randomBetween(10_000_000, 1<<31)) }

// Certificate is a certificate that an account holds: issued for an order, or
// uploaded.
type Certificate struct {
	ID         CertificateID
	AccountID  AccountID
	OrderID    OrderID // 0: uploaded
	InstanceID string
	Name       string // unique in the account; "cert-<order id>" if issued
	CertificateFacts
	PEM string // leaf first, then the chain without the root; uploads as they were sent
	Key Secret // PEM; empty when the service never had it
	SM2 SM2Pairs

	RevokedAt     time.Time // zero: not revoked
	RevokeReason  Reason
	ResourceGroup string
	Tags          []Tag
	CreatedAt     time.Time
}

// SM2Pairs are the signing and the encryption certificate of an SM2 upload with
// their keys, in PEM as they were sent.
type SM2Pairs struct {
	SignPEM    string
	SignKey    Secret
	EncryptPEM string
	EncryptKey Secret
}

// CertificateFacts is what lists and details tell of a leaf.
type CertificateFacts struct {
	Serial      string // SerialHex
	Fingerprint string // SHA-1 of the DER, 40 upper-case hex digits
	SHA2        string // SHA-256 of the DER, 64 upper-case hex digits
	CommonName  string
	SANs        string // separated by commas
	Issuer      string // the issuer's organisation, or else its common name
	// Organization, Country, Province and City are the subject's, often empty.
	Organization, Country, Province, City string
	Algorithm                             string // "RSA", "ECC", or "" for others
	NotBefore, NotAfter                   time.Time
}

// FactsOf reads what is told of a leaf.
func FactsOf(leaf *x509.Certificate) CertificateFacts {
	fingerprint := sha1.Sum(leaf.Raw) //nolint:gosec // as above
	sum := sha256.Sum256(leaf.Raw)
	facts := CertificateFacts{
		Serial:      SerialHex(leaf.SerialNumber),
		Fingerprint: strings.ToUpper(hex.EncodeToString(fingerprint[:])),
		SHA2:        strings.ToUpper(hex.EncodeToString(sum[:])),
		CommonName:  leaf.Subject.CommonName,
		SANs:        strings.Join(alternativeNames(leaf), ","),
		Issuer:      first(leaf.Issuer.Organization),

		Organization: first(leaf.Subject.Organization), Country: first(leaf.Subject.Country),
		Province: first(leaf.Subject.Province), City: first(leaf.Subject.Locality),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
	}
	if facts.Issuer == "" {
		facts.Issuer = leaf.Issuer.CommonName
	}
	switch leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		facts.Algorithm = "RSA"
	case *ecdsa.PublicKey:
		facts.Algorithm = "ECC"
	}
	return facts
}

func alternativeNames(leaf *x509.Certificate) []string {
	names := slices.Clone(leaf.DNSNames)
	for _, address := range leaf.IPAddresses {
		names = append(names, address.String())
	}
	return names
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// NewCertificate makes the certificate of an order from its checked chain.
func NewCertificate(order *Order, chain Chain, leaf *x509.Certificate, key Secret, now time.Time) Certificate {
	return Certificate{
		ID:               NewCertificateID(),
		AccountID:        order.AccountID,
		OrderID:          order.ID,
		InstanceID:       order.InstanceID,
		Name:             "cert-" + strconv.FormatInt(int64(order.ID), 10),
		CertificateFacts: FactsOf(leaf),
		PEM:              chain.PEM(),
		Key:              key,
		ResourceGroup:    order.ResourceGroup,
		Tags:             order.Tags,
		CreatedAt:        now,
	}
}

// PEM writes the chain, leaf first: what a server's full-chain file holds.
func (c Chain) PEM() string {
	var text bytes.Buffer
	for _, der := range c {
		// Writing to a bytes.Buffer cannot fail.
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return text.String()
}

// CertificateStatus is how lists show a certificate, or an order that has one.
type CertificateStatus string

// The statuses of an issued certificate; they exclude each other.
const (
	StatusIssued     CertificateStatus = "ISSUED"
	StatusWillExpire CertificateStatus = "WILLEXPIRED"
	StatusExpired    CertificateStatus = "EXPIRED"
	StatusRevoked    CertificateStatus = "REVOKED"
)

// ExpiryWindow is how long before its end a certificate counts as WILLEXPIRED,
// and can be renewed.
const ExpiryWindow = 30 * 24 * time.Hour

// Status tells how the certificate stands.
func (c *Certificate) Status(now time.Time) CertificateStatus {
	switch {
	case !c.RevokedAt.IsZero():
		return StatusRevoked
	case !now.Before(c.NotAfter):
		return StatusExpired
	case !now.Before(c.NotAfter.Add(-ExpiryWindow)):
		return StatusWillExpire
	}
	return StatusIssued
}

// Identifier is what other products call the certificate by: id and region.
func (id CertificateID) Identifier(region string) string { return fmt.Sprintf("%d-%s", id, region) }

// DefaultResourceGroup is where what names no resource group is filed.
const DefaultResourceGroup = "rg-default"

// Reason is why a certificate was revoked (RFC 5280, section 5.3.1). Hold and
// removal from it are not used, as public rules demand.
type Reason int

// The reasons that subscribers and CAs may give (BR 7.2.2).
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	PrivilegeWithdrawn   Reason = 9
)

var reasonNames = map[Reason]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", AffiliationChanged: "affiliationChanged",
	Superseded: "superseded", CessationOfOperation: "cessationOfOperation", PrivilegeWithdrawn: "privilegeWithdrawn",
}

// String is the name of RFC 5280.
func (r Reason) String() string { return reasonNames[r] }

// ParseReason reads such a name; "" means unspecified.
func ParseReason(text string) (Reason, error) {
	if text == "" {
		return Unspecified, nil
	}
	for reason, name := range reasonNames {
		if strings.EqualFold(name, text) {
			return reason, nil
		}
	}
	return 0, Errorf(InvalidParameter, "Reason: %q is not unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn", excerpt(text))
}
