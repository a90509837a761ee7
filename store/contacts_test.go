package store

import (
	"errors"
	"testing"
	"time"

	"chancery"
)

func TestContacts(t *testing.T) {
	s := opened(t)
	ada := chancery.Contact{
		ID: 10, AccountID: 1, Name: "Ada", Email: "ada@example.com", Mobile: "1390000****",
		IDCard: "42", Webhooks: `["https://hook.example.com"]`, CreatedAt: day,
	}
	bob := chancery.Contact{ID: 9, AccountID: 1, Name: "Bob", Mobile: "138", CreatedAt: day.Add(time.Hour)}
	all := chancery.Page{Number: 1, Size: 50}
	write(t, s, func(tx chancery.Tx) error {
		_, err := tx.NewestContact(1)
		is(t, "the newest of none", err, chancery.ErrNotFound)
		is(t, "adding", errors.Join(tx.AddContact(ada), tx.AddContact(bob)), nil)
		is(t, "adding again", tx.AddContact(ada), chancery.ErrConflict)
		got, err := tx.Contact(1, 10)
		is(t, "reading", err, nil)
		same(t, "a contact", got, ada)
		got, err = tx.NewestContact(1)
		is(t, "the newest", err, nil)
		same(t, "the newest", got, bob)

		for keyword, want := range map[string][]chancery.Contact{
			"": {bob, ada}, "ADA": {ada}, "13": {bob, ada}, "_": {}, "%": {}, "****": {ada}, "@Example": {ada},
		} {
			list, total, err := tx.ListContacts(1, keyword, all)
			is(t, "listing", err, nil)
			same(t, "contacts with "+keyword, list, want)
			same(t, "total", total, int64(len(want)))
		}

		ada.Name, ada.Email, ada.Mobile, ada.IDCard, ada.Webhooks = "Eve", "eve@example.com", "1", "43", "[]"
		is(t, "writing", tx.UpdateContact(ada), nil)
		got, err = tx.Contact(1, 10)
		is(t, "reading", err, nil)
		same(t, "a contact", got, ada)

		foreign := ada
		foreign.AccountID = 2
		_, err = tx.Contact(2, 10)
		is(t, "another account's", err, chancery.ErrNotFound)
		is(t, "writing another account's", tx.UpdateContact(foreign), chancery.ErrNotFound)
		is(t, "deleting another account's", tx.DeleteContact(2, 10), chancery.ErrNotFound)
		is(t, "deleting", tx.DeleteContact(1, 10), nil)
		is(t, "deleting again", tx.DeleteContact(1, 10), chancery.ErrNotFound)
		return nil
	})
}

func TestCompanies(t *testing.T) {
	s := opened(t)
	old := chancery.Company{
		ID: 10, AccountID: 1, Name: "Example_1", Type: 2, Code: "9133", Phone: "0571", Email: "a@example.com", Address: "Road 1",
		PostCode: "310000", Country: "CN", Province: "Zhejiang", City: "Hangzhou", Department: "IT", Lang: "zh", CreatedAt: day,
	}
	fresh := old
	fresh.ID, fresh.CreatedAt = 9, day.Add(time.Hour)
	other := old
	other.ID, other.Name, other.Code, other.CreatedAt = 8, "ExampleX1", "A%", day.Add(2*time.Hour)
	all := chancery.Page{Number: 1, Size: 50}
	write(t, s, func(tx chancery.Tx) error {
		_, err := tx.NewestCompany(1)
		is(t, "the newest of none", err, chancery.ErrNotFound)
		is(t, "adding", errors.Join(tx.AddCompany(old), tx.AddCompany(fresh), tx.AddCompany(other)), nil)
		is(t, "adding again", tx.AddCompany(old), chancery.ErrConflict)
		got, err := tx.Company(1, 10)
		is(t, "reading", err, nil)
		same(t, "a company", got, old)
		got, err = tx.NewestCompany(1)
		is(t, "the newest", err, nil)
		same(t, "the newest", got, other)
		got, err = tx.CompanyNamed(1, "Example_1")
		is(t, "finding by name", err, nil)
		same(t, "the newest of the name", got, fresh)
		_, err = tx.CompanyNamed(2, "Example_1")
		is(t, "another account's by name", err, chancery.ErrNotFound)

		for _, tt := range []struct {
			filter chancery.CompanyFilter
			want   []chancery.Company
		}{
			{chancery.CompanyFilter{}, []chancery.Company{other, fresh, old}},
			{chancery.CompanyFilter{ID: 9}, []chancery.Company{fresh}},
			{chancery.CompanyFilter{ID: 7}, []chancery.Company{}},
			{chancery.CompanyFilter{Keyword: "e_1"}, []chancery.Company{fresh, old}},
			{chancery.CompanyFilter{Keyword: "a%"}, []chancery.Company{other}},
		} {
			list, total, err := tx.ListCompanies(1, tt.filter, all)
			is(t, "listing", err, nil)
			same(t, "companies", list, tt.want)
			same(t, "total", total, int64(len(tt.want)))
		}

		changed := fresh
		changed.ID, changed.CreatedAt, changed.Name, changed.Type, changed.Lang = old.ID, old.CreatedAt, "Renamed", 3, "en"
		is(t, "writing", tx.UpdateCompany(changed), nil)
		got, err = tx.Company(1, 10)
		is(t, "reading", err, nil)
		same(t, "a company", got, changed)

		foreign := changed
		foreign.AccountID = 2
		_, err = tx.Company(2, 10)
		is(t, "another account's", err, chancery.ErrNotFound)
		is(t, "writing another account's", tx.UpdateCompany(foreign), chancery.ErrNotFound)
		is(t, "deleting another account's", tx.DeleteCompany(2, 10), chancery.ErrNotFound)
		is(t, "deleting", tx.DeleteCompany(1, 10), nil)
		is(t, "deleting again", tx.DeleteCompany(1, 10), chancery.ErrNotFound)
		return nil
	})
}
