package console

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/console/login"
)

// signInForm is what the page of signing in shows.
type signInForm struct {
	ByPassword         bool
	Next               string // where to go then
	Key, Account, User string
	Refused, OnlyOne   bool
	TooMany            bool
}

func showSignIn(p *page) error {
	next := localPath(p.r.URL.Query().Get("next"))
	if p.session != nil {
		return p.redirect("%s", strings.TrimPrefix(next, Root))
	}
	return p.render("sign-in", signInForm{Next: next, ByPassword: p.r.URL.Query().Get("by") == "password"})
}

// applicant is who says they are somebody, and whether that is so.
type applicant struct {
	known   bool
	session chancery.ConsoleSession
	name    string // what attempts are counted under
}

// signIn takes an access key pair, or a user's password. Whatever is wrong, the answer
// is the same, and takes as long.
func signIn(p *page) error {
	form := signInForm{
		ByPassword: p.r.PostFormValue("by") == "password", Next: localPath(p.r.PostFormValue("next")),
		Key: trimmed(p, "key"), Account: trimmed(p, "account"), User: trimmed(p, "user"),
	}
	who, err := p.find(form)
	if err != nil {
		return err
	}
	err = p.attempt(who.name)
	if errors.Is(err, errTooMany) {
		p.status, form.TooMany = http.StatusTooManyRequests, true
		return errors.Join(p.audit(who, "Throttled"), p.render("sign-in", form))
	}
	if err != nil {
		return err
	}
	secret := chancery.NewSecret([]byte(p.r.PostFormValue("secret")))
	good, totp, err := p.proves(who, form, secret)
	if err != nil {
		return err
	}
	if !good {
		p.status, form.Refused = http.StatusForbidden, true
		return errors.Join(p.audit(who, "SignInRefused"), p.render("sign-in", form))
	}
	who.session.Pending = totp
	return p.enter(who, form.Next)
}

func trimmed(p *page, field string) string {
	const most = 256
	text := strings.TrimSpace(p.r.PostFormValue(field))
	return text[:min(len(text), most)]
}

// find finds who a form speaks of, without telling whether there is such a one.
func (p *page) find(form signInForm) (who applicant, err error) {
	who.name = "key " + form.Key
	if form.ByPassword {
		who.name = "user " + form.Account + " " + form.User
	}
	err = p.console.Store.Read(p.r.Context(), func(tx chancery.Tx) error {
		if !form.ByPassword {
			key, err := tx.AccessKey(form.Key)
			who.session = chancery.ConsoleSession{AccountID: key.AccountID, UserID: key.UserID, AccessKeyID: key.ID}
			who.known = err == nil && !key.Disabled
			return err
		}
		account, err := accountNamed(tx, form.Account)
		if err != nil {
			return err
		}
		user, err := tx.User(account, form.User)
		who.session = chancery.ConsoleSession{AccountID: account, UserID: user.ID}
		if who.known = err == nil; who.known {
			who.name = userName(who.session)
		}
		return err
	})
	if errors.Is(err, chancery.ErrNotFound) {
		err = nil
	}
	return who, err
}

// userName is what attempts at a user's password are counted under.
func userName(s chancery.ConsoleSession) string {
	return fmt.Sprintf("user %d %d", s.AccountID, s.UserID)
}

// accountNamed finds an account by its uid, by a name that no other has, or the only
// one there is when nothing is given.
func accountNamed(tx chancery.Tx, text string) (chancery.AccountID, error) {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		_, err := tx.Account(chancery.AccountID(id))
		return chancery.AccountID(id), err
	}
	accounts, err := tx.Accounts()
	if err != nil {
		return 0, err
	}
	var found []chancery.AccountID
	for _, a := range accounts {
		if text == "" || strings.EqualFold(a.Name, text) {
			found = append(found, a.ID)
		}
	}
	if len(found) != 1 {
		return 0, chancery.ErrNotFound
	}
	return found[0], nil
}

// proves compares a secret with what is stored, in constant time, also where nothing is.
func (p *page) proves(who applicant, form signInForm, secret chancery.Secret) (good, totp bool, err error) {
	if !form.ByPassword {
		want := []byte(strings.Repeat("x", 30)) // like the secret of a key
		if who.known {
			err = p.console.Store.Read(p.r.Context(), func(tx chancery.Tx) error {
				key, err := tx.AccessKey(who.session.AccessKeyID)
				want = key.Secret.Reveal()
				return err
			})
		}
		return subtle.ConstantTimeCompare(want, secret.Reveal()) == 1 && who.known && err == nil, false, err
	}
	var stored chancery.ConsoleLogin
	if who.known {
		err = p.console.Store.Read(p.r.Context(), func(tx chancery.Tx) (err error) {
			stored, err = tx.ConsoleLogin(who.session.AccountID, who.session.UserID)
			return err
		})
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return false, false, err
		}
	}
	return login.Matches(stored.Hash, secret), !stored.TOTP.Empty(), nil
}

// enter begins the session of who proved to be somebody, or its first half.
func (p *page) enter(who applicant, next string) error {
	var secret string
	err := p.console.Store.Write(p.r.Context(), func(tx chancery.Tx) (err error) {
		if secret, err = p.begin(tx, who.session); err != nil {
			return err
		}
		if who.session.Pending {
			return nil
		}
		if err := p.succeeded(tx, who.name); err != nil {
			return err
		}
		return p.auditIn(tx, who.session, "")
	})
	if err != nil {
		return fmt.Errorf("beginning a session: %w", err)
	}
	p.setCookie(p.sessionCookie(), secret)
	if who.session.Pending {
		return p.redirect("sign-in/code?%s", url.Values{"next": {next}}.Encode())
	}
	p.clearCookie(p.visitCookie())
	p.console.Log.Info("signed in to the console", "request", p.id, "account", who.session.AccountID, "user", who.session.UserID,
		"access_key", who.session.AccessKeyID, "from", p.visitor.Address.String())
	return p.redirect("%s", strings.TrimPrefix(next, Root))
}

// audit leaves a line of somebody known who was not let in.
func (p *page) audit(who applicant, code chancery.Code) error {
	if who.session.AccountID == 0 {
		return nil
	}
	return p.console.Store.Write(p.r.Context(), func(tx chancery.Tx) error { return p.auditIn(tx, who.session, code) })
}

func (p *page) auditIn(tx chancery.Tx, s chancery.ConsoleSession, code chancery.Code) error {
	principal := chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: s.AccountID}
	if s.UserID != 0 {
		user, err := tx.UserOfID(s.AccountID, s.UserID)
		if err != nil {
			return err
		}
		principal = user.Principal()
	}
	return tx.AppendAudit(chancery.AuditLine{
		AccountID: s.AccountID, At: p.console.Clock.Now(), RequestID: p.id, Principal: principal.ARN(), AccessKeyID: s.AccessKeyID,
		Address: p.visitor.Address.String(), Action: admin.Action("SignIn"), Code: code,
	})
}

// codeTime is how long a password waits for its code.
const codeTime = 5 * time.Minute

// signOut ends the session.
func signOut(p *page) error {
	err := p.console.Store.Write(p.r.Context(), func(tx chancery.Tx) error {
		return tx.DeleteConsoleSession(p.session.AccountID, p.session.IDHash)
	})
	if err != nil && !errors.Is(err, chancery.ErrNotFound) {
		return err
	}
	p.clearCookie(p.sessionCookie())
	return p.redirect("sign-in")
}
