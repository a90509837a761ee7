package issuer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chancery"
)

// session is one call of Open or Issue for an order: the CA that has it, and the
// record of what the CA was asked, which is written before the CA is asked the
// next thing.
type session struct {
	*ACME

	ca     *authority
	order  chancery.ACMEOrder
	names  chancery.Names
	method chancery.Method // of Open
	until  time.Time       // when waiting makes no sense any more; zero: no such time
}

// begin reads the record. Nothing is asked of the CA before the time it gave.
func (a *ACME) begin(ctx context.Context, account chancery.AccountID, id chancery.OrderID, names chancery.Names) (*session, error) {
	s := &session{ACME: a, names: names}
	err := a.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		s.order, err = tx.ACMEOrder(account, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what the CA was asked for order %d: %w", id, err)
	}
	if pending(a.Clock.Now(), s.order.NotBefore) {
		return nil, &chancery.WaitError{Until: s.order.NotBefore, Reason: s.order.Problem}
	}
	s.ca, err = a.authority(ctx, s.order.Issuer)
	return s, err
}

// longestWait is for how long a CA is left alone at most: less than any step may sleep
// (chancery.LongestPause).
const longestWait = 31 * 24 * time.Hour

// pending tells whether a time is still to come that somebody waits for. One that is
// further off than anybody waits was set by a clock that was ahead.
func pending(now, until time.Time) bool { return now.Before(until) && until.Sub(now) <= longestWait }

// save writes the record after what commits with it. If somebody else works on the
// order too and was first, this call ends.
func (s *session) save(ctx context.Context, also ...func(chancery.Tx) error) error {
	// The limits of a CA are common to all accounts.
	err := s.Store.Write(chancery.Unconfine(ctx), func(tx chancery.Tx) error {
		for _, do := range also {
			if err := do(tx); err != nil {
				return err
			}
		}
		return tx.UpdateACMEOrder(s.order)
	})
	if err != nil {
		return fmt.Errorf("writing what the CA was asked for order %d: %w", s.order.OrderID, err)
	}
	s.order.Version++
	return nil
}

// wait keeps when the CA is asked again, and why not now. The CA is well.
func (s *session) wait(ctx context.Context, until time.Time, reason string) error {
	s.order.FailingSince = time.Time{}
	return s.putOff(ctx, until, reason)
}

func (s *session) putOff(ctx context.Context, until time.Time, reason string) error {
	until = earliest(until, s.Clock.Now().Add(longestWait))
	s.order.NotBefore, s.order.Problem = until, reason
	if err := s.save(ctx); err != nil {
		return err
	}
	return &chancery.WaitError{Until: until, Reason: reason}
}

// well forgets that the CA was failing, now that it has answered.
func (s *session) well() {
	s.order.FailingSince, s.order.NotBefore, s.order.Problem = time.Time{}, time.Time{}, ""
}

// next is the issuer that may take the order over: the first fallback of the one
// that had it first, which was not tried and is still configured.
func (s *session) next(ctx context.Context) (name string, err error) {
	first := s.order.Issuer
	if len(s.order.Tried) > 0 {
		first = s.order.Tried[0]
	}
	err = s.Store.Read(ctx, func(tx chancery.Tx) error {
		config, err := tx.ACMEIssuer(first)
		if err != nil {
			return err
		}
		for _, candidate := range config.Fallbacks {
			if candidate == s.order.Issuer || slices.Contains(s.order.Tried, candidate) {
				continue
			}
			if _, err := tx.ACMEIssuer(candidate); err == nil {
				name = candidate
				return nil
			}
		}
		return nil
	})
	if errors.Is(err, chancery.ErrNotFound) {
		return "", nil
	}
	return name, err
}

// mayLeave tells whether no certificate can come of the order at this CA any more:
// else another would make a second one.
func (s *session) mayLeave() bool { return s.order.FinalizedAt.IsZero() }

// moveOn gives the order to another issuer, which the applicant can read.
func (s *session) moveOn(ctx context.Context, to, reason string) error {
	from := s.order.Issuer
	s.order.Close()
	s.order.Tried = append(slices.Clone(s.order.Tried), from)
	s.order.Issuer, s.order.BeganAgain, s.order.Problem = to, false, ""
	s.Log.Warn("an order goes on to the next issuer", "order", s.order.OrderID, "from", from, "to", to, "reason", reason)
	err := s.save(ctx, s.tell(chancery.NextIssuer, from, reason+"; "+to+" takes the order"))
	if err != nil {
		return err
	}
	return &chancery.ReopenError{Reason: reason}
}

// beginAgain has the same CA make a second order, once.
func (s *session) beginAgain(ctx context.Context, reason string) error {
	if s.order.BeganAgain {
		return s.refuse(ctx, true, "the CA's order came to nothing twice: "+reason)
	}
	s.order.Close()
	s.order.BeganAgain, s.order.Problem = true, ""
	if err := s.save(ctx, s.tell(chancery.BeginsAgain, s.order.Issuer, reason)); err != nil {
		return err
	}
	return &chancery.ReopenError{Reason: reason}
}

// refuse ends the order here: the next issuer takes it, if another might think
// differently and there is one.
func (s *session) refuse(ctx context.Context, othersMay bool, reason string) error {
	if othersMay && s.mayLeave() {
		to, err := s.next(ctx)
		if err != nil {
			return err
		}
		if to != "" {
			return s.moveOn(ctx, to, reason)
		}
	}
	return &chancery.RefusedError{Reason: reason}
}

// tell writes an issuer's word among the looks at the proof.
func (s *session) tell(finding chancery.Finding, issuer, detail string) func(chancery.Tx) error {
	return func(tx chancery.Tx) error {
		evidence := make([]chancery.Evidence, len(s.names))
		method := s.method
		if method == "" {
			method = chancery.DNS
		}
		for i, name := range s.names {
			evidence[i] = chancery.Evidence{
				At: s.Clock.Now(), Method: method, Name: name.Base(), Where: "issuer " + issuer, Finding: finding, Detail: detail, Count: 1,
			}
		}
		return tx.AddEvidence(s.order.AccountID, s.order.OrderID, evidence)
	}
}
