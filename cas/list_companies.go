package cas

import (
	"cmp"
	"context"

	"chancery"
)

// ListCompaniesInput is what ListCompanies takes.
type ListCompaniesInput struct {
	// Only this company.
	CompanyId int64
	// Only companies that have this in their name or registration number, in upper
	// or lower case; up to 256 characters.
	Keyword string
	// The page, from 1. Default 1.
	CurrentPage int64
	// Rows of a page, at most 100; more are taken as 100. Default 10.
	ShowSize int64
}

// ListCompaniesOutput is what ListCompanies answers.
type ListCompaniesOutput struct {
	// The page's companies, the newest first.
	CompanyList []CompanyDetail
	// The page.
	CurrentPage int64
	// Rows of a page.
	ShowSize int64
	// Companies on all pages.
	TotalCount int64
}

const companiesOnPage = 10

// ListCompanies lists the account's companies, a page at a time. The newest is
// that of OV applications that name none.
//
// Errors: InvalidParameter (400).
func (s *Service) ListCompanies(ctx context.Context, caller chancery.Caller, in *ListCompaniesInput) (*ListCompaniesOutput, error) {
	asked, err := page(in.CurrentPage, cmp.Or(in.ShowSize, companiesOnPage))
	if err := cmp.Or(err, chancery.CheckText("Keyword", in.Keyword, maxKeyword)); err != nil {
		return nil, err
	}
	out := &ListCompaniesOutput{CurrentPage: asked.Number, ShowSize: asked.Size}
	filter := chancery.CompanyFilter{ID: in.CompanyId, Keyword: in.Keyword}
	err = s.Store.Read(ctx, func(tx chancery.Tx) error {
		list, total, err := tx.ListCompanies(caller.AccountID, filter, asked)
		out.CompanyList, out.TotalCount = rows(list, companyDetail), total
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
