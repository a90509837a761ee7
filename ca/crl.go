package ca

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// A CRL is made anew every day and good for a week: BR 4.9.7 asks for one every
// 4 days and allows 10, and a client that has one survives a week of outage.
const (
	listRenewal = day
	listLife    = 7 * day
)

// makeList signs the CRL that follows last and stores it: chancery.ErrConflict
// when another process stored that number first. What it lists is read in one
// transaction with last.
func (a *Authority) makeList(ctx context.Context, issuer *authority, last chancery.CRL, revoked []chancery.Issuance, now time.Time) (chancery.CRL, error) {
	template, err := a.listTemplate(issuer, last, revoked, now)
	if err != nil {
		return chancery.CRL{}, err
	}
	der, err := issuer.newList(template, a.lint.list)
	if err != nil {
		return chancery.CRL{}, err
	}
	next := last
	next.Number++
	next.DER, next.Listed = der, last.Revoked
	next.ThisUpdate, next.NextUpdate = template.ThisUpdate, template.NextUpdate
	failpoint.Hit("crl.signed")
	err = a.config.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error {
		if err := tx.PutCRL(next); err != nil {
			return err
		}
		failpoint.Hit("crl.before-commit")
		return nil
	})
	failpoint.Hit("crl.committed")
	return next, err
}

// listTemplate names the partition only when there are several: a CRL that is
// alone is complete, and every client understands it.
func (a *Authority) listTemplate(issuer *authority, last chancery.CRL, revoked []chancery.Issuance, now time.Time) (*x509.RevocationList, error) {
	template := &x509.RevocationList{
		Number:                    big.NewInt(last.Number + 1),
		ThisUpdate:                now,
		NextUpdate:                now.Add(listLife),
		RevokedCertificateEntries: make([]x509.RevocationListEntry, len(revoked)),
	}
	for i, one := range revoked {
		serial, ok := new(big.Int).SetString(one.Serial, 16)
		if !ok {
			return nil, fmt.Errorf("the record of revoked certificate %q has no serial", one.Serial)
		}
		template.RevokedCertificateEntries[i] = x509.RevocationListEntry{
			SerialNumber: serial,
			// Another node's clock may be ahead; no CRL tells of the future.
			RevocationTime: earlier(one.RevokedAt.UTC().Truncate(time.Second), now),
			// crypto/x509 leaves the reason "unspecified" out, as BR 7.2.2 asks.
			ReasonCode: int(one.Reason),
		}
	}
	if !last.Partial {
		return template, nil
	}
	if !a.locations.known() {
		return nil, errors.New("the CRL is one of several and has to name its URL; set the base URL that certificates name again")
	}
	scope, err := distributionPoint(a.locations.list(issuer.id, last.Partition))
	template.ExtraExtensions = []pkix.Extension{scope}
	return template, err
}

// newList rehearses, lints and signs, as for certificates.
func (s signer) newList(template *x509.RevocationList, lint *linter) ([]byte, error) {
	standIn, err := s.standIn()
	if err != nil {
		return nil, err
	}
	rehearsed, err := standIn.list(template)
	if err != nil {
		return nil, err
	}
	if err := lint.revocationList(rehearsed.Raw); err != nil {
		return nil, err
	}
	list, err := s.list(template)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(list.RawTBSRevocationList, rehearsed.RawTBSRevocationList) {
		return nil, errors.New("what was signed is not what was linted; the CRL is withheld")
	}
	if err := list.CheckSignatureFrom(s.certificate); err != nil {
		return nil, fmt.Errorf("verifying the new signature: %w", err)
	}
	return list.Raw, nil
}

func (s signer) list(template *x509.RevocationList) (*x509.RevocationList, error) {
	der, err := x509.CreateRevocationList(rand.Reader, template, s.certificate, s.key)
	if err != nil {
		return nil, fmt.Errorf("signing a CRL: %w", err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the signed CRL: %w", err)
	}
	return list, nil
}
