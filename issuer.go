package chancery

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Issuer is a certificate authority as an order sees it.
//
// Issue is called for an order whose name was proved, outside any transaction,
// and may be called again for the same order after a crash at any point: it must
// then give the certificate it has already made, never a second one. A *RefusedError
// error is final and its reason is shown to the applicant; any other error is
// tried again later. Implementations are safe for concurrent use.
type Issuer interface {
	Issue(ctx context.Context, request IssueRequest) (Chain, error)
}

// IssueRequest asks for one certificate.
type IssueRequest struct {
	AccountID AccountID
	OrderID   OrderID
	Names     Names
	// CSR is PKCS #10 in DER. Only its public key counts: the names are Names.
	CSR []byte
	// Lifetime is what the product promises; the issuer may give less.
	Lifetime time.Duration
	// First says that nobody asked for the order's certificate before, so that the
	// issuer need not look whether it gave one already.
	First bool
	// Made says that the service made the key and the CSR with it just now, in this
	// process, so that the issuer need not try either for what others do wrong.
	Made bool
}

// Chain is an issued certificate and the issuing certificates above it, in DER,
// leaf first, without the root.
type Chain [][]byte

// RefusedError is an issuer's final no. Reason is for the applicant.
type RefusedError struct {
	Reason string
	Err    error
}

// Error implements error with the inner cause, for logs.
func (r *RefusedError) Error() string {
	if r.Err != nil {
		return r.Reason + ": " + r.Err.Error()
	}
	return r.Reason
}

// Unwrap gives the inner cause.
func (r *RefusedError) Unwrap() error { return r.Err }

// Check refuses a chain that must not count as the answer to request: the key is
// not the CSR's, the names are not exactly the proved one, now is outside the
// validity (5 minutes of clock difference allowed at its start), or a
// certificate is not signed by the next. It gives the parsed leaf.
func (c Chain) Check(request IssueRequest, now time.Time) (*x509.Certificate, error) {
	certificates := make([]*x509.Certificate, len(c))
	for i, der := range c {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("parsing certificate %d of the issuer's answer: %w", i+1, err)
		}
		certificates[i] = parsed
	}
	if len(certificates) < 2 {
		return nil, fmt.Errorf("the issuer's answer has %d certificates; a leaf and its issuer are needed", len(certificates))
	}
	for i, certificate := range certificates[:len(certificates)-1] {
		if err := certificate.CheckSignatureFrom(certificates[i+1]); err != nil {
			return nil, fmt.Errorf("certificate %d of the issuer's answer is not signed by the next: %w", i+1, err)
		}
	}
	return certificates[0], checkLeaf(certificates[0], request, now)
}

func checkLeaf(leaf *x509.Certificate, request IssueRequest, now time.Time) error {
	const clockDifference = 5 * time.Minute
	csr, err := x509.ParseCertificateRequest(request.CSR)
	if err != nil {
		return fmt.Errorf("parsing the CSR: %w", err)
	}
	names := len(leaf.DNSNames) + len(leaf.IPAddresses) + len(leaf.EmailAddresses) + len(leaf.URIs)
	switch {
	case !bytes.Equal(leaf.RawSubjectPublicKeyInfo, csr.RawSubjectPublicKeyInfo):
		return fmt.Errorf("the issued certificate holds another key than the CSR")
	case names != len(leaf.DNSNames) || !sameNames(leaf.DNSNames, request.Names.Strings()):
		return fmt.Errorf("the issued certificate names %v, not exactly %s", leaf.DNSNames, request.Names)
	case leaf.Subject.CommonName != "" && !slices.Contains(leaf.DNSNames, leaf.Subject.CommonName):
		return fmt.Errorf("the issued certificate has the common name %q", leaf.Subject.CommonName)
	case leaf.IsCA:
		return fmt.Errorf("the issued certificate is a CA certificate")
	case now.Add(clockDifference).Before(leaf.NotBefore) || !now.Before(leaf.NotAfter):
		return fmt.Errorf("the issued certificate is valid from %s to %s, not now", leaf.NotBefore, leaf.NotAfter)
	}
	return nil
}

// sameNames does not mind the order, which CAs choose.
func sameNames(one, other []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(one)), slices.Sorted(slices.Values(other)))
}

// Issuance is the embedded CA's record of one signature: written before signing
// with the linted certificate to be signed, completed after with the result. An
// issuance that was never completed left the process as nothing.
type Issuance struct {
	Serial      string // lower-case hex of the serial's bytes
	AuthorityID string
	AccountID   AccountID
	OrderID     OrderID
	ToBeSigned  []byte // DER of the TBSCertificate
	Certificate []byte // DER; empty until signed
	At          time.Time
	NotAfter    time.Time
	CRL         int64     // which of the authority's CRLs lists it once it is revoked
	RevokedAt   time.Time // zero: not revoked
	Reason      Reason
}

// CRL is one certificate revocation list of an authority: all of them list, each
// for its own part of the authority's certificates, what is revoked.
type CRL struct {
	AuthorityID string
	// Partition is what Issuance.CRL names: 0 for the first.
	Partition int64
	// Issued counts the issuances that name this CRL, Revoked how many are revoked.
	Issued, Revoked int64

	Number int64  // CRLNumber, rises by one; 0 while none was made
	DER    []byte // empty likewise, and in restored data until the next is made
	Listed int64  // Revoked when it was made, so that a newer revocation shows
	// Partial: it says that it is one of several (issuingDistributionPoint).
	Partial                bool
	ThisUpdate, NextUpdate time.Time
}

// Revoker is an Issuer that can revoke what it issued, as all of ours can.
//
// Revoke tells the authority of the certificate's RevokedAt and RevokeReason. It is
// called outside any transaction and may be called again for the same
// certificate, after which nothing has changed. Implementations are safe for
// concurrent use.
type Revoker interface {
	Revoke(ctx context.Context, certificate Certificate) error
}

// AuthorityKind tells root and issuing CA apart.
type AuthorityKind string

// A root signs issuing CAs; an issuing CA signs leaves and CRLs.
const (
	RootAuthority    AuthorityKind = "root"
	IssuingAuthority AuthorityKind = "issuing"
)

// Authority is one certificate authority of the embedded CA. ID is the
// lower-case hex SHA-256 of its certificate, cut to 32 digits.
type Authority struct {
	ID          string
	Kind        AuthorityKind
	Certificate []byte // DER
	Key         Secret // PKCS #8 in DER
	CreatedAt   time.Time
}

// SerialHex writes a serial as records and the API do: lower-case hex of its
// bytes, so with a leading zero where a byte needs one.
func SerialHex(serial *big.Int) string { return hex.EncodeToString(serial.Bytes()) }
