package cas

import (
	"context"

	"chancery"
)

// DescribeUserCertificateListInput is what DescribeUserCertificateList takes.
type DescribeUserCertificateListInput struct {
	// The page, counted from 1. Default 1.
	CurrentPage int64
	// Rows of a page, at most 100. Default 50.
	ShowSize int64
}

// DescribeUserCertificateListOutput is what DescribeUserCertificateList answers.
type DescribeUserCertificateListOutput struct {
	// How many there are on all pages.
	TotalCount int64
	// The page.
	CurrentPage int64
	// Rows of a full page.
	ShowSize int64
	// The rows, newest first. Their names are in lower case on the wire, as noted.
	CertificateList []ListedCertificate
}

// ListedCertificate is a row, whose fields this version writes with a small
// first letter.
type ListedCertificate struct {
	// The certificate.
	Id int64 `json:"id" xml:"id"`
	// What the account calls it.
	Name string `json:"name" xml:"name"`
	// The subject's common name.
	Common string `json:"common" xml:"common"`
	// The alternative names, separated by commas.
	Sans string `json:"sans" xml:"sans"`
	// The subject's organisation, often empty.
	OrgName string `json:"orgName" xml:"orgName"`
	// The subject's country, often empty.
	Country string `json:"country" xml:"country"`
	// The subject's province, often empty.
	Province string `json:"province" xml:"province"`
	// The subject's city, often empty.
	City string `json:"city" xml:"city"`
	// The issuer's organisation, or its common name.
	Issuer string `json:"issuer" xml:"issuer"`
	// SHA-1 of the DER, 40 upper-case hex digits.
	Fingerprint string `json:"fingerprint" xml:"fingerprint"`
	// The first day, YYYY-MM-DD in UTC.
	StartDate string `json:"startDate" xml:"startDate"`
	// The last day, YYYY-MM-DD in UTC.
	EndDate string `json:"endDate" xml:"endDate"`
	// Whether it has ended.
	Expired bool `json:"expired" xml:"expired"`
	// True if it was issued here, false if it was uploaded.
	BuyInAliyun bool `json:"buyInAliyun" xml:"buyInAliyun"`
}

// DescribeUserCertificateList lists issued and uploaded certificates, newest
// first, also those that have ended; not the revoked ones.
//
// Errors: InvalidParameter (400).
func (s *Service) DescribeUserCertificateList(ctx context.Context, caller chancery.Caller, in *DescribeUserCertificateListInput) (*DescribeUserCertificateListOutput, error) {
	asked, err := page(in.CurrentPage, in.ShowSize)
	if err != nil {
		return nil, err
	}
	filter := chancery.ListFilter{
		Kinds:    []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded},
		Statuses: []chancery.CertificateStatus{chancery.StatusIssued, chancery.StatusWillExpire, chancery.StatusExpired},
	}
	out := &DescribeUserCertificateListOutput{CurrentPage: asked.Number, ShowSize: asked.Size}
	err = s.list(ctx, caller.AccountID, filter, asked, func(tx chancery.Tx, entries []chancery.Listed, total int64) error {
		out.TotalCount, out.CertificateList = total, []ListedCertificate{}
		for _, entry := range entries {
			row, err := s.certificateRow(tx, caller.AccountID, entry)
			if err != nil {
				return err
			}
			out.CertificateList = append(out.CertificateList, ListedCertificate{
				Id: row.CertificateId, Name: row.Name, Common: row.CommonName, Sans: row.Sans, OrgName: row.OrgName,
				Country: row.Country, Province: row.Province, City: row.City, Issuer: row.Issuer, Fingerprint: row.Fingerprint,
				StartDate: row.StartDate, EndDate: row.EndDate, Expired: row.Expired, BuyInAliyun: !row.Upload,
			})
		}
		return nil
	})
	return out, err
}
