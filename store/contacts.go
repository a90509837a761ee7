package store

import (
	"fmt"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddContact(c chancery.Contact) error {
	rows, err := t.sql.AddContact(t.ctx, query.AddContactParams{
		ID: c.ID, AccountID: int64(c.AccountID), Name: c.Name, Email: c.Email, Mobile: c.Mobile,
		IDCard: c.IDCard, Webhooks: c.Webhooks, CreatedAt: toMillis(c.CreatedAt),
	})
	return changed("adding a contact", rows, err, chancery.ErrConflict)
}

func (t *tx) Contact(account chancery.AccountID, id int64) (chancery.Contact, error) {
	row, err := t.sql.Contact(t.ctx, query.ContactParams{AccountID: int64(account), ID: id})
	return contactOf(row), found("reading a contact", err)
}

func (t *tx) NewestContact(account chancery.AccountID) (chancery.Contact, error) {
	row, err := t.sql.NewestContact(t.ctx, int64(account))
	return contactOf(row), found("reading the newest contact", err)
}

func (t *tx) UpdateContact(c chancery.Contact) error {
	rows, err := t.sql.UpdateContact(t.ctx, query.UpdateContactParams{
		Name: c.Name, Email: c.Email, Mobile: c.Mobile, IDCard: c.IDCard, Webhooks: c.Webhooks,
		AccountID: int64(c.AccountID), ID: c.ID,
	})
	return changed("writing a contact", rows, err, chancery.ErrNotFound)
}

func (t *tx) DeleteContact(account chancery.AccountID, id int64) error {
	rows, err := t.sql.DeleteContact(t.ctx, query.DeleteContactParams{AccountID: int64(account), ID: id})
	return changed("deleting a contact", rows, err, chancery.ErrNotFound)
}

func (t *tx) ListContacts(account chancery.AccountID, keyword string, page chancery.Page) ([]chancery.Contact, int64, error) {
	size, skip := rangeOf(page)
	pattern := containing(keyword)
	rows, err := t.sql.ListContacts(t.ctx, query.ListContactsParams{
		AccountID: int64(account), Pattern: pattern, Size: size, Skip: skip,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing contacts: %w", err)
	}
	total, err := t.sql.CountContacts(t.ctx, query.CountContactsParams{AccountID: int64(account), Pattern: pattern})
	if err != nil {
		return nil, 0, fmt.Errorf("counting contacts: %w", err)
	}
	return each(rows, contactOf), total, nil
}

func contactOf(row query.Contact) chancery.Contact {
	return chancery.Contact{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), Name: row.Name, Email: row.Email, Mobile: row.Mobile,
		IDCard: row.IDCard, Webhooks: row.Webhooks, CreatedAt: fromMillis(row.CreatedAt),
	}
}

func (t *tx) AddCompany(c chancery.Company) error {
	rows, err := t.sql.AddCompany(t.ctx, query.AddCompanyParams{
		ID: c.ID, AccountID: int64(c.AccountID), Name: c.Name, Type: c.Type, Code: c.Code, Phone: c.Phone, Email: c.Email,
		Address: c.Address, PostCode: c.PostCode, Country: c.Country, Province: c.Province, City: c.City,
		Department: c.Department, Lang: c.Lang, CreatedAt: toMillis(c.CreatedAt),
	})
	return changed("adding a company", rows, err, chancery.ErrConflict)
}

func (t *tx) Company(account chancery.AccountID, id int64) (chancery.Company, error) {
	row, err := t.sql.Company(t.ctx, query.CompanyParams{AccountID: int64(account), ID: id})
	return companyOf(row), found("reading a company", err)
}

func (t *tx) NewestCompany(account chancery.AccountID) (chancery.Company, error) {
	row, err := t.sql.NewestCompany(t.ctx, int64(account))
	return companyOf(row), found("reading the newest company", err)
}

func (t *tx) CompanyNamed(account chancery.AccountID, name string) (chancery.Company, error) {
	row, err := t.sql.CompanyNamed(t.ctx, query.CompanyNamedParams{AccountID: int64(account), Name: name})
	return companyOf(row), found("finding a company by name", err)
}

func (t *tx) UpdateCompany(c chancery.Company) error {
	rows, err := t.sql.UpdateCompany(t.ctx, query.UpdateCompanyParams{
		Name: c.Name, Type: c.Type, Code: c.Code, Phone: c.Phone, Email: c.Email, Address: c.Address, PostCode: c.PostCode,
		Country: c.Country, Province: c.Province, City: c.City, Department: c.Department, Lang: c.Lang,
		AccountID: int64(c.AccountID), ID: c.ID,
	})
	return changed("writing a company", rows, err, chancery.ErrNotFound)
}

func (t *tx) DeleteCompany(account chancery.AccountID, id int64) error {
	rows, err := t.sql.DeleteCompany(t.ctx, query.DeleteCompanyParams{AccountID: int64(account), ID: id})
	return changed("deleting a company", rows, err, chancery.ErrNotFound)
}

func (t *tx) ListCompanies(account chancery.AccountID, filter chancery.CompanyFilter, page chancery.Page) ([]chancery.Company, int64, error) {
	size, skip := rangeOf(page)
	pattern := containing(filter.Keyword)
	rows, err := t.sql.ListCompanies(t.ctx, query.ListCompaniesParams{
		AccountID: int64(account), ID: filter.ID, Pattern: pattern, Size: size, Skip: skip,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing companies: %w", err)
	}
	total, err := t.sql.CountCompanies(t.ctx, query.CountCompaniesParams{AccountID: int64(account), ID: filter.ID, Pattern: pattern})
	if err != nil {
		return nil, 0, fmt.Errorf("counting companies: %w", err)
	}
	return each(rows, companyOf), total, nil
}

func companyOf(row query.Company) chancery.Company {
	return chancery.Company{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), Name: row.Name, Type: row.Type, Code: row.Code,
		Phone: row.Phone, Email: row.Email, Address: row.Address, PostCode: row.PostCode, Country: row.Country,
		Province: row.Province, City: row.City, Department: row.Department, Lang: row.Lang, CreatedAt: fromMillis(row.CreatedAt),
	}
}
