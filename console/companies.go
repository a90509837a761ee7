package console

import (
	"strconv"
	"strings"

	"chancery/cas"
)

type companiesData struct {
	*cas.ListCompaniesOutput
	Filter    *form
	MayCreate bool
	Paging    paging
}

func listCompanies(p *page) error {
	f := p.form()
	list, err := call[cas.ListCompaniesOutput](p, "ListCompanies", cas.ListCompaniesInput{Keyword: strings.TrimSpace(f.Get("q")), CurrentPage: p.pageNumber(), ShowSize: pageSize})
	if err != nil {
		return err
	}
	return p.render("companies", companiesData{list, f, p.mayDo("yundun-cert:CreateCompany"), p.paging(list.TotalCount)})
}

// companyForm is the form of a company, new or not.
type companyForm struct {
	Form      *form
	ID        int64 // 0: it is new
	Name      string
	MayDelete bool
}

// companyFields are the parameters that the form has.
var companyFields = []string{
	"CompanyName", "CompanyType", "CompanyCode", "CompanyPhone", "CompanyEmail", "CompanyAddress", "PostCode", "CountryCode", "Province", "City",
	"Department", "Lang",
}

func showNewCompany(p *page) error {
	f := p.form()
	f.values = func(name string) string { return map[string]string{"CompanyType": "1", "Lang": p.lang.tag}[name] }
	return p.render("company", companyForm{Form: f})
}

// companyIn reads the form; id is 0 for a new company.
func (p *page) companyIn(id int64) cas.UpdateCompanyInput {
	kind, _ := strconv.ParseInt(trimmed(p, "CompanyType"), 10, 64) // 0 is refused by the call
	return cas.UpdateCompanyInput{
		CompanyId: id, CompanyName: trimmed(p, "CompanyName"), CompanyType: kind, CompanyCode: trimmed(p, "CompanyCode"),
		CompanyPhone: trimmed(p, "CompanyPhone"), CompanyEmail: trimmed(p, "CompanyEmail"), CompanyAddress: trimmed(p, "CompanyAddress"),
		PostCode: trimmed(p, "PostCode"), CountryCode: trimmed(p, "CountryCode"), Province: trimmed(p, "Province"), City: trimmed(p, "City"),
		Department: trimmed(p, "Department"), Lang: trimmed(p, "Lang"),
	}
}

func createCompany(p *page) error {
	in := p.companyIn(0)
	_, err := call[cas.CompanyIDOutput](p, "CreateCompany", cas.CreateCompanyInput{
		CompanyName: in.CompanyName, CompanyType: in.CompanyType, CompanyCode: in.CompanyCode, CompanyPhone: in.CompanyPhone,
		CompanyEmail: in.CompanyEmail, CompanyAddress: in.CompanyAddress, PostCode: in.PostCode, CountryCode: in.CountryCode,
		Province: in.Province, City: in.City, Department: in.Department, Lang: in.Lang,
	})
	if err != nil {
		f := p.form()
		if err := p.refuse(f, err, companyFields...); err != nil {
			return err
		}
		return p.render("company", companyForm{Form: f})
	}
	p.flash("companies.made", in.CompanyName)
	return p.redirect("companies")
}

func (p *page) company() (*cas.CompanyDetail, error) {
	id, err := p.pathID()
	if err != nil {
		return nil, err
	}
	return call[cas.CompanyDetail](p, "GetCompany", cas.CompanyInput{CompanyId: id})
}

func showCompany(p *page) error {
	c, err := p.company()
	if err != nil {
		return err
	}
	f := p.form()
	f.values = func(name string) string {
		return map[string]string{
			"CompanyName": c.CompanyName, "CompanyType": strconv.FormatInt(c.CompanyType, 10), "CompanyCode": c.CompanyCode, "CompanyPhone": c.CompanyPhone,
			"CompanyEmail": c.CompanyEmail, "CompanyAddress": c.CompanyAddress, "PostCode": c.PostCode, "CountryCode": c.CountryCode,
			"Province": c.Province, "City": c.City, "Department": c.Department, "Lang": c.Lang,
		}[name]
	}
	return p.renderCompany(c, f)
}

func (p *page) renderCompany(c *cas.CompanyDetail, f *form) error {
	return p.render("company", companyForm{f, c.CompanyId, c.CompanyName, p.allows("DeleteCompany", "company", c.CompanyId)})
}

func updateCompany(p *page) error {
	c, err := p.company()
	if err != nil {
		return err
	}
	if _, err := call[cas.CompanyIDOutput](p, "UpdateCompany", p.companyIn(c.CompanyId)); err != nil {
		f := p.form()
		if err := p.refuse(f, err, companyFields...); err != nil {
			return err
		}
		return p.renderCompany(c, f)
	}
	p.flash("companies.changed")
	return p.redirect("companies")
}

func (p *page) companyDeletion(c *cas.CompanyDetail, f *form) error {
	at := Root + "companies/" + strconv.FormatInt(c.CompanyId, 10)
	return p.render("question", question{
		Form: f, Title: p.t("companies.delete"), About: c.CompanyName, Text: p.t("companies.deleteText"), Do: p.t("companies.deleteDo"), Post: at + "/delete", Back: at,
	})
}

func showCompanyDeletion(p *page) error {
	c, err := p.company()
	if err != nil {
		return err
	}
	return p.companyDeletion(c, p.form())
}

func deleteCompany(p *page) error {
	c, err := p.company()
	if err != nil {
		return err
	}
	if _, err := call[cas.Done](p, "DeleteCompany", cas.CompanyInput{CompanyId: c.CompanyId}); err != nil {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		return p.companyDeletion(c, f)
	}
	p.flash("companies.deleted", c.CompanyName)
	return p.redirect("companies")
}
