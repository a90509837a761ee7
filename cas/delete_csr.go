package cas

import (
	"context"

	"chancery"
)

// DeleteCsr deletes a stored CSR with its private key. Certificates that have the
// key keep it.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404);
// InvalidStatus.DeleteProtection (400) while the certificate of an open order
// will get the key.
func (s *Service) DeleteCsr(ctx context.Context, caller chancery.Caller, in *CSRInput) (*Done, error) {
	id := chancery.CSRID(in.CsrId)
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		awaited, err := tx.CSRAwaited(caller.AccountID, id)
		if err != nil {
			return err
		}
		if awaited {
			return chancery.Errorf(chancery.DeleteProtection, "CSR %d: an open order waits for its private key; withdraw the order or wait for its certificate", in.CsrId)
		}
		return notFound(tx.DeleteCSR(caller.AccountID, id), "CSR", in.CsrId)
	})
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}
