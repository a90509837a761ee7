package console

import (
	"errors"
	"net/http"

	"chancery"
)

// welcomeForm is what the page of a link that signs in shows.
type welcomeForm struct {
	Token string
	Over  bool // the link was used, or is too old
}

// showWelcome asks with a button: programs that look at links before people do must
// not use it up.
func showWelcome(p *page) error {
	return p.render("welcome", welcomeForm{Token: p.r.URL.Query().Get("token")})
}

// welcome signs in who has a link, once.
func welcome(p *page) error {
	if err := p.attempt("link " + p.visitor.Address.String()); errors.Is(err, errTooMany) {
		p.status = http.StatusTooManyRequests
		return p.render("welcome", welcomeForm{Over: true})
	} else if err != nil {
		return err
	}
	var who applicant
	err := p.console.Store.Write(p.r.Context(), func(tx chancery.Tx) error {
		link, err := tx.TakeConsoleLink(chancery.ConsoleTokenHash(p.r.PostFormValue("token")))
		if err != nil {
			return err
		}
		key, err := tx.AccessKey(link.AccessKeyID)
		if err != nil {
			return err
		}
		if key.Disabled || key.AccountID != link.AccountID || !p.console.Clock.Now().Before(link.ExpiresAt) {
			return chancery.ErrNotFound
		}
		who = applicant{
			known: true, name: "link " + p.visitor.Address.String(),
			session: chancery.ConsoleSession{AccountID: key.AccountID, UserID: key.UserID, AccessKeyID: key.ID},
		}
		return nil
	})
	if errors.Is(err, chancery.ErrNotFound) {
		p.status = http.StatusGone
		return p.render("welcome", welcomeForm{Over: true})
	}
	if err != nil {
		return err
	}
	return p.enter(who, Root)
}
