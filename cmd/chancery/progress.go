package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"chancery/cas"
)

// progress shows how an order gets on: on a terminal in one line that is written
// anew, elsewhere in a line for each thing that changed.
type progress struct {
	line
	teller teller
	began  time.Time
	turns  int
	last   string
	order  int64
	proofs []string // as they were last shown; nil: as when the wait began
}

func newProgress(t teller, to io.Writer, order int64) *progress {
	return &progress{teller: t, order: order, line: newLine(to), began: time.Now()} //nolint:forbidigo // it measures
}

var stateWords = map[string]string{
	"domain_verify": "waiting for the proof",
	"process":       "proved; the certificate is being issued",
	"certificate":   "issued",
	"verify_fail":   "failed",
	"payed":         "withdrawn",
	"unknow":        "revoked",
}

// stateText is a state in words, with what it waits for.
func stateText(state *cas.DescribeCertificateStateOutput) string {
	text := stateWords[state.Type]
	if state.Type == "domain_verify" && len(state.Looks) > 0 {
		text += "; last look: " + lookWords(newest(state.Looks))
	}
	if state.Order != nil && state.Order.UnderReview {
		text = "proved; waiting for the operator's review"
	}
	if state.Order != nil && state.Order.Delay != "" {
		text += "; " + state.Order.Delay
	}
	return text
}

func (p *progress) show(state *cas.DescribeCertificateStateOutput) {
	text := stateText(state)
	p.showProofs(state)
	waited := time.Since(p.began).Seconds()
	if p.moving {
		p.turns++
		p.set(fmt.Sprintf("%c %.0fs  %s", `|/-\`[p.turns%4], waited, text))
	} else if text != p.last {
		_, _ = fmt.Fprintf(p.to, "%6.1fs  %s\n", waited, text)
	}
	p.last = text
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

// end leaves what came of it on a terminal, where it was overwritten until now.
func (p *progress) end() {
	p.clear()
	if p.moving && p.last != "" {
		_, _ = fmt.Fprintf(p.to, "%6.1fs  %s\n", time.Since(p.began).Seconds(), p.last)
	}
}
