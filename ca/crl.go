package ca

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// A CRL is made anew every day and good for a week: BR 4.9.7 asks for one every
// 4 days and allows 10, and a client that has one survives a week of outage.
const (
	listRenewal = day
	listLife    = 7 * day
)

// publishedList is the CRL that an authority shows now.
type publishedList struct {
	mu   sync.Mutex // guards the rest, and is held while a new one is made
	der  []byte
	made time.Time
}

// CRL gives the issuing CA's certificate revocation list in DER. It lists
// nothing yet. Its number is the second it was made in (Unix time), so it rises
// from one to the next, whichever process makes them. The list is kept for a day.
// Its bytes are not to be changed.
func (a *Authority) CRL(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	der, _, err := a.listOf(a.issuing)
	return der, err
}

// listOf also tells when the list was made.
func (a *Authority) listOf(issuer *authority) ([]byte, time.Time, error) {
	list := &issuer.list
	list.mu.Lock()
	defer list.mu.Unlock()
	now := a.config.Clock.Now().UTC().Truncate(time.Second)
	if list.der != nil && now.Sub(list.made) < listRenewal {
		return list.der, list.made, nil
	}
	der, err := issuer.newList(now, a.lint.list)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("making the CRL of authority %s: %w", issuer.id, err)
	}
	list.der, list.made = der, now
	return der, now, nil
}

// newList rehearses, lints and signs, as for certificates.
func (s signer) newList(now time.Time, lint *linter) ([]byte, error) {
	template := &x509.RevocationList{
		Number:     big.NewInt(now.Unix()),
		ThisUpdate: now.Add(-backdating),
		NextUpdate: now.Add(listLife),
	}
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
