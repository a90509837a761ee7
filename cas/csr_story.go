package cas

import (
	"context"
	"time"

	"chancery"
)

// CSRStory is what a page shows of a stored CSR. It holds no key.
type CSRStory struct {
	CSRRow
	PEM       string
	CreatedAt time.Time
	// Orders were made with it: each with its certificate, or 0.
	Orders map[chancery.OrderID]chancery.CertificateID
}

// CSRStory tells everything of a stored CSR but its key.
func (s *Service) CSRStory(ctx context.Context, caller chancery.Caller, in *CSRInput) (*CSRStory, error) {
	out := &CSRStory{}
	err := s.Store.Read(ctx, func(tx chancery.Tx) error {
		csr, err := tx.CSR(caller.AccountID, chancery.CSRID(in.CsrId))
		if err != nil {
			return notFound(err, "CSR", in.CsrId)
		}
		out.CSRRow, out.PEM, out.CreatedAt = csrRow(csr), csr.PEM, csr.CreatedAt
		out.Orders, err = tx.OrdersOfCSR(caller.AccountID, csr.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
