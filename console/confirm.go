package console

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"chancery"
	"chancery/console/login"
)

// question is a page that asks before something is done that cannot be taken back:
// templates/question.html. It needs no scripts.
type question struct {
	Form *form
	// Title, Text and Do, the button's, are in the visitor's language; About names what it
	// is about.
	Title, Text, About, Do string
	// Post is the path that does it, Back where one comes from; both from the root.
	Post, Back string
	// Fields go along when it is done.
	Fields []field
}

// field is one of a form.
type field struct{ Name, Value string }

// askField is in a form that is to ask first: what it asks. Scripts ask in its place and
// send the form without it; else askFirst does.
const askField = "ask"

// askFirst shows the question that came with a form, which sends the same form again but
// for the question.
func (p *page) askFirst() error {
	asked := question{
		Form: p.form(), Title: p.t("confirm.sure"), Text: p.r.PostFormValue(askField), Do: p.t("console.yes"), Post: p.r.URL.RequestURI(), Back: p.cameFrom(),
	}
	for _, name := range slices.Sorted(maps.Keys(p.r.PostForm)) {
		if name == askField || name == csrfField {
			continue
		}
		for _, value := range p.r.PostForm[name] {
			asked.Fields = append(asked.Fields, field{name, value})
		}
	}
	return p.render("question", asked)
}

// cameFrom is the page of this console that a form stood on, or the first one.
func (p *page) cameFrom() string {
	from, err := url.Parse(p.r.Referer())
	if err != nil || from.Host != p.r.Host {
		return Root
	}
	return localPath(from.RequestURI())
}

// pathID is the number in the path of a page about one thing; who writes something else
// there gets a page that there is no such thing.
func (p *page) pathID() (int64, error) {
	id, err := strconv.ParseInt(p.r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, chancery.Errorf(chancery.NotFound, "NotFound: %s", p.t("confirm.noSuch"))
	}
	return id, nil
}

// freshFor is how long after somebody proved who they are a private key may be
// downloaded without proving it again.
const freshFor = 5 * time.Minute

// proof is the part of a form that asks again who somebody is: {{template "proof" .Data.Proof}}.
type proof struct {
	Needed   bool
	Form     *form
	Key      string // the access key whose secret is asked for; empty: a password is
	WithCode bool
}

// proof tells what must be asked of who is signed in before a private key is given.
func (p *page) proof(f *form) (proof, error) {
	asked := proof{Form: f, Key: p.session.AccessKeyID}
	age := p.console.Clock.Now().Sub(p.session.CreatedAt)
	asked.Needed = age >= freshFor || age <= -freshFor
	if !asked.Needed || asked.Key != "" {
		return asked, nil
	}
	stored, err := p.login()
	asked.WithCode = !stored.TOTP.Empty()
	return asked, err
}

// login is what the user who is signed in by a password signs in with.
func (p *page) login() (stored chancery.ConsoleLogin, err error) {
	err = p.console.Store.Read(p.r.Context(), func(tx chancery.Tx) (err error) {
		stored, err = tx.ConsoleLogin(p.session.AccountID, p.session.UserID)
		return err
	})
	return stored, err
}

// proveAgain takes the secret, or the password and the code, of who is signed in, and
// begins a new session in place of theirs: what is asked for is what signing in asks for, and
// counts as that, also against guessing. What is wrong stands in the form.
func (p *page) proveAgain(asked proof) error {
	f := asked.Form
	who := applicant{known: true, name: "key " + asked.Key, session: chancery.ConsoleSession{
		AccountID: p.session.AccountID, UserID: p.session.UserID, AccessKeyID: asked.Key,
	}}
	if asked.Key == "" {
		who.name = userName(who.session)
	}
	if err := p.attempt(who.name); err != nil {
		return p.notProved(f, who, err)
	}
	secret := chancery.NewSecret([]byte(p.r.PostFormValue("Secret")))
	good, totp, err := p.proves(who, signInForm{ByPassword: asked.Key == ""}, secret)
	if err != nil {
		return err
	}
	if !good {
		return p.notProved(f, who, chancery.ErrConflict)
	}
	if totp {
		if err := p.useCode(who.session); err != nil {
			return p.notProved(f, who, err)
		}
	}
	var cookie string
	err = p.console.Store.Write(p.r.Context(), func(tx chancery.Tx) (err error) {
		if cookie, err = p.begin(tx, who.session); err != nil {
			return err
		}
		if err := p.succeeded(tx, who.name); err != nil {
			return err
		}
		return p.auditIn(tx, who.session, "")
	})
	if err != nil {
		return err
	}
	p.setCookie(p.sessionCookie(), cookie)
	p.cookie = cookie
	return nil
}

// useCode takes the code of the second factor, once.
func (p *page) useCode(s chancery.ConsoleSession) error {
	if err := p.attempt(codeName(s)); err != nil {
		return err
	}
	return p.console.Store.Write(p.r.Context(), func(tx chancery.Tx) error {
		stored, err := tx.ConsoleLogin(s.AccountID, s.UserID)
		if err != nil {
			return err
		}
		step, ok := login.CheckCode(stored.TOTP, trimmed(p, "Code"), p.console.Clock.Now())
		if !ok {
			return chancery.ErrConflict
		}
		if err := tx.UseConsoleCode(s.AccountID, s.UserID, step); err != nil {
			return err
		}
		return tx.ForgetAttempts(subject("as", codeName(s)))
	})
}

// notProved says in the form that somebody did not prove who they are, and leaves a line.
func (p *page) notProved(f *form, who applicant, err error) error {
	switch {
	case errors.Is(err, errTooMany):
		p.status = http.StatusTooManyRequests
		f.Wrong("Secret", p.t("signIn.tooMany"))
		return p.audit(who, "Throttled")
	case errors.Is(err, chancery.ErrConflict):
		p.status = http.StatusForbidden
		f.Wrong("Secret", p.t("confirm.refused"))
		return p.audit(who, "SignInRefused")
	}
	return err
}
