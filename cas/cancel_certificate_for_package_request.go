package cas

import (
	"context"

	"chancery"
	"chancery/internal/failpoint"
)

// CancelCertificateForPackageRequestInput is what CancelCertificateForPackageRequest takes.
type CancelCertificateForPackageRequestInput struct {
	// The order, as a Create call answered it.
	OrderId int64 `api:"required"`
	// Chancery's own: why the certificate is revoked, by the names of RFC 5280:
	// unspecified (default), keyCompromise, affiliationChanged, superseded,
	// cessationOfOperation or privilegeWithdrawn. CRL and OCSP tell it.
	Reason string
}

// Resource names what the call is about, for the log.
func (in *CancelCertificateForPackageRequestInput) Resource() string {
	return orderResource(in.OrderId)
}

// CancelCertificateForPackageRequest revokes the certificate of an issued order.
// OCSP says so at once and the CRL within a minute. The unit of quota comes back
// if the certificate was issued at most 30 days ago (--refund-window), once.
//
// An order that was withdrawn (payed) is cancelled instead: it is gone, and its
// unit comes back, as by DeleteCertificateRequest.
//
// Errors: MissingParameter, InvalidParameter (400); NotFoundOrder (404);
// OrderStateError (403) in any other state, so also when it is revoked already.
func (s *Service) CancelCertificateForPackageRequest(ctx context.Context, caller chancery.Caller, in *CancelCertificateForPackageRequestInput) (*Done, error) {
	reason, err := chancery.ParseReason(in.Reason)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = s.Store.Write(ctx, func(tx chancery.Tx) error {
		o, err := order(tx, caller, in.OrderId)
		if err != nil {
			return err
		}
		if o.State == chancery.Payed {
			if err := move(tx, &o, chancery.Removed); err != nil {
				return err
			}
			return tx.ReturnUnit(o.AccountID, o.ID, now)
		}
		if err := Revoke(tx, o, Revocation{At: now, Reason: reason, RefundWindow: s.RefundWindow}); err != nil {
			return err
		}
		failpoint.Hit("revoke.before-commit")
		return nil
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("revoke.committed")
	s.Wake()
	return &Done{}, nil
}
