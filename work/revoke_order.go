package work

import (
	"context"
	"errors"
	"fmt"

	"chancery"
	"chancery/internal/failpoint"
)

// revokeOrder tells the issuer of an order that its certificate is revoked. The
// issuer takes that more than once, so nothing is lost or done twice by a crash.
func (w *Worker) revokeOrder(ctx context.Context, step chancery.Step) error {
	var order chancery.Order
	var certificate chancery.Certificate
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) (err error) {
		if order, err = tx.Order(step.AccountID, step.OrderID); err != nil {
			return err
		}
		certificate, err = tx.CertificateOfOrder(step.AccountID, step.OrderID)
		return err
	})
	switch {
	case errors.Is(err, chancery.ErrNotFound):
		return w.revokeUnclaimed(ctx, step, order)
	case err != nil:
		return fmt.Errorf("loading the certificate of order %d: %w", step.OrderID, err)
	case certificate.RevokedAt.IsZero():
		return w.finish(ctx, step)
	}
	if err := w.tell(ctx, order, certificate); err != nil {
		return fmt.Errorf("revoking the certificate of order %d: %w", order.ID, err)
	}
	failpoint.Hit("revoke.told")
	return w.finish(ctx, step)
}

func (w *Worker) tell(ctx context.Context, order chancery.Order, certificate chancery.Certificate) error {
	issuer, err := w.issuerOf(ctx, order)
	if err != nil {
		return err
	}
	revoker, ok := issuer.(chancery.Revoker)
	if !ok {
		return errors.New("the issuer cannot revoke")
	}
	return revoker.Revoke(ctx, certificate)
}

// revokeUnclaimed revokes what was issued for an order that was withdrawn at that
// very moment: nobody got the certificate. Of the embedded CA its record is all
// there is to change; another CA is asked. It holds for an order that was deleted
// since, too.
func (w *Worker) revokeUnclaimed(ctx context.Context, step chancery.Step, order chancery.Order) error {
	if order.State == chancery.Issued || order.Open() {
		return w.finish(ctx, step)
	}
	at := chancery.Order{ID: step.OrderID, AccountID: step.AccountID}
	issuer, err := w.issuerOf(ctx, at)
	if err != nil {
		return err
	}
	if reclaimer, ok := issuer.(chancery.Reclaimer); ok {
		if err := reclaimer.Reclaim(ctx, step.AccountID, step.OrderID); err != nil {
			return fmt.Errorf("revoking what was issued for order %d: %w", step.OrderID, err)
		}
		return w.finish(ctx, step)
	}
	now := w.Clock.Now()
	err = w.Store.Write(ctx, func(tx chancery.Tx) error {
		issuance, err := tx.SignedIssuance(step.AccountID, step.OrderID)
		if err == nil {
			err = tx.RevokeIssuance(issuance.Serial, now, chancery.CessationOfOperation)
		}
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		return tx.FinishStep(step)
	})
	if err != nil {
		return fmt.Errorf("revoking what was signed for order %d: %w", step.OrderID, err)
	}
	return nil
}
