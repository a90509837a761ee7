package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chancery"
	"chancery/admin"
)

type accountsData struct {
	Form     *form
	Accounts []admin.Account
	Total    int
	Paging   paging
	Mine     chancery.AccountID
	MayMake  bool
}

func listAccounts(p *page) error { return p.accounts(p.form()) }

func (p *page) accounts(f *form) error {
	var all []admin.Account
	if err := p.instruct("account.list", admin.Nothing{}, &all); err != nil {
		return err
	}
	total := len(all)
	if q := strings.ToLower(strings.TrimSpace(p.r.URL.Query().Get("q"))); q != "" {
		all = slices.DeleteFunc(all, func(a admin.Account) bool {
			return !strings.Contains(strings.ToLower(a.Name), q) && !strings.Contains(strconv.FormatInt(int64(a.ID), 10), q)
		})
	}
	shown, strip := pageOf(p, all)
	return p.render("accounts", accountsData{f, shown, total, strip, p.account.ID, p.mayDo("chancery:account.create")})
}

func createAccount(p *page) error {
	const most = 64
	f := p.form()
	name := strings.TrimSpace(f.Get("name"))
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	if name == "" || utf8.RuneCountInString(name) > most || strings.ContainsFunc(name, odd) || !utf8.ValidString(name) {
		f.Wrong("name", p.t("accounts.wrongName", most))
		p.status = 422
		return p.accounts(f)
	}
	var made admin.Account
	if err := p.instruct("account.create", admin.NewAccount{Name: name}, &made); err != nil {
		return err
	}
	p.flash("accounts.made", name)
	return p.redirect("operator/accounts/%d", made.ID)
}

type accountData struct {
	admin.Account
	Form     *form
	Mine     bool
	Plans    []admin.Plan
	Denied   bool
	Products chancery.Catalogue
	Now      time.Time

	MayGrant, MaySet, MayKey bool
}

func showAccount(p *page) error { return p.oneAccount(p.form()) }

// oneAccount shows the account of the path.
func (p *page) oneAccount(f *form) error {
	id, err := p.number()
	if err != nil {
		return err
	}
	var all []admin.Account
	if err := p.instruct("account.list", admin.Nothing{}, &all); err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a admin.Account) bool { return int64(a.ID) == id })
	if i < 0 {
		return chancery.Errorf(chancery.NotFound, "there is no account %d", id)
	}
	data := accountData{
		Account: all[i], Form: f, Mine: all[i].ID == p.account.ID, Products: p.console.Catalogue, Now: p.console.Clock.Now(),
		MayGrant: p.mayDo("chancery:plan.grant"), MaySet: p.mayDo("chancery:account.operator"), MayKey: p.mayDo("chancery:accesskey.create"),
	}
	data.Denied, err = partly(p.instruct("plan.list", admin.AccountName{ID: data.ID}, &data.Plans))
	if err != nil {
		return err
	}
	slices.Reverse(data.Plans)
	return p.render("account", data)
}

func grantPlan(p *page) error {
	id, err := p.number()
	if err != nil {
		return err
	}
	f := p.form()
	in := admin.Grant{AccountID: chancery.AccountID(id), ProductCode: f.Get("product")}
	if in.Count, err = strconv.ParseInt(strings.TrimSpace(f.Get("count")), 10, 64); err != nil || in.Count < 1 || in.Count > chancery.MaxGrant {
		f.Wrong("count", p.t("accounts.wrongCount", chancery.MaxGrant))
	}
	if text := strings.TrimSpace(f.Get("until")); text != "" {
		day, err := time.Parse(time.DateOnly, text)
		end := day.AddDate(0, 0, 1) // the last day is part of it
		if err != nil || !end.After(p.console.Clock.Now()) {
			f.Wrong("until", p.t("accounts.wrongUntil"))
		}
		in.ExpiresAt = &end
	}
	if _, err := p.console.Catalogue.Find(in.ProductCode); err != nil {
		f.Wrong("product", p.t("accounts.wrongProduct"))
	}
	if f.OK() {
		var plan admin.Plan
		err := p.instruct("plan.grant", in, &plan)
		if err == nil {
			p.flash("accounts.grantedUnits", plan.Total, plan.ProductCode)
			return p.redirect("operator/accounts/%d", id)
		}
		if err := p.refuse(f, err); err != nil {
			return err
		}
	}
	p.status = 422
	return p.oneAccount(f)
}

func setOperator(p *page) error {
	id, err := p.number()
	if err != nil {
		return err
	}
	in := admin.Operator{AccountID: chancery.AccountID(id), Operator: p.r.PostFormValue("operator") == "on"}
	if in.AccountID == p.account.ID {
		p.warn(p.t("accounts.notMine"))
		return p.redirect("operator/accounts/%d", id)
	}
	var now admin.Account
	if err := p.instruct("account.operator", in, &now); err != nil {
		return err
	}
	if in.Operator {
		p.flash("accounts.isOperator")
	} else {
		p.flash("accounts.isNone")
	}
	return p.redirect("operator/accounts/%d", id)
}

// keyData is an access key with its secret, which is on the page that answers the form
// and nowhere else.
type keyData struct {
	admin.AccessKey
	Back, BackName string
}

func createAccountKey(p *page) error {
	id, err := p.number()
	if err != nil {
		return err
	}
	var made admin.AccessKey
	if err := p.instruct("accesskey.create", admin.NewAccessKey{AccountID: chancery.AccountID(id)}, &made); err != nil {
		return err
	}
	return p.render("key", keyData{made, fmt.Sprintf("%soperator/accounts/%d", Root, id), p.t("accounts.title")})
}
