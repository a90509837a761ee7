package issuer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"chancery"
	"chancery/issuer/acme"
)

// How long a CA may fail without a word.
const (
	// fallbackAfter is when another issuer takes the order, if there is one.
	fallbackAfter = 10 * time.Minute
	// patience is when the order fails, if there is none.
	patience = 24 * time.Hour
	// rateLimitPause is where the CA limits us and does not say for how long.
	rateLimitPause = 10 * time.Minute
	// fallbackWait is how long a limit may last before another issuer takes the order.
	fallbackWait = time.Minute
)

// gone tells whether the CA has no such thing, as it says of what has expired long
// ago.
func gone(err error) bool {
	var p *acme.ProblemError
	return errors.As(err, &p) && (p.Status == http.StatusNotFound || p.Status == http.StatusGone)
}

// judge turns what went wrong into what becomes of the order: it waits
// (*chancery.WaitError), ends (*chancery.RefusedError) or begins again
// (*chancery.ReopenError). Other errors are ours.
func (s *session) judge(ctx context.Context, err error) error {
	var wait *chancery.WaitError
	var refused *chancery.RefusedError
	var reopen *chancery.ReopenError
	var problem *acme.ProblemError
	var answer *acme.AnswerError
	switch {
	case errors.As(err, &wait), errors.As(err, &refused), errors.As(err, &reopen):
		return err
	case errors.Is(err, chancery.ErrConflict), errors.Is(err, chancery.ErrTaken), errors.Is(err, chancery.ErrNotFound), ctx.Err() != nil:
		return err
	case errors.Is(err, errAccount):
		return s.accountClosed(ctx)
	case errors.As(err, &problem):
		return s.judgeProblem(ctx, problem)
	case errors.As(err, &answer):
		if answer.Status == http.StatusServiceUnavailable && !answer.After.IsZero() {
			s.ca.leaveAlone(answer.After)
		}
		return s.failing(ctx, answer.After, answer.Error(), err)
	}
	return s.failing(ctx, time.Time{}, "the CA cannot be reached", err)
}

func (s *session) judgeProblem(ctx context.Context, p *acme.ProblemError) error {
	if s.Clock.Now().Before(p.After) && p.Status == http.StatusServiceUnavailable {
		s.ca.leaveAlone(p.After)
	}
	kind := p.Kind()
	switch {
	case kind == acme.RateLimited, p.Status == http.StatusTooManyRequests:
		until := p.After
		if until.IsZero() {
			until = s.Clock.Now().Add(rateLimitPause)
		}
		return s.busy(ctx, until, fmt.Sprintf("the CA takes no more orders like this until %s: %s", until.Format(time.RFC3339), p.Words()))
	case kind == acme.ServerInternal, kind == acme.BadNonce, kind == acme.OrderNotReady, p.Status >= http.StatusInternalServerError:
		return s.failing(ctx, p.After, "the CA has a fault of its own"+because(p), p)
	case kind == acme.AccountDoesNotExist:
		return s.accountUnknown(ctx)
	case kind == acme.Unauthorized && s.accountEnded(ctx):
		return s.accountClosed(ctx)
	}
	return s.final(ctx, p)
}

// ended judges why the CA has ended an order: it was no call that failed, so no
// waiting helps.
func (s *session) ended(ctx context.Context, p *acme.ProblemError) error {
	switch p.Kind() {
	case acme.ServerInternal, acme.RateLimited:
		return s.beginAgain(ctx, "the CA failed at the order"+because(p))
	}
	return s.final(ctx, p)
}

func (s *session) final(ctx context.Context, p *acme.ProblemError) error {
	final := finals[p.Kind()]
	if final.operator {
		s.Log.Error("a CA refuses an order for a reason that the operator has to remove", "issuer", s.order.Issuer, "order", s.order.OrderID, "error", p)
	}
	words := final.words
	if words == "" {
		words = "the CA refuses the order"
	}
	return s.refuse(ctx, final.othersMay, words+because(p))
}

// final is what a kind of problem means to the applicant.
type final struct {
	words     string
	othersMay bool // another CA may think differently
	operator  bool // it is for the operator to remove
}

// finals are the problems that no waiting removes (RFC 8555, 6.7).
var finals = map[string]final{
	acme.CAA:                     {"a CAA record of the domain does not let this CA issue; add one that does, or remove it, and apply again", true, false},
	acme.DNS:                     {"the CA could not look the domain up in the DNS; mend the zone and apply again", false, false},
	acme.Connection:              {"the CA could not connect to the domain's web server on port 80; open it to everybody and apply again", false, false},
	acme.TLS:                     {"the CA could not make a TLS connection to the domain's web server; mend that and apply again", false, false},
	acme.IncorrectResponse:       {"the CA found something else than the proof; publish it everywhere, on every name server or web server of the domain, and apply again", false, false},
	acme.Unauthorized:            {"the CA found something else than the proof, or none; publish it everywhere, on every name server or web server of the domain, and apply again", false, false},
	acme.Compound:                {"the CA refuses several of the names", false, false},
	acme.RejectedIdentifier:      {"the CA issues no certificates for this name", true, false},
	acme.UnsupportedIdentifier:   {"the CA does not issue for names of this kind", true, false},
	acme.BadCSR:                  {"the CA does not take the CSR; make one for exactly these names with another key, and apply again", false, false},
	acme.BadPublicKey:            {"the CA does not take the public key of the CSR; use another key and apply again", false, false},
	acme.BadSignatureAlgorithm:   {"the CA does not take the signatures that the service makes; the operator has to look into it", true, true},
	acme.ExternalAccountRequired: {"the CA takes orders from registered customers only, and the service is not set up as one; the operator has to add the issuer with its external account (--eab-kid, --eab-hmac-file)", true, true},
	acme.UserActionRequired:      {"the CA wants the operator to act first, perhaps to agree to new terms", true, true},
	acme.InvalidContact:          {"the CA does not take the contact address that the operator gave", true, true},
	acme.UnsupportedContact:      {"the CA does not take contact addresses like the one that the operator gave", true, true},
	acme.InvalidProfile:          {"the CA does not offer the profile that the operator chose", true, true},
	acme.Malformed:               {"the CA does not understand the order", true, true},
}

// because is a problem in the CA's own words, to stand behind ours.
func because(p *acme.ProblemError) string {
	if p == nil {
		return ""
	}
	kind := p.Kind()
	if kind == "" {
		kind = "unknown"
	}
	return fmt.Sprintf(" (%s: %s)", kind, p.Words())
}

// busy waits for a limit to pass, or goes elsewhere if that takes long.
func (s *session) busy(ctx context.Context, until time.Time, reason string) error {
	long := until.Sub(s.Clock.Now()) > fallbackWait
	s.Log.Info("an order waits for a limit of its CA", "issuer", s.order.Issuer, "order", s.order.OrderID, "until", until, "reason", reason)
	if long && s.mayLeave() {
		to, err := s.next(ctx)
		if err != nil {
			return err
		}
		if to != "" {
			return s.moveOn(ctx, to, reason)
		}
	}
	if !s.until.IsZero() && until.After(s.until) {
		return &chancery.RefusedError{Reason: reason + "; that is later than the order waits for its proof"}
	}
	return s.wait(ctx, until, reason)
}

// failing waits longer and longer for a CA that does not answer as it should.
func (s *session) failing(ctx context.Context, after time.Time, words string, cause error) error {
	now := s.Clock.Now()
	if s.order.FailingSince.IsZero() {
		s.order.FailingSince = now
	}
	failed := now.Sub(s.order.FailingSince)
	s.Log.Warn("a CA does not answer as it should", "issuer", s.order.Issuer, "order", s.order.OrderID, "since", s.order.FailingSince, "error", cause)
	if failed >= fallbackAfter && s.mayLeave() {
		to, err := s.next(ctx)
		if err != nil {
			return err
		}
		if to != "" {
			return s.moveOn(ctx, to, words)
		}
	}
	if failed >= patience {
		return &chancery.RefusedError{Reason: fmt.Sprintf("since %s: %s", s.order.FailingSince.Format(time.RFC3339), words), Err: cause}
	}
	const shortest, longest = 2 * time.Second, 5 * time.Minute
	until := latest(now.Add(min(max(failed/2, shortest), longest)), after)
	return s.putOff(ctx, until, words+"; the service goes on trying")
}

// accountUnknown has the account registered again with the same key: the CA lost
// it, and the order with it.
func (s *session) accountUnknown(ctx context.Context) error {
	s.Log.Error("the CA does not know the service's account any more; it is registered again", "issuer", s.order.Issuer, "order", s.order.OrderID)
	err := s.Store.Write(ctx, func(tx chancery.Tx) error { return tx.SetACMEAccountURL(s.order.Issuer, "") })
	if err != nil {
		return fmt.Errorf("forgetting the account of issuer %s: %w", s.order.Issuer, err)
	}
	if s.order.URL == "" {
		return s.failing(ctx, time.Time{}, "the CA does not know the service's account", nil)
	}
	return s.gone(ctx)
}

// accountEnded asks whether the CA has closed our account.
func (s *session) accountEnded(ctx context.Context) bool {
	account, err := s.ca.client.Existing(ctx)
	var p *acme.ProblemError
	return err == nil && account.Status != acme.Valid || errors.As(err, &p) && p.Kind() == acme.Unauthorized
}

func (s *session) accountClosed(ctx context.Context) error {
	s.Log.Error("the CA has closed the service's account; remove the issuer and add it anew for another", "issuer", s.order.Issuer, "order", s.order.OrderID)
	return s.refuse(ctx, true, "the CA has closed the service's account; the operator has to set the issuer up anew")
}
