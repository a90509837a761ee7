package ca

import (
	"context"
	"crypto"
	"crypto/sha1" // it names issuers in OCSP requests (RFC 5019, section 2.1.1)
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancery"
)

// answerLife is how long a client may rely on an OCSP answer.
const answerLife = 12 * time.Hour

// errOtherIssuer means that the request asks about a certificate of somebody else.
var errOtherIssuer = errors.New("the issuer is not of this CA")

// answer is a signed OCSP answer and how long it holds.
type answer struct {
	der                    []byte
	thisUpdate, nextUpdate time.Time
}

// answer tells how the certificate that a request names stands, by the record of
// what was signed: a serial that never was is unknown, not good (BR 4.9.10). Of
// several questions in one request the first is answered, and a nonce is not
// given back, both as RFC 5019 has it for answers that caches may keep.
func (a *Authority) answer(ctx context.Context, request *ocsp.Request) (answer, error) {
	issuer, err := a.asked(request)
	if err != nil {
		return answer{}, err
	}
	template, err := a.status(ctx, issuer, request)
	if err != nil {
		return answer{}, err
	}
	responder, err := a.responder(ctx, issuer)
	if err != nil {
		return answer{}, err
	}
	now := a.config.Clock.Now().UTC().Truncate(time.Second)
	template.IssuerHash, template.Certificate = request.HashAlgorithm, responder.certificate
	template.ThisUpdate, template.NextUpdate = now, earlier(now.Add(answerLife), responder.certificate.NotAfter)
	der, err := ocsp.CreateResponse(issuer.certificate, responder.certificate, template, responder.key)
	if err != nil {
		return answer{}, fmt.Errorf("signing an OCSP answer: %w", err)
	}
	return answer{der, template.ThisUpdate, template.NextUpdate}, nil
}

func (a *Authority) status(ctx context.Context, issuer *authority, request *ocsp.Request) (ocsp.Response, error) {
	response := ocsp.Response{Status: ocsp.Unknown, SerialNumber: request.SerialNumber}
	if request.SerialNumber.Sign() <= 0 {
		return response, nil
	}
	var issuance chancery.Issuance
	err := a.config.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		issuance, err = tx.Issuance(chancery.SerialHex(request.SerialNumber))
		return err
	})
	switch {
	case errors.Is(err, chancery.ErrNotFound):
	case err != nil:
		return response, fmt.Errorf("reading what was signed: %w", err)
	case issuance.AuthorityID != issuer.id || len(issuance.Certificate) == 0:
	case issuance.RevokedAt.IsZero():
		response.Status = ocsp.Good
	default:
		response.Status = ocsp.Revoked
		response.RevokedAt, response.RevocationReason = issuance.RevokedAt.Truncate(time.Second), int(issuance.Reason)
	}
	return response, nil
}

// asked finds the issuing CA whose name and key a request names by their hashes.
func (a *Authority) asked(request *ocsp.Request) (*authority, error) {
	newHash := map[crypto.Hash]func() hash.Hash{crypto.SHA1: sha1.New, crypto.SHA256: sha256.New}[request.HashAlgorithm]
	if newHash == nil {
		return nil, errOtherIssuer
	}
	for _, one := range a.all {
		if one.kind != chancery.IssuingAuthority {
			continue
		}
		name, key, err := issuerHashes(one.certificate, newHash)
		if err != nil {
			return nil, err
		}
		if string(name) == string(request.IssuerNameHash) && string(key) == string(request.IssuerKeyHash) {
			return one, nil
		}
	}
	return nil, errOtherIssuer
}

// issuerHashes follow RFC 6960, section 4.1.1: over the name in DER, and over the
// bit string of the key alone.
func issuerHashes(issuer *x509.Certificate, newHash func() hash.Hash) (name, key []byte, err error) {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil, nil, fmt.Errorf("reading the issuer's key: %w", err)
	}
	sum := func(text []byte) []byte {
		h := newHash()
		_, _ = h.Write(text) // a hash takes all
		return h.Sum(nil)
	}
	return sum(issuer.RawSubject), sum(info.Key.RightAlign()), nil
}
