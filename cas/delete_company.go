package cas

import (
	"context"

	"chancery"
)

// DeleteCompany deletes a company. Orders keep the name that they were made with.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404).
func (s *Service) DeleteCompany(ctx context.Context, caller chancery.Caller, in *CompanyInput) (*Done, error) {
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		return notFound(tx.DeleteCompany(caller.AccountID, in.CompanyId), "company", in.CompanyId)
	})
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}
