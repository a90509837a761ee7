package cas

import (
	"context"

	"chancery"
)

// DeleteCertificateRequest deletes an order that failed (verify_fail) or was
// withdrawn (payed). Its unit of quota comes back, once.
//
// Errors: MissingParameter, InvalidParameter (400); NotFoundOrder (404);
// OrderStateError (403) in any other state.
func (s *Service) DeleteCertificateRequest(ctx context.Context, caller chancery.Caller, in *OrderInput) (*Done, error) {
	err := s.change(ctx, caller, in.OrderId, chancery.Removed, func(tx chancery.Tx, o chancery.Order) error {
		return tx.ReturnUnit(o.AccountID, o.ID, s.Clock.Now())
	})
	return &Done{}, err
}
