package acme

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// ProblemError is a refusal in the server's own words (RFC 8555, 6.7).
type ProblemError struct {
	Type        string       `json:"type"`
	Detail      string       `json:"detail"`
	Status      int          `json:"status"`
	Instance    string       `json:"instance"`
	Subproblems []Subproblem `json:"subproblems"`
	// After is when the server wants to be asked again; zero if it did not say.
	After time.Time `json:"-"`
}

// Subproblem is the part of a refusal that concerns one name.
type Subproblem struct {
	Type       string     `json:"type"`
	Detail     string     `json:"detail"`
	Identifier Identifier `json:"identifier"`
}

const namespace = "urn:ietf:params:acme:error:"

// Kind is the type without its namespace; "" for one that RFC 8555 does not name.
func (p *ProblemError) Kind() string {
	kind, ok := strings.CutPrefix(p.Type, namespace)
	if !ok {
		return ""
	}
	return kind
}

// Kinds of problems that somebody has to tell apart.
const (
	AccountDoesNotExist     = "accountDoesNotExist"
	AlreadyRevoked          = "alreadyRevoked"
	BadCSR                  = "badCSR"
	BadNonce                = "badNonce"
	BadPublicKey            = "badPublicKey"
	BadRevocationReason     = "badRevocationReason"
	BadSignatureAlgorithm   = "badSignatureAlgorithm"
	CAA                     = "caa"
	Compound                = "compound"
	Connection              = "connection"
	DNS                     = "dns"
	ExternalAccountRequired = "externalAccountRequired"
	IncorrectResponse       = "incorrectResponse"
	InvalidContact          = "invalidContact"
	InvalidProfile          = "invalidProfile"
	Malformed               = "malformed"
	OrderNotReady           = "orderNotReady"
	RateLimited             = "rateLimited"
	RejectedIdentifier      = "rejectedIdentifier"
	ServerInternal          = "serverInternal"
	TLS                     = "tls"
	Unauthorized            = "unauthorized"
	UnsupportedContact      = "unsupportedContact"
	UnsupportedIdentifier   = "unsupportedIdentifier"
	UserActionRequired      = "userActionRequired"
)

// Error implements error.
func (p *ProblemError) Error() string {
	return fmt.Sprintf("the CA answers %s (HTTP %d): %s", p.Type, p.Status, p.Words())
}

// Words is the detail, and that of each part, as it may be shown: printable, on one
// line and not long.
func (p *ProblemError) Words() string {
	words := []string{p.Detail}
	for i, sub := range p.Subproblems {
		const most = 5
		if i == most {
			break
		}
		words = append(words, sub.Identifier.Value+": "+sub.Detail)
	}
	return Printable(strings.Join(words, "; "))
}

// maxShown is the longest text of a server that is shown to anybody.
const maxShown = 400

// Printable is a server's text without what is not printable, and not too long.
func Printable(text string) string {
	var shown strings.Builder
	for _, r := range text {
		if shown.Len() > maxShown {
			shown.WriteString(" ...")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		shown.WriteRune(r)
	}
	return strings.TrimSpace(shown.String())
}

// AnswerError is an answer that is none: not of the right status, type, size or
// content. What it says never repeats the answer.
type AnswerError struct {
	What   string
	Status int
	After  time.Time // when the server wants to be asked again, if it said so
}

// Error implements error.
func (e *AnswerError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("the CA's answer cannot be used (HTTP %d): %s", e.Status, e.What)
	}
	return "the CA's answer cannot be used: " + e.What
}

func unusable(format string, args ...any) error {
	return &AnswerError{What: fmt.Sprintf(format, args...)}
}
