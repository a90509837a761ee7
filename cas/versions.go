package cas

import "chancery"

// Older versions of the product, of which clients still call an operation or
// two. They are mounted beside the current one.
const (
	version20180713 = "2018-07-13"
	version20180813 = "2018-08-13"
)

// APIs are all tables of contents, the current version first.
func (s *Service) APIs() []chancery.API {
	return []chancery.API{s.API(), s.API20180713(), s.API20180813()}
}

// API20180713 has what certd, the deployment action and Terraform's data source
// call.
func (s *Service) API20180713() chancery.API {
	return withRates(chancery.API{Product: "cas", Version: version20180713, RAMCode: "yundun-cert", Region: s.region(), Operations: []chancery.Operation{
		chancery.Bind("CreateUserCertificate", chancery.AccessCreate, "Keep a certificate with its key.", s.CreateUserCertificate),
		chancery.Bind("DescribeUserCertificateList", chancery.AccessList, "List issued and uploaded certificates.", s.DescribeUserCertificateList),
		chancery.Bind("DescribeUserCertificateDetail", chancery.AccessGet, "Get one certificate with its key.", s.DescribeUserCertificateDetail),
		chancery.Bind("DeleteUserCertificate", chancery.AccessDelete, "Delete an uploaded, expired or revoked certificate.", s.DeleteUserCertificate),
	}})
}

// API20180813 has what Terraform's provider calls to change a certificate.
func (s *Service) API20180813() chancery.API {
	return withRates(chancery.API{Product: "cas", Version: version20180813, RAMCode: "yundun-cert", Region: s.region(), Operations: []chancery.Operation{
		chancery.Bind("CreateCertificateName", chancery.AccessUpdate, "Rename a certificate, replace its labels, file it elsewhere.", s.CreateCertificateName),
	}})
}
