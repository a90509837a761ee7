package cas

import (
	"context"

	"chancery"
)

// CreateUserCertificateInput is what CreateUserCertificate takes.
type CreateUserCertificateInput struct {
	// What the account calls the certificate: 1 to 64 characters, unique in the account.
	Name string `api:"required"`
	// The certificate in PEM, alone or with its chain.
	Cert string `api:"required"`
	// Its private key in PEM.
	Key string `api:"required"`
}

// CreateUserCertificateOutput is what CreateUserCertificate answers.
type CreateUserCertificateOutput struct {
	// The certificate.
	CertId int64
}

// Resource names what the call made, for the log.
func (o *CreateUserCertificateOutput) Resource() string { return certificateResource(o.CertId) }

// CreateUserCertificate is the older form of UploadUserCertificate, with the same
// rules.
//
// Errors: as UploadUserCertificate.
func (s *Service) CreateUserCertificate(ctx context.Context, caller chancery.Caller, in *CreateUserCertificateInput) (*CreateUserCertificateOutput, error) {
	out, err := s.UploadUserCertificate(ctx, caller, &UploadUserCertificateInput{Name: in.Name, Cert: in.Cert, Key: in.Key})
	if err != nil {
		return nil, err
	}
	return &CreateUserCertificateOutput{CertId: out.CertId}, nil
}
