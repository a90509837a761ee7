package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chancery"
	"chancery/internal/failpoint"
	"chancery/issuer/acme"
)

// pollPause is how long to wait before asking again, where the CA does not say.
const pollPause = time.Second

// Issue implements chancery.Issuer. Each call asks the CA for the order's state
// first and does what that allows; what takes the CA time is a *chancery.WaitError.
func (a acmeIssuer) Issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	s, err := a.begin(ctx, request.AccountID, request.OrderID, request.Names)
	if err != nil {
		return nil, err
	}
	leave, err := s.ca.enter(ctx, s.Clock)
	if err != nil {
		return nil, err
	}
	defer leave()
	if s.order.URL == "" {
		return nil, &chancery.ReopenError{Reason: "the order is not open at the CA"}
	}
	chain, err := s.issue(ctx, request)
	if err != nil {
		return nil, s.judge(ctx, err)
	}
	return chain, nil
}

func (s *session) issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	order, err := s.ca.client.Order(ctx, s.order.URL, s.names.Strings())
	if gone(err) {
		return nil, s.gone(ctx)
	}
	const most = 4 // states that one call passes at once
	for range most {
		if err != nil {
			return nil, err
		}
		switch order.Status {
		case acme.Pending:
			if err := s.prove(ctx); err != nil {
				return nil, err
			}
			order, err = s.ca.client.Order(ctx, s.order.URL, s.names.Strings())
			if err == nil && order.Status == acme.Pending {
				return nil, s.wait(ctx, s.later(order.After), "the CA has seen the proofs and will soon take the CSR")
			}
		case acme.Ready:
			order, err = s.finalize(ctx, order, request.CSR)
		case acme.Processing:
			return nil, s.wait(ctx, s.later(order.After), "the CA is making the certificate")
		case acme.Valid:
			return s.download(ctx, order, request)
		default:
			return nil, s.invalid(ctx, order)
		}
	}
	return nil, s.wait(ctx, s.later(time.Time{}), "the CA is making the certificate")
}

// later is when the CA wants to be asked again, but a moment from now at the least.
func (s *session) later(after time.Time) time.Time {
	if soonest := s.Clock.Now().Add(pollPause); after.Before(soonest) {
		return soonest
	}
	return after
}

// gone deals with an order that the CA has no more. Once the CSR was sent, there
// may be a certificate, and a second one must not be.
func (s *session) gone(ctx context.Context) error {
	if !s.mayLeave() {
		return s.refuse(ctx, false, "the CA does not know the order any more, after it was sent the CSR")
	}
	return s.beginAgain(ctx, "the CA does not know the order any more")
}

// prove has the CA look at the proofs, and is nil once it has seen them all.
func (s *session) prove(ctx context.Context) error {
	var after time.Time
	waits := false
	for i := range s.order.Authorizations {
		z := &s.order.Authorizations[i]
		authorization, err := s.ca.client.Authorization(ctx, z.URL)
		if err != nil {
			return err
		}
		switch authorization.Status {
		case acme.Valid:
			continue
		case acme.Invalid:
			return s.unproved(ctx, authorization)
		case acme.Pending:
			told, err := s.askToLook(ctx, i, authorization)
			if err != nil {
				return err
			}
			after = latest(after, authorization.After, told)
			waits = true
		default:
			return s.beginAgain(ctx, fmt.Sprintf("the CA's authorization for %s is %s", z.Name, authorization.Status))
		}
	}
	if waits {
		return s.wait(ctx, s.later(after), "the CA is looking at the proof")
	}
	return nil
}

// askToLook tells the CA of a proof that we have seen, unless it is looking already.
func (s *session) askToLook(ctx context.Context, i int, authorization acme.Authorization) (time.Time, error) {
	z := &s.order.Authorizations[i]
	if z.Own {
		// The applicant has shown control, so the CA's proof may be shown.
		z.Own, z.OwnSeen = false, true
		if err := s.save(ctx); err != nil {
			return time.Time{}, err
		}
		return time.Time{}, &chancery.ReopenError{Reason: "the CA wants a proof of its own"}
	}
	for _, challenge := range authorization.Challenges {
		if challenge.URL == z.Challenge && challenge.Status != acme.Pending {
			return time.Time{}, nil // it is looking
		}
	}
	if !z.Told {
		z.Told = true
		if err := s.save(ctx); err != nil {
			return time.Time{}, err
		}
		failpoint.Hit("acme.challenge-saved")
	}
	after, err := s.ca.client.Tell(ctx, z.Challenge)
	failpoint.Hit("acme.challenge-told")
	var p *acme.ProblemError
	if errors.As(err, &p) && p.Kind() == acme.Malformed && p.After.IsZero() {
		return time.Time{}, nil // it has looked since; the authorization tells
	}
	return after, err
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// unproved ends an order whose proof the CA did not see.
func (s *session) unproved(ctx context.Context, z acme.Authorization) error {
	for _, challenge := range z.Challenges {
		if challenge.Error != nil {
			return s.ended(ctx, challenge.Error)
		}
	}
	return s.refuse(ctx, false, fmt.Sprintf("the CA did not find the proof of %s, and does not say why", z.Name()))
}

// finalize sends the CSR. That it does is written down before: from then on there
// may be a certificate.
func (s *session) finalize(ctx context.Context, order acme.Order, csr []byte) (acme.Order, error) {
	if s.order.FinalizedAt.IsZero() {
		s.order.FinalizedAt = s.Clock.Now()
		if err := s.save(ctx); err != nil {
			return order, err
		}
		failpoint.Hit("acme.finalize-saved")
	}
	finalized, err := s.ca.client.Finalize(ctx, order, csr, s.names.Strings())
	failpoint.Hit("acme.finalized")
	var p *acme.ProblemError
	if errors.As(err, &p) && p.Status >= 400 && p.Status < 500 && p.Kind() != acme.RateLimited {
		// It took no CSR, so no certificate comes of it unless it is sent again.
		s.order.FinalizedAt = time.Time{}
		if err := s.save(ctx); err != nil {
			return order, err
		}
	}
	return finalized, err
}

// invalid ends an order that the CA gave up: no certificate came of it.
func (s *session) invalid(ctx context.Context, order acme.Order) error {
	s.order.FinalizedAt = time.Time{}
	if order.Error != nil {
		return s.ended(ctx, order.Error)
	}
	for _, z := range s.order.Authorizations {
		authorization, err := s.ca.client.Authorization(ctx, z.URL)
		if err == nil && authorization.Status == acme.Invalid {
			return s.unproved(ctx, authorization)
		}
	}
	if s.past(order.Expires) {
		return s.beginAgain(ctx, "the CA's order has expired")
	}
	return s.beginAgain(ctx, "the CA's order has ended without a reason")
}

// download fetches the certificate and checks it as the order will: a certificate
// that must not count ends the order, since the CA has no other for it.
func (s *session) download(ctx context.Context, order acme.Order, request chancery.IssueRequest) (chancery.Chain, error) {
	if s.order.Certificate != order.Certificate {
		s.order.Certificate = order.Certificate
		if err := s.save(ctx); err != nil {
			return nil, err
		}
		failpoint.Hit("acme.certificate-saved")
	}
	chain, err := s.chain(ctx, order.Certificate)
	if err != nil {
		return nil, err
	}
	failpoint.Hit("acme.downloaded")
	if _, err := chancery.Chain(chain).Check(request, s.Clock.Now()); err != nil {
		s.Log.Error("a CA gave a certificate that must not be used", "issuer", s.order.Issuer, "order", s.order.OrderID, "error", err)
		return nil, &chancery.RefusedError{Reason: "the CA's certificate is not what was asked for: " + acme.Printable(err.Error()), Err: err}
	}
	return chancery.Chain(chain), nil
}

// chain is the one that the operator prefers, or else the CA's first.
func (s *session) chain(ctx context.Context, url string) (acme.Chain, error) {
	first, alternates, err := s.ca.client.Download(ctx, url)
	preferred := s.ca.config.PreferredChain
	if err != nil || preferred == "" || first.IssuedUnder(preferred) {
		return first, err
	}
	for _, alternate := range alternates {
		chain, _, err := s.ca.client.Download(ctx, alternate)
		if err != nil {
			return nil, err
		}
		if chain.IssuedUnder(preferred) {
			return chain, nil
		}
	}
	s.Log.Warn("the CA has no chain with the preferred issuer", "issuer", s.order.Issuer, "order", s.order.OrderID, "preferred", preferred)
	return first, nil
}

func equalName(one string, other chancery.Name) bool { return strings.EqualFold(one, string(other)) }
