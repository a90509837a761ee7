package cas

import (
	"cmp"
	"context"
	"strings"

	"chancery"
)

// UpdateCompanyInput is what UpdateCompany takes.
type UpdateCompanyInput struct {
	// The company, as CreateCompany answered it.
	CompanyId int64 `api:"required"`
	// The name, as certificates shall carry it; up to 256 characters.
	CompanyName string `api:"required"`
	// The kind of company, a number from 1.
	CompanyType int64 `api:"required"`
	// The registration number, up to 64 characters.
	CompanyCode string `api:"required"`
	// The phone number, in any form, up to 64 characters.
	CompanyPhone string `api:"required"`
	// The e-mail address. Default unchanged.
	CompanyEmail string
	// The street address, up to 256 characters.
	CompanyAddress string `api:"required"`
	// The post code, up to 64 characters.
	PostCode string `api:"required"`
	// The country, two letters.
	CountryCode string `api:"required"`
	// The province, up to 128 characters.
	Province string `api:"required"`
	// The city, up to 128 characters.
	City string `api:"required"`
	// The department, up to 256 characters. Default unchanged.
	Department string
	// The language to write to it in, up to 64 characters. Default unchanged.
	Lang string
}

// Resource names what the call is about, for the log.
func (in *UpdateCompanyInput) Resource() string { return companyResource(in.CompanyId) }

// UpdateCompany changes what is on file about a company. Orders keep the name
// that they were made with.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404).
func (s *Service) UpdateCompany(ctx context.Context, caller chancery.Caller, in *UpdateCompanyInput) (*CompanyIDOutput, error) {
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		old, err := tx.Company(caller.AccountID, in.CompanyId)
		if err != nil {
			return notFound(err, "company", in.CompanyId)
		}
		company := chancery.Company{
			ID: old.ID, AccountID: old.AccountID, Name: in.CompanyName, Type: in.CompanyType, Code: in.CompanyCode,
			Phone: in.CompanyPhone, Email: cmp.Or(in.CompanyEmail, old.Email), Address: in.CompanyAddress, PostCode: in.PostCode,
			Country: strings.ToUpper(in.CountryCode), Province: in.Province, City: in.City,
			Department: cmp.Or(in.Department, old.Department), Lang: cmp.Or(in.Lang, old.Lang), CreatedAt: old.CreatedAt,
		}
		if err := company.Check(); err != nil {
			return err
		}
		return tx.UpdateCompany(company)
	})
	if err != nil {
		return nil, err
	}
	return &CompanyIDOutput{CompanyId: in.CompanyId}, nil
}
