package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"chancery"
	"chancery/console/login"
)

// codeForm is what the page that asks for the code of an authenticator shows.
type codeForm struct {
	Next             string
	Refused, TooMany bool
}

// pending gives the half of a session that waits for its code; nil when there is none.
func (p *page) pending() (*chancery.ConsoleSession, error) {
	secret := p.readCookie(p.sessionCookie())
	if secret == "" || p.session != nil {
		return nil, nil
	}
	s, err := p.console.session(p.r.Context(), secret, &page{})
	if err != nil || s == nil || !s.Pending {
		return nil, err
	}
	return s, nil
}

func showCode(p *page) error {
	half, err := p.pending()
	if err != nil {
		return err
	}
	next := localPath(p.r.URL.Query().Get("next"))
	if half == nil {
		return p.redirect("sign-in?%s", url.Values{"next": {next}}.Encode())
	}
	return p.render("code", codeForm{Next: next})
}

// signInCode takes the code of the second factor, each once.
func signInCode(p *page) error {
	form := codeForm{Next: localPath(p.r.PostFormValue("next"))}
	half, err := p.pending()
	if err != nil {
		return err
	}
	if half == nil {
		return p.redirect("sign-in?%s", url.Values{"next": {form.Next}}.Encode())
	}
	who := applicant{known: true, session: *half, name: codeName(*half)}
	err = p.attempt(who.name)
	if errors.Is(err, errTooMany) {
		p.status, form.TooMany = http.StatusTooManyRequests, true
		return errors.Join(p.audit(who, "Throttled"), p.render("code", form))
	}
	if err != nil {
		return err
	}
	err = p.console.Store.Write(p.r.Context(), func(tx chancery.Tx) error {
		stored, err := tx.ConsoleLogin(half.AccountID, half.UserID)
		if err != nil {
			return err
		}
		step, ok := login.CheckCode(stored.TOTP, trimmed(p, "code"), p.console.Clock.Now())
		if !ok || stored.TOTP.Empty() {
			return chancery.ErrConflict
		}
		return tx.UseConsoleCode(half.AccountID, half.UserID, step)
	})
	if errors.Is(err, chancery.ErrConflict) {
		p.status, form.Refused = http.StatusForbidden, true
		return errors.Join(p.audit(who, "SignInRefused"), p.render("code", form))
	}
	if err != nil {
		return err
	}
	who.session.Pending = false
	return p.enter(who, form.Next)
}

// codeName is what attempts at a code are counted under: not under those at the
// password, which a right password would have forgotten.
func codeName(s chancery.ConsoleSession) string {
	return fmt.Sprintf("code %d %d", s.AccountID, s.UserID)
}
