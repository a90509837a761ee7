package cas

import (
	"context"

	"chancery"
)

// UploadCsrInput is what UploadCsr takes.
type UploadCsrInput struct {
	// The certificate signing request: PKCS #10 in PEM with an RSA key of 2048 to
	// 8192 bits or an ECDSA key on P-256, P-384 or P-521. Its subject and names may
	// be any.
	Csr string `api:"required"`
	// Its private key in PEM: PKCS #1, SEC 1 or PKCS #8, not encrypted.
	Key string
	// What to call it: up to 50 letters, digits, '_', '-' and '.'. Default csr- and
	// the id.
	Name string
}

// UploadCsr keeps a CSR that was made elsewhere in the account's CSR store, with
// or without its private key. With it, an application with this CSR gets a
// certificate with its key. The key is kept in its traditional form, PKCS #1 or
// SEC 1.
//
// Errors: MissingParameter, InvalidParameter (400), also for a key that is weak,
// or not that of the CSR.
func (s *Service) UploadCsr(ctx context.Context, caller chancery.Caller, in *UploadCsrInput) (*CSROutput, error) {
	if err := chancery.CheckCSRName(in.Name); err != nil {
		return nil, err
	}
	csr, err := chancery.ReadStoredCSR(in.Csr)
	if err != nil {
		return nil, err
	}
	if in.Key != "" {
		key, err := chancery.ParsePrivateKey(in.Key)
		if err != nil {
			return nil, err
		}
		if err := csr.GiveKey(key); err != nil {
			return nil, err
		}
	}
	csr = s.newCSR(caller, csr, in.Name)
	caller.Concerns(csrResource(int64(csr.ID)))
	err = s.Store.Write(ctx, func(tx chancery.Tx) error { return tx.AddCSR(csr) })
	if err != nil {
		return nil, err
	}
	return &CSROutput{CsrId: int64(csr.ID)}, nil
}
