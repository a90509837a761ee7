package issuer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/internal/failpoint"
	"chancery/issuer/acme"
)

// Open implements chancery.Prover.
func (a acmeIssuer) Open(ctx context.Context, request chancery.OpenRequest) ([]chancery.Validation, error) {
	const mostIssuers = 10
	for range mostIssuers {
		validations, err := a.open(ctx, request)
		var reopen *chancery.ReopenError
		if !errors.As(err, &reopen) {
			return validations, err
		}
	}
	return nil, &chancery.RefusedError{Reason: "no issuer takes the order"}
}

func (a acmeIssuer) open(ctx context.Context, request chancery.OpenRequest) ([]chancery.Validation, error) {
	s, err := a.begin(ctx, request.AccountID, request.OrderID, request.Names)
	if err != nil {
		return nil, err
	}
	s.method, s.until = request.Method, request.ProveBy
	leave, err := s.ca.enter(ctx, s.Clock)
	if err != nil {
		return nil, err
	}
	defer leave()
	order, err := s.openOrder(ctx)
	if err != nil {
		return nil, s.judge(ctx, err)
	}
	validations := make([]chancery.Validation, 0, len(s.names))
	for i := range s.order.Authorizations {
		v, err := s.openAuthorization(ctx, i)
		if err != nil {
			return nil, s.judge(ctx, err)
		}
		v.OrderID, v.AccountID = request.OrderID, request.AccountID
		v.ExpiresAt = earliest(v.ExpiresAt, order.Expires)
		validations = append(validations, v)
	}
	return validations, nil
}

// openOrder finds the order at the CA or makes it.
func (s *session) openOrder(ctx context.Context) (acme.Order, error) {
	if s.order.URL != "" {
		order, err := s.ca.client.Order(ctx, s.order.URL, s.names.Strings())
		switch {
		case gone(err):
			return order, s.beginAgain(ctx, "the CA does not know the order any more")
		case err == nil && order.Status == acme.Invalid:
			return order, s.beginAgain(ctx, "the CA's order has ended"+because(order.Error))
		case err == nil && s.past(order.Expires):
			return order, s.beginAgain(ctx, "the CA's order has expired")
		}
		return order, err
	}
	if err := s.register(ctx, s.ca); err != nil {
		return acme.Order{}, err
	}
	if err := s.takeTurn(ctx); err != nil {
		return acme.Order{}, err
	}
	order, err := s.ca.client.NewOrder(ctx, s.names.Strings(), s.ca.config.Profile)
	if err != nil {
		return order, err
	}
	failpoint.Hit("acme.order-made")
	s.well()
	s.order.URL, s.order.Finalize, s.order.ExpiresAt = order.URL, order.Finalize, order.Expires
	s.order.Authorizations = nil
	for _, url := range order.Authorizations {
		s.order.Authorizations = append(s.order.Authorizations, chancery.ACMEAuthorization{URL: url})
	}
	err = s.save(ctx)
	if errors.Is(err, chancery.ErrTaken) {
		s.order.Close()
		return order, s.wait(ctx, s.Clock.Now().Add(time.Minute), "the CA gives no second order for these names while another one for them is open; this one follows when that has ended")
	}
	failpoint.Hit("acme.order-saved")
	return order, err
}

// earliest is the first of the dates that a CA gave.
func earliest(dates ...time.Time) (first time.Time) {
	for _, date := range dates {
		if first.IsZero() || !date.IsZero() && date.Before(first) {
			first = date
		}
	}
	return first.UTC()
}

// past tells whether a CA's date is over; one that it did not give never is.
func (s *session) past(date time.Time) bool { return !date.IsZero() && s.Clock.Now().After(date) }

// takeTurn counts an order against the limit that the operator set, before it is
// made.
func (s *session) takeTurn(ctx context.Context) error {
	limit, window, now := s.ca.config.OrdersLimit, s.ca.config.OrdersWindow, s.Clock.Now()
	var free time.Time
	s.order.Openings++
	err := s.save(ctx, func(tx chancery.Tx) error {
		free = time.Time{}
		if limit == 0 {
			return nil
		}
		if err := tx.ForgetACMEOpenings(s.order.Issuer, now.Add(-window)); err != nil {
			return err
		}
		count, oldest, err := tx.ACMEOpenings(s.order.Issuer, now.Add(-window))
		if err != nil {
			return err
		}
		if count >= limit {
			free = oldest.Add(window)
			return errLimit
		}
		return tx.AddACMEOpening(s.order.Issuer, now)
	})
	if errors.Is(err, errLimit) {
		s.order.Openings--
		return s.busy(ctx, free, fmt.Sprintf("the limit of %d orders in %s at this CA is used up until %s", limit, window, free.Format(time.RFC3339)))
	}
	return err
}

var errLimit = errors.New("the issuer's limit is used up")

// challengeType is the challenge of a method.
func challengeType(method chancery.Method) string {
	if method == chancery.FILE {
		return acme.HTTP01
	}
	return acme.DNS01
}

// openAuthorization gives what to publish for one name.
//
// All accounts of the service share one account at the CA, and a CA may take what
// one of them proved, or is about to prove, for another. So an authorization that
// is valid already, or that another account's order met first, counts only once
// the applicant has shown control by a proof of Chancery's own.
func (s *session) openAuthorization(ctx context.Context, i int) (v chancery.Validation, err error) {
	z := &s.order.Authorizations[i]
	authorization, err := s.ca.client.Authorization(ctx, z.URL)
	if err != nil {
		return v, err
	}
	name, ok := s.named(authorization, i)
	if !ok {
		return v, &acme.AnswerError{What: "an authorization is for another name than those of the order"}
	}
	z.Name = name
	var challenge acme.Challenge
	if authorization.Status == acme.Pending {
		if challenge, ok = authorization.Challenge(challengeType(s.method)); !ok {
			return v, s.refuse(ctx, true, fmt.Sprintf("the CA does not let %s be proved by %s", name, s.method))
		}
		if err := s.ca.client.Check(challenge); err != nil {
			return v, err
		}
	}
	if authorization.Status != acme.Pending && authorization.Status != acme.Valid || s.past(authorization.Expires) {
		return v, s.beginAgain(ctx, fmt.Sprintf("the CA's authorization for %s is %s, until %s", name, authorization.Status, authorization.Expires.Format(time.RFC3339)))
	}
	z.Challenge = challenge.URL
	s.well()
	err = s.save(ctx, func(tx chancery.Tx) error {
		_, owner, err := tx.ClaimACMEAuthorization(z.URL, s.order.AccountID, s.order.OrderID)
		if err != nil {
			return err
		}
		z.Own = !z.OwnSeen && (authorization.Status == acme.Valid || owner != s.order.AccountID)
		return nil
	})
	if err != nil {
		return v, err
	}
	failpoint.Hit("acme.authorization-saved")
	if z.Own {
		return s.ownProof(name)
	}
	return s.proof(name, challenge, authorization.Expires)
}

// named finds which of the order's names an authorization is for, each once.
func (s *session) named(z acme.Authorization, i int) (chancery.Name, bool) {
	for _, name := range s.names {
		if z.Identifier.Type != "dns" || !equalName(z.Name(), name) {
			continue
		}
		for j, other := range s.order.Authorizations {
			if j != i && other.Name == name {
				return "", false
			}
		}
		return name, true
	}
	return "", false
}

func (s *session) ownProof(name chancery.Name) (chancery.Validation, error) {
	own, err := chancery.NewValidations(chancery.Names{name}, s.method, s.Clock.Now())
	if err != nil {
		return chancery.Validation{}, err
	}
	return own[0], nil
}

func (s *session) proof(name chancery.Name, challenge acme.Challenge, expires time.Time) (chancery.Validation, error) {
	authorization, err := acme.KeyAuthorization(challenge.Token, s.ca.client.Key)
	if err != nil {
		return chancery.Validation{}, err
	}
	v := chancery.Validation{Name: name.Base(), Method: s.method, ExpiresAt: expires}
	if s.method == chancery.FILE {
		v.Place, v.Token = chancery.ACMEProofPath+challenge.Token, authorization
	} else {
		v.Place, v.Token = chancery.ACMEProofLabel+"."+string(name.Base()), acme.RecordValue(authorization)
	}
	return v, nil
}
