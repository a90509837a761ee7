package cas

import (
	"context"

	"chancery"
)

// GetCsrDetailOutput is what GetCsrDetail answers.
type GetCsrDetailOutput struct {
	// The request, PKCS #10 in PEM.
	Csr string
	// Its private key in PEM, PKCS #1 or SEC 1; absent when the store does
	// not have it, or the caller may not read it.
	PrivateKey string `json:",omitempty" xml:",omitempty"`
}

// RevealsKey implements chancery.KeyHolder.
func (o *GetCsrDetailOutput) RevealsKey() bool { return o.PrivateKey != "" }

// KeyResources implements chancery.KeyHolder: the CSR is the call's own, and the
// call has told which orders it is of.
func (o *GetCsrDetailOutput) KeyResources() []string { return nil }

// WithholdKey implements chancery.KeyHolder.
func (o *GetCsrDetailOutput) WithholdKey() { o.PrivateKey = "" }

// GetCsrDetail gives a stored CSR and, if the store has it, its private key.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404).
func (s *Service) GetCsrDetail(ctx context.Context, caller chancery.Caller, in *CSRInput) (*GetCsrDetailOutput, error) {
	out := &GetCsrDetailOutput{}
	err := s.Store.Read(ctx, func(tx chancery.Tx) error {
		csr, err := tx.CSRKey(caller.AccountID, chancery.CSRID(in.CsrId))
		if err != nil {
			return notFound(err, "CSR", in.CsrId)
		}
		out.Csr, out.PrivateKey = csr.PEM, string(csr.Key.Reveal())
		return nameSharedKey(tx, caller, csr.ID)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
