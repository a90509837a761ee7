package console

import (
	"chancery/admin"
)

type settingsData struct{ Settings []admin.Setting }

func showSettings(p *page) error {
	var data settingsData
	if err := p.instruct("settings.list", admin.Nothing{}, &data.Settings); err != nil {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		p.status = 0 // it was not started as a service: an empty page says so
	}
	return p.render("settings", data)
}

type healthData struct {
	Keyring             *admin.Keyring
	Report              *admin.Report
	MayCount, MayDoctor bool
}

func showHealth(p *page) error { return p.health(healthData{}) }

func (p *page) health(data healthData) error {
	data.MayCount, data.MayDoctor = p.mayDo("chancery:keyring.status"), p.mayDo("chancery:doctor")
	return p.render("health", data)
}

// countKeyring and examineData read much, so they are asked for with a button.
func countKeyring(p *page) error {
	var data healthData
	if err := p.instruct("keyring.status", admin.Nothing{}, &data.Keyring); err != nil {
		return err
	}
	return p.health(data)
}

func examineData(p *page) error {
	var data healthData
	if err := p.instruct("doctor", admin.Nothing{}, &data.Report); err != nil {
		return err
	}
	return p.health(data)
}

type sessionsData struct {
	Form     *form
	Account  string
	Sessions []admin.ConsoleSession
	Accounts []admin.Account
	MayEnd   bool
}

func listSessions(p *page) error {
	f := p.form()
	account := p.accountAsked(f)
	data := sessionsData{Form: f, Account: accountText(account), MayEnd: p.mayDo("chancery:console.sign-out")}
	if f.OK() {
		if err := p.instruct("console.sessions", admin.AccountName{ID: account}, &data.Sessions); err != nil {
			if err := p.refuse(f, err); err != nil {
				return err
			}
			f.Wrong("account", f.Error)
			f.Error = ""
		}
	}
	if _, err := partly(p.instruct("account.list", admin.Nothing{}, &data.Accounts)); err != nil {
		return err
	}
	const most = 200
	data.Accounts = data.Accounts[:min(len(data.Accounts), most)]
	return p.render("sessions", data)
}

func endSession(p *page) error {
	f := p.form()
	in := admin.SignOut{AccountID: p.accountAsked(f), ID: f.Get("session")}
	if in.ID == "" || !f.OK() {
		return p.redirect("operator/sessions")
	}
	var ended []admin.ConsoleSession
	if err := p.instruct("console.sign-out", in, &ended); err != nil {
		if err := p.refuse(f, err); err != nil {
			return err
		}
		p.status = 0
		p.warn(f.Error)
	} else {
		p.flash("sessions.ended", len(ended))
	}
	return p.redirect("operator/sessions?account=%d", in.AccountID)
}
