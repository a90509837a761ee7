package cas

import (
	"cmp"
	"context"
	"time"

	"chancery"
)

// openAtCA adds what an order needs whose issuer says what to publish.
func openAtCA(tx chancery.Tx, order chancery.Order, issuer string) error {
	if err := tx.AddACMEOrder(order.AccountID, order.ID, issuer); err != nil {
		return err
	}
	return tx.AddStep(chancery.Step{Kind: chancery.OpenOrder, AccountID: order.AccountID, OrderID: order.ID, DueAt: order.CreatedAt})
}

// awaitProofs gives an issuer a moment to say what to publish, so that most callers
// find it when they ask next. Whatever comes of it, the order is there.
func (s *Service) awaitProofs(ctx context.Context, account chancery.AccountID, id chancery.OrderID) {
	const pause = 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.OpenWait, DefaultOpenWait))
	defer cancel()
	for ctx.Err() == nil {
		var waits bool
		var err error
		err = s.Store.Read(ctx, func(tx chancery.Tx) error {
			waits, err = worthWaiting(tx, account, id)
			return err
		})
		if err != nil || !waits {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// worthWaiting tells whether the issuer may say at any moment what to publish: it
// has not said so yet, and not that it will take longer.
func worthWaiting(tx chancery.Tx, account chancery.AccountID, id chancery.OrderID) (bool, error) {
	order, err := tx.Order(account, id)
	if err != nil || order.State != chancery.DomainVerify {
		return false, err
	}
	validations, err := tx.Validations(account, id)
	if err != nil {
		return false, err
	}
	missing := false
	for _, v := range validations {
		missing = missing || !v.Given()
	}
	steps, err := tx.OrderSteps(account, id)
	for _, step := range steps {
		if step.Kind == chancery.OpenOrder && step.LastError != "" {
			return false, err
		}
	}
	return missing, err
}
