package cas

import (
	"context"

	"chancery"
)

// CertificateInput names a certificate.
type CertificateInput struct {
	// The certificate.
	CertId int64 `api:"required"`
}

// Resource names what the call is about, for the log.
func (in *CertificateInput) Resource() string { return certificateResource(in.CertId) }

// DeleteUserCertificate deletes an uploaded, expired or revoked certificate with
// its private key. That of an order stays in the order's history: lists and
// details no longer show it, and DescribeCertificateState shows it without key.
// Its unit of quota does not come back.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404);
// InvalidStatus.DeleteProtection for a certificate that is issued and valid (400).
func (s *Service) DeleteUserCertificate(ctx context.Context, caller chancery.Caller, in *CertificateInput) (*Done, error) {
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		c, err := tx.Certificate(caller.AccountID, chancery.CertificateID(in.CertId))
		if err != nil {
			return certificateError(err, in.CertId)
		}
		now := s.Clock.Now()
		if status := c.Status(now); c.OrderID != 0 && status != chancery.StatusExpired && status != chancery.StatusRevoked {
			return chancery.Errorf(chancery.DeleteProtection, "certificate %d was issued here and is valid until %s; revoke it first", c.ID, day(c.NotAfter))
		}
		return tx.DeleteCertificate(c.AccountID, c.ID, now)
	})
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}
