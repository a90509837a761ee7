package cas

import (
	"context"

	"chancery"
)

// GetCompany tells what is on file about a company.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404).
func (s *Service) GetCompany(ctx context.Context, caller chancery.Caller, in *CompanyInput) (*CompanyDetail, error) {
	var company chancery.Company
	err := s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		company, err = tx.Company(caller.AccountID, in.CompanyId)
		return notFound(err, "company", in.CompanyId)
	})
	if err != nil {
		return nil, err
	}
	out := companyDetail(company)
	return &out, nil
}
