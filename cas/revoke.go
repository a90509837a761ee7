package cas

import (
	"time"

	"chancery"
)

// Revocation says how an order's certificate is revoked.
type Revocation struct {
	At     time.Time
	Reason chancery.Reason
	// RefundWindow is how long after its issuance the order gives its unit back.
	RefundWindow time.Duration
}

// Revoke revokes the certificate of an issued order, for its owner and for the
// operator alike: order, certificate, quota, and the step that tells the issuer
// commit together. It is OrderStateError for an order that is not issued.
func Revoke(tx chancery.Tx, o chancery.Order, r Revocation) error {
	if err := move(tx, &o, chancery.Recalled); err != nil {
		return err
	}
	// Also one that its owner deleted here: it may be in use wherever it was copied to.
	certificate, err := tx.CertificateOfOrder(o.AccountID, o.ID)
	if err != nil {
		return err
	}
	certificate.RevokedAt, certificate.RevokeReason = r.At, r.Reason
	if err := tx.UpdateCertificate(certificate); err != nil {
		return err
	}
	if r.At.Before(o.IssuedAt.Add(r.RefundWindow)) {
		if err := tx.ReturnUnit(o.AccountID, o.ID, r.At); err != nil {
			return err
		}
	}
	return tx.AddStep(chancery.Step{Kind: chancery.RevokeOrder, AccountID: o.AccountID, OrderID: o.ID, DueAt: r.At})
}
