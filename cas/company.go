package cas

import (
	"strconv"

	"chancery"
)

// CompanyInput names a company.
type CompanyInput struct {
	// The company, as CreateCompany answered it.
	CompanyId int64 `api:"required"`
}

// Resource names what the call is about, for the log.
func (in *CompanyInput) Resource() string { return companyResource(in.CompanyId) }

// CompanyIDOutput answers with the id of a company.
type CompanyIDOutput struct {
	// The company, for GetCompany and the like.
	CompanyId int64
}

// Resource names what the call made, for the log.
func (o *CompanyIDOutput) Resource() string { return companyResource(o.CompanyId) }

func companyResource(id int64) string { return "company/" + strconv.FormatInt(id, 10) }

// CompanyDetail is what is told of a company.
type CompanyDetail struct {
	// The company.
	CompanyId int64
	// Its name.
	CompanyName string
	// Its kind, a number of the caller's.
	CompanyType int64
	// Its registration number.
	CompanyCode string
	// Its phone number.
	CompanyPhone string
	// Its e-mail address, perhaps empty.
	CompanyEmail string
	// Its street address.
	CompanyAddress string
	// Its post code.
	PostCode string
	// Its country, two letters.
	CountryCode string
	// Its province.
	Province string
	// Its city.
	City string
	// The department, perhaps empty.
	Department string
	// The language to write to it in, perhaps empty.
	Lang string
}

func companyDetail(c chancery.Company) CompanyDetail {
	return CompanyDetail{
		CompanyId: c.ID, CompanyName: c.Name, CompanyType: c.Type, CompanyCode: c.Code, CompanyPhone: c.Phone,
		CompanyEmail: c.Email, CompanyAddress: c.Address, PostCode: c.PostCode, CountryCode: c.Country, Province: c.Province,
		City: c.City, Department: c.Department, Lang: c.Lang,
	}
}
