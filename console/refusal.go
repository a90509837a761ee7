package console

import (
	"unicode"
	"unicode/utf8"

	"chancery"
)

// meant is a refusal as the visitor reads it. Its detail is in English, as the API's
// messages are, so on pages in another language what the code means comes first; but what
// the console itself has said is in the visitor's language already.
func (p *page) meant(code chancery.Code, detail string) string {
	first, _ := utf8.DecodeRuneInString(detail)
	if p.lang == languages[0] || unicode.Is(unicode.Han, first) {
		return detail
	}
	return p.t("meaning."+string(code)) + " " + detail
}
