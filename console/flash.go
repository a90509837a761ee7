package console

import (
	"encoding/base64"
	"encoding/json"
)

// flash is a message that the next page shows, once.
type flash struct {
	Good bool
	Text string
}

const flashCookie = "flash"

// flash leaves a message, of the visitor's language, for the page that redirect leads to.
func (p *page) flash(key string, args ...any) { p.leave(flash{Good: true, Text: p.t(key, args...)}) }

// warn leaves a message of something that did not work.
func (p *page) warn(text string) { p.leave(flash{Text: text}) }

func (p *page) leave(f flash) {
	text, _ := json.Marshal(f) // two plain fields
	value := base64.RawURLEncoding.EncodeToString(text)
	p.setCookie(p.cookieName(flashCookie), value+"."+token(p.cookie, value))
}

// takeFlash gives the message that the page before left in this session.
func (p *page) takeFlash() *flash {
	cookie, err := p.r.Cookie(p.cookieName(flashCookie))
	if err != nil || p.cookie == "" {
		return nil
	}
	p.clearCookie(cookie.Name)
	value, mac := cut(cookie.Value)
	if !sameToken(mac, token(p.cookie, value)) {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(value)
	f := &flash{}
	if err != nil || json.Unmarshal(text, f) != nil {
		return nil
	}
	return f
}
