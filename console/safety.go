package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"strings"

	"chancery"
)

// policy lets a page load what this console serves and nothing else, and nothing that
// stands in the page itself run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// protect sets the headers that every answer has.
func protect(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin") // the Origin of forms is judged by it
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
}

// token is what a form must hold: it follows from a cookie that no other site can read
// or set, so that it belongs to the session that the form was made for.
func token(cookie, purpose string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	_, _ = mac.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func sameToken(one, other string) bool { return hmac.Equal([]byte(one), []byte(other)) }

const csrfField = "csrf"

// crossOrigin looks at Sec-Fetch-Site, or at Origin where a browser does not send that.
var crossOrigin = http.NewCrossOriginProtection()

// checkOrigin refuses a change that this console's own pages did not ask for.
func (p *page) checkOrigin() error {
	refused := chancery.Errorf(chancery.InvalidParameter, "%s", p.t("console.stale"))
	if crossOrigin.Check(p.r) != nil || p.r.Header.Get("Origin") == "null" {
		return refused
	}
	if p.cookie == "" || !sameToken(p.r.PostFormValue(csrfField), token(p.cookie, csrfField)) {
		return refused
	}
	return nil
}

// localPath gives the path and query of a page of this console that text names, or
// Root for anything else: nobody is led off this origin, whatever a link says.
func localPath(text string) string {
	const most = 512
	u, err := url.Parse(text)
	odd := func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f || r > 0x7e }
	switch {
	case err != nil, len(text) > most, strings.ContainsFunc(text, odd):
	case u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "":
	case !strings.HasPrefix(text, Root), !strings.HasPrefix(u.Path, Root):
	case strings.ContainsFunc(u.Path, odd), path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/"):
	default:
		return text
	}
	return Root
}
