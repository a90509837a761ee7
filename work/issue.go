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

// issue has the issuer sign for a proved order, checks its answer, and stores
// certificate and key in the transaction that makes the order issued.
func (w *Worker) issue(ctx context.Context, step chancery.Step, order chancery.Order) error {
	csr, key, err := w.csrOf(ctx, order)
	if err != nil {
		return err
	}
	product, err := w.Catalogue.Find(order.ProductCode)
	if err != nil {
		return fmt.Errorf("issuing order %d: %w", order.ID, err)
	}
	issuer, err := w.Issuers.Find(product.Issuer)
	if err != nil {
		return fmt.Errorf("issuing order %d: %w", order.ID, err)
	}
	request := chancery.IssueRequest{
		AccountID: order.AccountID, OrderID: order.ID, Name: order.Name, CSR: csr,
		Lifetime: time.Duration(product.LifetimeDays) * 24 * time.Hour,
	}
	chain, err := issuer.Issue(ctx, request)
	var refused *chancery.RefusedError
	if errors.As(err, &refused) {
		w.Log.Warn("the issuer refused an order", "order", order.ID, "error", err)
		return w.refuse(ctx, step, order, refused.Reason)
	}
	if err != nil {
		return fmt.Errorf("issuing order %d: %w", order.ID, err)
	}
	leaf, err := chain.Check(request, w.Clock.Now())
	if err != nil {
		return fmt.Errorf("checking the certificate of order %d: %w", order.ID, err)
	}
	if err := w.keepCertificate(ctx, step, order, chain, leaf, key); err != nil {
		return fmt.Errorf("storing the certificate of order %d: %w", order.ID, err)
	}
	failpoint.Hit("order.committed")
	return nil
}

// csrOf gives the order's CSR, and the key with it when the service makes both.
func (w *Worker) csrOf(ctx context.Context, order chancery.Order) ([]byte, chancery.Secret, error) {
	if !order.MakesKey() {
		return order.CSR, chancery.Secret{}, nil
	}
	made, err := w.orderKey(ctx, order)
	return made.CSR, made.Key, err
}

func (w *Worker) keepCertificate(ctx context.Context, step chancery.Step, order chancery.Order, chain chancery.Chain, leaf *x509.Certificate, key chancery.Secret) error {
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
		failpoint.Hit("order.before-commit")
		return nil
	})
}

// addCertificate draws another id while the one drawn is taken.
func addCertificate(tx chancery.Tx, certificate *chancery.Certificate) error {
	const draws = 8
	for range draws {
		err := tx.AddCertificate(*certificate)
		if !errors.Is(err, chancery.ErrConflict) {
			return err
		}
		certificate.ID = chancery.NewCertificateID()
	}
	return chancery.ErrConflict
}

func (w *Worker) refuse(ctx context.Context, step chancery.Step, order chancery.Order, reason string) error {
	if err := order.Apply(chancery.Refused); err != nil {
		return err
	}
	order.Reason = reason
	return w.Store.Write(ctx, func(tx chancery.Tx) error {
		if err := tx.UpdateOrder(order); err != nil {
			return err
		}
		return endWork(tx, step)
	})
}
