package cas

import (
	"context"
	"crypto"
	"runtime"
	"strings"

	"chancery"
)

// CreateCsrInput is what CreateCsr takes.
type CreateCsrInput struct {
	// RSA or ECC. SM2 is not offered.
	Algorithm string `api:"required"`
	// 2048, 3072 or 4096 for RSA, 256 for ECC.
	KeySize int64 `api:"required"`
	// The domain name, perhaps a wildcard, up to 64 characters. Upper case and
	// international names are settled to lower-case A-labels.
	CommonName string `api:"required"`
	// The country, two letters.
	CountryCode string `api:"required"`
	// The province or state, up to 128 characters.
	Province string `api:"required"`
	// The city, up to 128 characters.
	Locality string `api:"required"`
	// The company, up to 64 characters.
	CorpName string
	// The department, up to 64 characters.
	Department string
	// Further domain names, separated by commas; with the common name at most 100.
	Sans string
	// What to call it: up to 50 letters, digits, '_', '-' and '.'. Default csr- and
	// the id.
	Name string
}

// CreateCsrOutput is what CreateCsr answers.
type CreateCsrOutput struct {
	// The CSR, for GetCsrDetail and the like.
	CsrId int64
	// The request, PKCS #10 in PEM.
	Csr string
}

// Resource names what the call made, for the log.
func (o *CreateCsrOutput) Resource() string { return csrResource(o.CsrId) }

// CreateCsr makes a private key and a certificate signing request with it, and
// keeps both in the account's CSR store; GetCsrDetail gives the key. An
// application with this CSR gets a certificate with its key. The common name is
// also the first alternative name. An RSA key of 4096 bits may take seconds to
// make.
//
// Errors: MissingParameter, InvalidParameter (400); CreateCsrFailed (400) when
// key or request could not be made; ServiceUnavailable (503) when the call ended
// while others' keys were being made.
func (s *Service) CreateCsr(ctx context.Context, caller chancery.Caller, in *CreateCsrInput) (*CreateCsrOutput, error) {
	subject := chancery.CSRSubject{
		Country: strings.ToUpper(in.CountryCode), Province: in.Province, Locality: in.Locality,
		CorpName: in.CorpName, Department: in.Department,
	}
	if err := subject.Check(); err != nil {
		return nil, err
	}
	if err := chancery.CheckCSRName(in.Name); err != nil {
		return nil, err
	}
	names, err := chancery.ParseCSRNames(in.CommonName, in.Sans)
	if err != nil {
		return nil, err
	}
	algorithm, err := chancery.ParseKeyAlgorithm(in.Algorithm, in.KeySize)
	if err != nil {
		return nil, err
	}
	key, err := makeKey(ctx, algorithm)
	if err != nil {
		return nil, err
	}
	made, err := chancery.NewStoredCSR(key, names, subject)
	if err != nil {
		return nil, &chancery.Error{Code: chancery.CreateCsrFailed, Message: "the request could not be made", Err: err}
	}
	made = s.newCSR(caller, made, in.Name)
	caller.Concerns(csrResource(int64(made.ID)))
	err = s.Store.Write(ctx, func(tx chancery.Tx) error { return tx.AddCSR(made) })
	if err != nil {
		return nil, err
	}
	return &CreateCsrOutput{CsrId: int64(made.ID), Csr: made.PEM}, nil
}

// makers leaves processors to other requests: an RSA key takes one for 130 ms to
// seconds. It is a queue on purpose, since the caller waits for the key.
var makers = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

func makeKey(ctx context.Context, algorithm chancery.KeyAlgorithm) (crypto.Signer, error) {
	select {
	case makers <- struct{}{}:
		defer func() { <-makers }()
	case <-ctx.Done():
		return nil, &chancery.Error{Code: chancery.ServiceUnavailable, Message: "other keys are being made; try again", Err: ctx.Err()}
	}
	key, err := chancery.GenerateKey(algorithm)
	if err != nil {
		return nil, &chancery.Error{Code: chancery.CreateCsrFailed, Message: "the key could not be made", Err: err}
	}
	return key, nil
}
