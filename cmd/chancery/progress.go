package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"chancery/cas"
)

// progress shows how an order gets on: a line for each thing that changed, and
// on a terminal a moving last line.
type progress struct {
	teller   teller
	to       io.Writer
	terminal bool
	began    time.Time
	turns    int
	last     string
}

func newProgress(t teller) *progress {
	p := &progress{teller: t, to: t.command.ErrOrStderr(), began: time.Now()} //nolint:forbidigo // it measures
	if file, ok := p.to.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

var stateWords = map[string]string{
	"domain_verify": "waiting for the proof",
	"process":       "proved; the certificate is being issued",
	"certificate":   "issued",
	"verify_fail":   "failed",
	"payed":         "withdrawn",
	"unknow":        "revoked",
}

func (p *progress) show(state *cas.DescribeCertificateStateOutput) {
	text := stateWords[state.Type]
	if state.Type == "domain_verify" && len(state.Looks) > 0 {
		text += "; last look: " + lookWords(newest(state.Looks))
	}
	if text != p.last {
		p.clear()
		_, _ = fmt.Fprintf(p.to, "%6.1fs  %s\n", time.Since(p.began).Seconds(), text)
		p.last = text
	}
	if p.terminal {
		p.turns++
		_, _ = fmt.Fprintf(p.to, "\r%c %.0fs ", `|/-\`[p.turns%4], time.Since(p.began).Seconds())
	}
}

func newest(looks []cas.Look) cas.Look {
	last := looks[0]
	for _, look := range looks {
		if look.Time >= last.Time {
			last = look
		}
	}
	return last
}

func lookWords(look cas.Look) string {
	text := look.Finding
	if look.Detail != "" {
		text += " (" + look.Detail + ")"
	}
	return text + ", " + look.Where
}

func (p *progress) clear() {
	if p.terminal {
		_, _ = fmt.Fprint(p.to, "\r\x1b[K")
	}
}

func (p *progress) end() { p.clear() }
