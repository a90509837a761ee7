package work

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// issuing is what who had the proof seen knows of an order, and need not read again.
type issuing struct {
	key   *chancery.OrderKey // made a moment ago; nil: not at hand
	first bool               // no issuer was asked for the certificate before
}

// issue has the issuer sign for a proved order, checks its answer, and stores
// certificate and key in the transaction that makes the order issued.
func (w *Worker) issue(ctx context.Context, step chancery.Step, order chancery.Order, known issuing) error {
	csr, key, err := w.csrOf(ctx, order, known.key)
	if err != nil {
		return err
	}
	product, err := w.Catalogue.Find(order.ProductCode)
	if err != nil {
		return fmt.Errorf("issuing order %d: %w", order.ID, err)
	}
	issuer, err := w.issuerOf(ctx, order)
	if err != nil {
		return fmt.Errorf("issuing order %d: %w", order.ID, err)
	}
	request := chancery.IssueRequest{
		AccountID: order.AccountID, OrderID: order.ID, Names: order.Names, CSR: csr,
		Lifetime: time.Duration(product.LifetimeDays) * 24 * time.Hour, First: known.first, Made: known.key != nil,
	}
	chain, err := issuer.Issue(ctx, request)
	var refused *chancery.RefusedError
	if errors.As(err, &refused) {
		w.Log.Warn("the issuer refused an order", "order", order.ID, "error", err)
		return w.refuse(ctx, step, order, refused.Reason)
	}
	var reopen *chancery.ReopenError
	if errors.As(err, &reopen) {
		w.Log.Warn("an order needs new proofs", "order", order.ID, "reason", reopen.Reason)
		return w.reopen(ctx, step, order)
	}
	if err != nil {
		return fmt.Errorf("issuing order %d: %w", order.ID, err)
	}
	leaf, err := chain.Check(request, w.Clock.Now())
	if err != nil {
		return fmt.Errorf("checking the certificate of order %d: %w", order.ID, err)
	}
	_, advises := issuer.(chancery.RenewalAdviser)
	if err := w.keepCertificate(ctx, step, order, chain, leaf, key, advises); err != nil {
		return fmt.Errorf("storing the certificate of order %d: %w", order.ID, err)
	}
	failpoint.Hit("order.committed")
	return nil
}

// csrOf gives the order's CSR, and the key with it when the service makes both or
// the account's CSR store has it.
func (w *Worker) csrOf(ctx context.Context, order chancery.Order, made *chancery.OrderKey) ([]byte, chancery.Secret, error) {
	if made != nil {
		return made.CSR, made.Key, nil
	}
	if order.CSRID != 0 {
		key, err := w.csrKey(ctx, order)
		return order.CSR, key, err
	}
	if !order.MakesKey() {
		return order.CSR, chancery.Secret{}, nil
	}
	stored, err := w.orderKey(ctx, order)
	return stored.CSR, stored.Key, err
}

// csrKey is the key of the stored CSR that the order uses. Should that be gone,
// the certificate is of use all the same to whoever has the key.
func (w *Worker) csrKey(ctx context.Context, order chancery.Order) (chancery.Secret, error) {
	var csr chancery.StoredCSR
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) (err error) {
		csr, err = tx.CSRKey(order.AccountID, order.CSRID)
		return err
	})
	if errors.Is(err, chancery.ErrNotFound) {
		return chancery.Secret{}, nil
	}
	if err != nil {
		return chancery.Secret{}, fmt.Errorf("reading the key of CSR %d for order %d: %w", order.CSRID, order.ID, err)
	}
	return csr.Key, nil
}

func (w *Worker) keepCertificate(ctx context.Context, step chancery.Step, order chancery.Order, chain chancery.Chain, leaf *x509.Certificate, key chancery.Secret, advises bool) error {
	now := w.Clock.Now()
	certificate := chancery.NewCertificate(&order, chain, leaf, key, now)
	if err := order.Apply(chancery.Signed); err != nil {
		return err
	}
	order.IssuedAt = now
	return w.Store.Write(ctx, func(tx chancery.Tx) error {
		if err := addCertificate(tx, &certificate); err != nil {
			return err
		}
		order.CertificateID = certificate.ID
		if err := tx.UpdateOrder(order); err != nil {
			return err
		}
		// The certificate's row has the key now, sealed for its own place.
		if err := endWork(tx, step); err != nil {
			return err
		}
		if advises {
			if err := tx.AddStep(chancery.Step{Kind: chancery.AskRenewal, AccountID: order.AccountID, OrderID: order.ID, DueAt: now}); err != nil {
				return err
			}
		}
		failpoint.Hit("order.before-commit")
		return nil
	})
}

// addCertificate draws another id while the one drawn is taken, and takes another
// name if the account gave the usual one to an upload.
func addCertificate(tx chancery.Tx, certificate *chancery.Certificate) error {
	const draws = 8
	for range draws {
		err := tx.AddCertificate(*certificate)
		if !errors.Is(err, chancery.ErrConflict) {
			return err
		}
		certificate.ID = chancery.NewCertificateID()
		if _, err := tx.CertificateNamed(certificate.AccountID, certificate.Name); err == nil {
			certificate.Name = fmt.Sprintf("cert-%d-%d", certificate.OrderID, certificate.ID)
		}
	}
	return chancery.ErrConflict
}

func (w *Worker) refuse(ctx context.Context, step chancery.Step, order chancery.Order, reason string) error {
	if err := order.Apply(chancery.Refused); err != nil {
		return err
	}
	order.Reason = reason
	return w.Store.Write(ctx, func(tx chancery.Tx) error { return failOrder(tx, step, order, w.Clock.Now()) })
}
