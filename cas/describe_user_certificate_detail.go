package cas

import (
	"context"

	"chancery"
)

// DescribeUserCertificateDetail is the older form of GetUserCertificateDetail,
// always with certificate and key; it has that one's fields.
//
// Errors: as GetUserCertificateDetail.
func (s *Service) DescribeUserCertificateDetail(ctx context.Context, caller chancery.Caller, in *CertificateInput) (*GetUserCertificateDetailOutput, error) {
	return s.GetUserCertificateDetail(ctx, caller, &GetUserCertificateDetailInput{CertId: in.CertId})
}
