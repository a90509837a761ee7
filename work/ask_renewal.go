package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// askRenewal asks the issuer when to renew an order's certificate, and comes back
// when the issuer wants to be asked again, until the certificate has expired.
func (w *Worker) askRenewal(ctx context.Context, step chancery.Step) error {
	var order chancery.Order
	var certificate chancery.Certificate
	err := w.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if order, err = tx.Order(step.AccountID, step.OrderID); err != nil {
			return err
		}
		certificate, err = tx.CertificateOfOrder(step.AccountID, step.OrderID)
		return err
	})
	switch {
	case errors.Is(err, chancery.ErrNotFound),
		err == nil && (order.State != chancery.Issued || !w.Clock.Now().Before(certificate.NotAfter)):
		return w.finish(ctx, step)
	case err != nil:
		return fmt.Errorf("loading the certificate of order %d: %w", step.OrderID, err)
	}
	issuer, err := w.issuerOf(ctx, order)
	if err != nil {
		return fmt.Errorf("asking when to renew order %d: %w", order.ID, err)
	}
	adviser, ok := issuer.(chancery.RenewalAdviser)
	if !ok {
		return w.finish(ctx, step)
	}
	renewal, next, err := adviser.Renewal(ctx, certificate)
	if errors.Is(err, chancery.ErrNotFound) {
		return w.finish(ctx, step)
	}
	if err != nil {
		return fmt.Errorf("asking when to renew order %d: %w", order.ID, err)
	}
	return w.keepRenewal(ctx, step, renewal, next)
}

func (w *Worker) keepRenewal(ctx context.Context, step chancery.Step, renewal chancery.Renewal, next time.Time) error {
	err := w.Store.Write(ctx, func(tx chancery.Tx) error {
		if err := tx.PutRenewal(renewal); err != nil {
			return err
		}
		failpoint.Hit("renewal.before-commit")
		return tx.PostponeStep(step, next, "")
	})
	if err != nil {
		return fmt.Errorf("keeping when to renew order %d: %w", step.OrderID, err)
	}
	return nil
}
