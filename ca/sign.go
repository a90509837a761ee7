package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// draft is a leaf before it has a serial and a signature.
type draft struct {
	issuer   *authority
	account  chancery.AccountID
	order    chancery.OrderID
	at       time.Time // the signature's, for the rulebook and the record
	crl      int64     // the issuer's CRL that the template names
	template *x509.Certificate
	key      crypto.PublicKey
	lint     *linter
}

// sign takes a draft the whole way: lint, record, sign, check, record. It is
// chancery.ErrConflict when the order has a certificate already.
func (a *Authority) sign(ctx context.Context, d draft) (chancery.Chain, error) {
	rehearsed, err := a.intend(ctx, d)
	if err != nil {
		return nil, err
	}
	failpoint.Hit("issue.intent-recorded")

	certificate, err := d.issuer.certifyExactly(rehearsed, d.template, d.key)
	if err != nil {
		return nil, err
	}
	failpoint.Hit("issue.signed")

	serial := chancery.SerialHex(certificate.SerialNumber)
	err = a.config.Store.Write(ctx, func(tx chancery.Tx) error {
		return tx.CompleteIssuance(serial, certificate.Raw)
	})
	if err != nil {
		return nil, fmt.Errorf("recording certificate %s: %w", serial, err)
	}
	failpoint.Hit("issue.recorded")
	return chancery.Chain{certificate.Raw, bytes.Clone(d.issuer.certificate.Raw)}, nil
}

// intend gives the draft a serial, lints it and records what will be signed. A
// serial that is taken is drawn anew: with sound random numbers that never
// happens, so a few attempts are enough to know that they are not sound.
func (a *Authority) intend(ctx context.Context, d draft) (*x509.Certificate, error) {
	const attempts = 3
	for range attempts {
		d.template.SerialNumber = newSerial()
		rehearsed, err := d.issuer.rehearse(d.template, d.key, d.lint)
		if err != nil {
			return nil, err
		}
		if err := checkLife(rehearsed, d.at); err != nil {
			return nil, err
		}
		err = a.recordIntent(ctx, d, rehearsed)
		if err == nil {
			return rehearsed, nil
		}
		if !errors.Is(err, chancery.ErrConflict) {
			return nil, fmt.Errorf("recording what is to be signed: %w", err)
		}
	}
	return nil, fmt.Errorf("%d random serials in a row are taken; the random number generator cannot be trusted", attempts)
}

func (a *Authority) recordIntent(ctx context.Context, d draft, rehearsed *x509.Certificate) error {
	return a.config.Store.Write(ctx, func(tx chancery.Tx) error {
		return tx.AddIssuance(chancery.Issuance{
			Serial:      chancery.SerialHex(rehearsed.SerialNumber),
			AuthorityID: d.issuer.id,
			AccountID:   d.account,
			OrderID:     d.order,
			ToBeSigned:  rehearsed.RawTBSCertificate,
			At:          d.at,
			NotAfter:    rehearsed.NotAfter,
			CRL:         d.crl,
		})
	})
}

// checkLife is this CA's own lint, since the linter may be older than the rulebook.
func checkLife(leaf *x509.Certificate, signed time.Time) error {
	longest := Limit(signed).Longest()
	if life := lifeOf(leaf.NotBefore, leaf.NotAfter); life > longest {
		return lintError{fmt.Sprintf("a life of %s, over the limit of %s", life, longest)}
	}
	return nil
}
