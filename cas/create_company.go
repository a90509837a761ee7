package cas

import (
	"context"
	"strings"

	"chancery"
)

// CreateCompanyInput is what CreateCompany takes.
type CreateCompanyInput struct {
	// The name, as certificates shall carry it; up to 256 characters.
	CompanyName string `api:"required"`
	// The kind of company, a number from 1.
	CompanyType int64 `api:"required"`
	// The registration number, up to 64 characters.
	CompanyCode string `api:"required"`
	// The phone number, in any form, up to 64 characters.
	CompanyPhone string `api:"required"`
	// The e-mail address.
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
	// The department, up to 256 characters.
	Department string
	// The language to write to it in, up to 64 characters.
	Lang string `api:"required"`
}

// CreateCompany adds a company: the organisation that OV applications name.
//
// Errors: MissingParameter, InvalidParameter (400).
func (s *Service) CreateCompany(ctx context.Context, caller chancery.Caller, in *CreateCompanyInput) (*CompanyIDOutput, error) {
	company := chancery.Company{
		ID: chancery.NewID(), AccountID: caller.AccountID, Name: in.CompanyName, Type: in.CompanyType, Code: in.CompanyCode,
		Phone: in.CompanyPhone, Email: in.CompanyEmail, Address: in.CompanyAddress, PostCode: in.PostCode,
		Country: strings.ToUpper(in.CountryCode), Province: in.Province, City: in.City, Department: in.Department,
		Lang: in.Lang, CreatedAt: s.Clock.Now(),
	}
	if err := company.Check(); err != nil {
		return nil, err
	}
	caller.Concerns(companyResource(company.ID))
	err := s.Store.Write(ctx, func(tx chancery.Tx) error { return tx.AddCompany(company) })
	if err != nil {
		return nil, err
	}
	return &CompanyIDOutput{CompanyId: company.ID}, nil
}
