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
		waits := false
		err := s.Store.Read(ctx, func(tx chancery.Tx) error {
			order, err := tx.Order(account, id)
			if err != nil {
				return err
			}
			validations, err := tx.Validations(account, id)
			for _, v := range validations {
				waits = waits || order.State == chancery.DomainVerify && !v.Given()
			}
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
