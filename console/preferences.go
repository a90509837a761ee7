package console

import (
	"net/http"
	"strings"
)

// Cookies of what a visitor likes; they hold nothing of anybody.
const (
	langCookie  = "chancery-lang"
	themeCookie = "chancery-theme"
)

// themeOf is light or dark, or empty for what the browser prefers.
func themeOf(r *http.Request) string {
	cookie, err := r.Cookie(themeCookie)
	if err != nil || cookie.Value != "light" && cookie.Value != "dark" {
		return ""
	}
	return cookie.Value
}

// setPreferences keeps language or theme, and goes back to the page it was asked on.
func setPreferences(p *page) error {
	const year = 365 * 24 * 60 * 60
	for field, cookie := range map[string]string{"lang": langCookie, "theme": themeCookie} {
		value := p.r.PostFormValue(field)
		if known := map[string]bool{"en": true, "zh": true, "light": true, "dark": true}; !known[value] {
			continue
		}
		http.SetCookie(p.w, &http.Cookie{ //nolint:gosec // Secure where the connection is
			Name: cookie, Value: value, Path: Root, MaxAge: year, HttpOnly: true, Secure: p.r.TLS != nil, SameSite: http.SameSiteLaxMode,
		})
	}
	return p.redirect("%s", strings.TrimPrefix(localPath(p.r.PostFormValue("back")), Root))
}
