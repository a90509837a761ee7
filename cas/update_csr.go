package cas

import (
	"context"

	"chancery"
)

// UpdateCsrInput is what UpdateCsr takes.
type UpdateCsrInput struct {
	// The CSR, as UploadCsr answered it.
	CsrId int64 `api:"required"`
	// Its private key in PEM: PKCS #1, SEC 1 or PKCS #8, not encrypted.
	Key string `api:"required"`
}

// Resource names what the call is about, for the log.
func (in *UpdateCsrInput) Resource() string { return csrResource(in.CsrId) }

// UpdateCsr adds the private key to a CSR that was uploaded without it. Orders
// that were made with the CSR before that do not get the key.
//
// Errors: MissingParameter, InvalidParameter (400), also for a key that is not
// that of the CSR; NotFound (404); CertificatePrivateKey.Existed (400) when the
// CSR has its key.
func (s *Service) UpdateCsr(ctx context.Context, caller chancery.Caller, in *UpdateCsrInput) (*Done, error) {
	key, err := chancery.ParsePrivateKey(in.Key)
	if err != nil {
		return nil, err
	}
	err = s.Store.Write(ctx, func(tx chancery.Tx) error {
		csr, err := tx.CSR(caller.AccountID, chancery.CSRID(in.CsrId))
		if err != nil {
			return notFound(err, "CSR", in.CsrId)
		}
		if csr.HasKey {
			return chancery.Errorf(chancery.KeyExisted, "CSR %d has its private key already", in.CsrId)
		}
		if err := csr.GiveKey(key); err != nil {
			return err
		}
		return tx.UpdateCSR(csr)
	})
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}
