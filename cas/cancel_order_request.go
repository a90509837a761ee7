package cas

import (
	"context"
	"time"

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
	err := s.change(ctx, caller, in.OrderId, chancery.Withdrawn, func(tx chancery.Tx, was chancery.Order) error {
		if was.State != chancery.Process {
			return nil
		}
		// The issuer may be signing at this moment. Once it must have ended, what came
		// of it is revoked, since nobody will ever get it.
		return tx.AddStep(chancery.Step{
			Kind: chancery.RevokeOrder, AccountID: was.AccountID, OrderID: was.ID, DueAt: s.Clock.Now().Add(signingTime),
		})
	})
	return &Done{}, err
}

// signingTime is longer than any step works on an order.
const signingTime = time.Minute
