package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"chancery/cas"
)

// progress shows how an order gets on: a line for each thing that changed, and
// on a terminal a moving last line.
type progress struct {
	line
	teller teller
	began  time.Time
	turns  int
	last   string
	order  int64
	proofs []string // as they were last shown; nil: as when the wait began
}

func newProgress(t teller, order int64) *progress {
	return &progress{teller: t, order: order, line: newLine(t.command.ErrOrStderr()), began: time.Now()} //nolint:forbidigo // it measures
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
	if state.Order != nil && state.Order.Delay != "" {
		text += "; " + state.Order.Delay
	}
	p.showProofs(state)
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

// proofTexts tells one set of proofs from another.
func proofTexts(state *cas.DescribeCertificateStateOutput) (texts []string) {
	for _, p := range state.Proofs {
		texts = append(texts, p.RecordDomain+p.RecordValue+p.Uri+p.Content)
	}
	return texts
}

// showProofs shows what has to be published when the CA says so late, or anew.
func (p *progress) showProofs(state *cas.DescribeCertificateStateOutput) {
	if state.Type != "domain_verify" {
		return
	}
	now := proofTexts(state)
	if p.proofs != nil && !slices.Equal(now, p.proofs) {
		p.clear()
		_ = p.teller.proof(p.order, state) // a lost line is no reason to stop waiting
	}
	p.proofs = now
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

// line is the last line of a terminal, which can be written anew.
type line struct {
	to       io.Writer
	terminal bool
}

func newLine(to io.Writer) line {
	l := line{to: to}
	if file, ok := to.(*os.File); ok {
		info, err := file.Stat()
		l.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return l
}

// set writes the line anew where there is a terminal.
func (l line) set(text string) {
	if l.terminal {
		_, _ = fmt.Fprintf(l.to, "\r\x1b[K%s ", text)
	}
}

func (l line) clear() {
	if l.terminal {
		_, _ = fmt.Fprint(l.to, "\r\x1b[K")
	}
}

func (p *progress) end() { p.clear() }
