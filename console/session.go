package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"chancery"
	"chancery/rpc"
)

// cookieName is a cookie's name. Under TLS its prefix has browsers refuse one that
// another host or a plain connection set.
func (p *page) cookieName(what string) string {
	if p.r.TLS != nil {
		return "__Host-chancery-" + what
	}
	return "chancery-" + what
}

func (p *page) sessionCookie() string { return p.cookieName("session") }
func (p *page) visitCookie() string   { return p.cookieName("visit") }

// setCookie sets one that ends with the browser and that no script reads.
func (p *page) setCookie(name, value string) {
	//nolint:gosec // Secure where the connection is
	http.SetCookie(p.w, &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: p.r.TLS != nil, SameSite: http.SameSiteLaxMode})
}

func (p *page) clearCookie(name string) {
	//nolint:gosec // Secure where the connection is
	http.SetCookie(p.w, &http.Cookie{Name: name, Path: "/", HttpOnly: true, Secure: p.r.TLS != nil, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

func (p *page) readCookie(name string) string {
	cookie, err := p.r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// identify finds the session that the cookie names, and looks whether it still is.
// Who has none gets a cookie of a visitor, which tokens of the sign-in form follow from.
func (p *page) identify() error {
	p.visitor = rpc.Visitor{Address: addressOf(p.r), Secure: p.r.TLS != nil}
	if secret := p.readCookie(p.sessionCookie()); secret != "" {
		session, err := p.console.session(p.r.Context(), secret, p)
		if err != nil {
			return err
		}
		if session != nil && !session.Pending {
			p.cookie, p.session = secret, session
			return p.see()
		}
	}
	const length = 43 // of a token
	if p.cookie = p.readCookie(p.visitCookie()); len(p.cookie) != length {
		p.cookie, _ = chancery.NewConsoleToken()
		p.setCookie(p.visitCookie(), p.cookie)
	}
	return nil
}

// session finds one with its principal; nil when it has ended, also because of what
// became of its key, its user or the user's password.
func (c *Console) session(ctx context.Context, secret string, p *page) (*chancery.ConsoleSession, error) {
	var session chancery.ConsoleSession
	err := c.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if session, err = tx.ConsoleSession(chancery.ConsoleTokenHash(secret)); err != nil {
			return err
		}
		if session.Over(c.Clock.Now()) {
			return chancery.ErrNotFound
		}
		if p.visitor.Principal, err = principalOf(tx, session); err != nil {
			return err
		}
		p.account, err = tx.Account(session.AccountID)
		return err
	})
	if errors.Is(err, chancery.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a session: %w", err)
	}
	p.visitor.AccessKeyID = session.AccessKeyID
	return &session, nil
}

// principalOf is ErrNotFound when what the session began with is no longer good.
func principalOf(tx chancery.Tx, s chancery.ConsoleSession) (chancery.Principal, error) {
	if s.AccessKeyID != "" {
		key, err := tx.AccessKey(s.AccessKeyID)
		if err != nil || key.Disabled || key.AccountID != s.AccountID || key.UserID != s.UserID {
			return chancery.Principal{}, cmp.Or(err, chancery.ErrNotFound)
		}
	} else {
		login, err := tx.ConsoleLogin(s.AccountID, s.UserID)
		if err != nil || login.Hash == "" || login.ChangedAt.After(s.CreatedAt) {
			return chancery.Principal{}, cmp.Or(err, chancery.ErrNotFound)
		}
	}
	if s.UserID == 0 {
		return chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: s.AccountID}, nil
	}
	user, err := tx.UserOfID(s.AccountID, s.UserID)
	return user.Principal(), err
}

// seenEvery spares a write for each page.
const seenEvery = time.Minute

// see reads what who is signed in may do, and keeps that the session is in use.
func (p *page) see() (err error) {
	if p.may, err = p.console.Gateway.PermissionsOf(p.r.Context(), p.visitor); err != nil {
		return err
	}
	now := p.console.Clock.Now()
	if now.Sub(p.session.SeenAt) < seenEvery {
		return nil
	}
	return p.console.Store.Write(chancery.Confine(p.r.Context(), p.session.AccountID), func(tx chancery.Tx) error {
		return tx.SeeConsoleSession(p.session.IDHash, now)
	})
}

// begin starts a session with an id of its own, in place of whatever the browser had
// before, so that nobody can know it beforehand.
func (p *page) begin(tx chancery.Tx, s chancery.ConsoleSession) (secret string, err error) {
	if old := p.readCookie(p.sessionCookie()); old != "" {
		before, err := tx.ConsoleSession(chancery.ConsoleTokenHash(old))
		if err == nil {
			err = tx.DeleteConsoleSession(before.AccountID, before.IDHash)
		}
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return "", err
		}
	}
	const longestAgent = 200
	now := p.console.Clock.Now()
	secret, s.IDHash = chancery.NewConsoleToken()
	s.Address, s.Agent = p.visitor.Address.String(), shortened(p.r.UserAgent(), longestAgent)
	s.CreatedAt, s.SeenAt, s.ExpiresAt = now, now, now.Add(chancery.ConsoleLongest)
	if s.Pending {
		s.ExpiresAt = now.Add(codeTime)
	}
	return secret, tx.AddConsoleSession(s)
}

// shortened is text of at most so many bytes, all of it printable ASCII.
func shortened(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}

// cut parts a value from what proves it.
func cut(text string) (value, mac string) {
	value, mac, _ = strings.Cut(text, ".")
	return value, mac
}
