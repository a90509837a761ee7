package cas

import (
	"context"

	"chancery"
)

// CreateCertificateWithCsrRequestInput is what CreateCertificateWithCsrRequest takes.
type CreateCertificateWithCsrRequestInput struct {
	// The applicant's name, up to 256 characters.
	Username string `api:"required"`
	// The applicant's phone number, in any form, up to 256 characters.
	Phone string `api:"required"`
	// The applicant's e-mail address, up to 256 characters.
	Email string `api:"required"`
	// The certificate signing request: PKCS #10 in PEM with an RSA key of 2048 to
	// 8192 bits or an ECDSA key on P-256, P-384 or P-521. Its common name is the
	// domain; alternative names other than that are refused.
	Csr string `api:"required"`
	// How control of the domain will be proved: DNS or FILE. A wildcard needs DNS.
	ValidateType string `api:"required"`
	// The product. Default digicert-free-1-free.
	ProductCode string
	// Up to 20 labels: Tags.1.Key, Tags.1.Value and so on.
	Tags []Tag
	// Up to 128 ASCII characters that name this application: sent again within 24
	// hours, it gets the same OrderId and takes no quota.
	ClientToken string
}

// CreateCertificateWithCsrRequest applies for a DV certificate with a CSR that
// the caller made. It works as CreateCertificateRequest does, except that the
// private key never leaves the caller: DescribeCertificateState will have no
// PrivateKey.
//
// Errors: as CreateCertificateRequest; a CSR that cannot be used is
// InvalidParameter with what is wrong in it.
func (s *Service) CreateCertificateWithCsrRequest(ctx context.Context, caller chancery.Caller, in *CreateCertificateWithCsrRequestInput) (*CreateOutput, error) {
	csr, names, err := chancery.ParseCSR(in.Csr, 1)
	if err != nil {
		return nil, err
	}
	return s.apply(ctx, caller, application{
		operation: "CreateCertificateWithCsrRequest", input: *in, clientToken: in.ClientToken,
		productCode: in.ProductCode, names: names, validateType: in.ValidateType, tags: in.Tags, csr: csr,
		applicant: chancery.Applicant{Username: in.Username, Phone: in.Phone, Email: in.Email},
	})
}
