package issuer

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/issuer/acme"
)

// Revoke implements chancery.Revoker.
func (a acmeIssuer) Revoke(ctx context.Context, certificate chancery.Certificate) error {
	s, leaf, err := a.after(ctx, certificate)
	if removed(err) {
		a.Log.Error("a certificate is revoked here alone: its issuer was removed, and the account with it", "order", certificate.OrderID, "serial", certificate.Serial)
		return nil
	}
	if err != nil {
		return err
	}
	leave, err := s.ca.enter(ctx, s.Clock)
	if err != nil {
		return err
	}
	defer leave()
	err = s.ca.client.Revoke(ctx, leaf.Raw, int(certificate.RevokeReason))
	var p *acme.ProblemError
	if errors.As(err, &p) && p.Kind() == acme.BadRevocationReason {
		err = s.ca.client.Revoke(ctx, leaf.Raw, 0) // the CA knows fewer reasons than we
	}
	if errors.As(err, &p) && !p.After.IsZero() {
		return &chancery.WaitError{Until: p.After, Reason: "the CA takes the revocation later" + because(p)}
	}
	if err != nil {
		return fmt.Errorf("revoking at issuer %s: %w", s.order.Issuer, err)
	}
	return nil
}

// Reclaim implements chancery.Reclaimer. An order that was sent no CSR has no
// certificate, and ends at the CA by itself.
func (a acmeIssuer) Reclaim(ctx context.Context, account chancery.AccountID, id chancery.OrderID) error {
	s, err := a.begin(ctx, account, id, nil)
	if err != nil || s.order.FinalizedAt.IsZero() || s.order.URL == "" {
		return err
	}
	for _, z := range s.order.Authorizations {
		s.names = append(s.names, z.Name)
	}
	leave, err := s.ca.enter(ctx, s.Clock)
	if err != nil {
		return err
	}
	defer leave()
	order, err := s.ca.client.Order(ctx, s.order.URL, s.names.Strings())
	switch {
	case gone(err):
		return nil
	case err != nil:
		return fmt.Errorf("asking for what became of order %d: %w", id, err)
	case order.Status == acme.Processing:
		return &chancery.WaitError{Until: s.later(order.After), Reason: "the CA is making a certificate that is to be revoked"}
	case order.Status != acme.Valid:
		return nil
	}
	chain, _, err := s.ca.client.Download(ctx, order.Certificate)
	if err == nil {
		err = s.ca.client.Revoke(ctx, chain[0], int(chancery.CessationOfOperation))
	}
	if err != nil {
		return fmt.Errorf("revoking what was made for order %d: %w", id, err)
	}
	return nil
}

// renewalPause is how often to ask a CA that does not say; it bounds what a CA says,
// too (RFC 9773, 4.3).
const (
	renewalPause    = 6 * time.Hour
	renewalShortest = time.Minute
	renewalLongest  = 24 * time.Hour
)

// Renewal implements chancery.RenewalAdviser.
func (a acmeIssuer) Renewal(ctx context.Context, certificate chancery.Certificate) (renewal chancery.Renewal, at time.Time, err error) {
	s, leaf, err := a.after(ctx, certificate)
	if removed(err) {
		return renewal, at, chancery.ErrNotFound
	}
	if err != nil {
		return renewal, at, err
	}
	leave, err := s.ca.enter(ctx, s.Clock)
	if err != nil {
		return renewal, at, err
	}
	defer leave()
	info, known, err := s.ca.client.Renewal(ctx, leaf)
	now := s.Clock.Now()
	var p *acme.ProblemError
	var answer *acme.AnswerError
	switch {
	case err == nil && !known, errors.As(err, &p) && p.Status == 404:
		return renewal, at, chancery.ErrNotFound
	case errors.As(err, &p), errors.As(err, &answer):
		return renewal, at, &chancery.WaitError{Until: now.Add(renewalPause), Reason: "the CA gives no renewal information now"}
	case err != nil:
		return renewal, at, fmt.Errorf("asking issuer %s for renewal information: %w", s.order.Issuer, err)
	}
	pause := renewalPause
	if !info.After.IsZero() {
		pause = min(max(info.After.Sub(now), renewalShortest), renewalLongest)
	}
	return chancery.Renewal{
		OrderID: certificate.OrderID, AccountID: certificate.AccountID,
		Start: info.Window.Start.UTC(), End: info.Window.End.UTC(), Explanation: info.Explanation, FetchedAt: now,
	}, now.Add(pause), nil
}

// removed tells whether an issuer is not configured any more.
func removed(err error) bool { return chancery.CodeOf(err) == chancery.ServiceUnavailable }

// after finds who issued a certificate.
func (a acmeIssuer) after(ctx context.Context, certificate chancery.Certificate) (*session, *x509.Certificate, error) {
	block, _ := pem.Decode([]byte(certificate.PEM))
	if block == nil {
		return nil, nil, fmt.Errorf("certificate %d is not PEM", certificate.ID)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("parsing certificate %d: %w", certificate.ID, err)
	}
	s := &session{ACME: a.ACME}
	err = a.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		s.order, err = tx.ACMEOrder(certificate.AccountID, certificate.OrderID)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("finding the issuer of certificate %d: %w", certificate.ID, err)
	}
	s.ca, err = a.authority(ctx, s.order.Issuer)
	return s, leaf, err
}
