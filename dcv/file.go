package dcv

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"time"

	"chancery"
)

const maxRedirects = 10

// lookFile fetches the file over http and, unless that proves control or a CA will
// look itself, over https (BR 3.2.2.4.18). A host that drops packets to port 80 takes no more than
// half of the time, so that the other port is always looked at.
func (l *Looker) lookFile(ctx context.Context, v chancery.Validation) []note {
	ctx, cancel := context.WithTimeout(ctx, l.fileTimeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	first, cancelFirst := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancelFirst()

	notes := l.fetch(first, l.fileURL("http", v), v.Token)
	// ACME CAs begin at http and nowhere else (RFC 8555, 8.3).
	if notes[len(notes)-1].finding == chancery.Seen || v.Place != "" {
		return notes
	}
	return append(notes, l.fetch(ctx, l.fileURL("https", v), v.Token)...)
}

func (l *Looker) fileURL(scheme string, v chancery.Validation) *url.URL {
	return &url.URL{Scheme: scheme, Host: hostPort(scheme, string(v.Name), l.ports[scheme]), Path: v.Path()}
}

// fetch follows redirects from a URL to the page at their end and judges it. Its
// last note is the verdict; those before are of addresses that did not answer.
func (l *Looker) fetch(ctx context.Context, at *url.URL, token string) (notes []note) {
	visited := map[string]bool{}
	for {
		visited[at.String()] = true
		page, trail := l.get(ctx, at)
		notes = append(notes, trail...)
		if page == nil {
			return notes
		}
		if !page.redirects() {
			finding, detail := page.judge(token)
			return append(notes, note{page.where, finding, detail})
		}
		next, finding, detail := l.follow(at, page.location, token)
		switch {
		case finding != "":
		case visited[next.String()]:
			finding, detail = chancery.BadAnswer, "redirect loop"
		case len(visited) > maxRedirects:
			finding, detail = chancery.BadAnswer, fmt.Sprintf("more than %d redirects", maxRedirects)
		}
		if finding != "" {
			return append(notes, note{page.where, finding, detail})
		}
		at = next
	}
}

// judge compares the page with the token, all of it, with no more grace than one
// line end. Only status 200 counts: error pages like to echo what was asked for.
// What it says of a page never repeats any of it.
func (p *page) judge(token string) (chancery.Finding, string) {
	body, _ := bytes.CutSuffix(p.body, []byte("\n"))
	if len(body) < len(p.body) {
		body, _ = bytes.CutSuffix(body, []byte("\r"))
	}
	switch {
	case p.status != 200:
		return chancery.BadStatus, fmt.Sprintf("status %d", p.status)
	case p.encoded:
		return chancery.BadAnswer, "the file comes compressed, though that was not asked for"
	case len(p.body) > maxBody:
		return chancery.BadAnswer, "more than 1 KiB"
	case string(body) == token:
		return chancery.Seen, ""
	case bytes.Contains(p.body, []byte(token)):
		return chancery.WrongValue, "the file holds the token, but more besides, perhaps spaces, a byte order mark or a second line"
	}
	return chancery.WrongValue, "the file does not hold the token"
}
