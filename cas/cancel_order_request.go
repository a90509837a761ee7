package cas

import (
	"context"

	"chancery"
)

// Done is the answer of calls that have nothing to tell but their RequestId.
type Done struct{}

// CancelOrderRequest withdraws an application that waits for its proof or for
// its certificate. The order goes back to payed and still holds its unit of
// quota; DeleteCertificateRequest gives that back.
//
// Errors: MissingParameter, InvalidParameter (400); NotFoundOrder (404);
// OrderStateError (403) in any other state.
func (s *Service) CancelOrderRequest(ctx context.Context, caller chancery.Caller, in *OrderInput) (*Done, error) {
	err := s.change(ctx, caller, in.OrderId, chancery.Withdrawn, func(chancery.Tx, chancery.Order) error { return nil })
	return &Done{}, err
}
