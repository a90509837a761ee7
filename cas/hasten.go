package cas

import (
	"context"
	"errors"
	"time"

	"chancery"
)

// hastening is what a call does to the next look at the proof of an order that waits
// for it.
type hastening int

const (
	leave hastening = iota
	told            // the caller is told for the first time what to publish
	nudge           // the look is due now
)

// hastens keeps polling clients to a write now and then, and lets nobody cause a look
// before anybody could have published: a resolver keeps for minutes that it found
// nothing.
func (s *Service) hastens(tx chancery.Tx, o chancery.Order) (hastening, error) {
	steps, err := tx.OrderSteps(o.AccountID, o.ID)
	now := s.Clock.Now()
	for _, step := range steps {
		switch {
		case step.Kind != chancery.AdvanceOrder || !step.ParkedAt.IsZero() || !step.DueAt.After(now):
		case step.LastRunAt.IsZero():
			return told, err
		case now.Sub(step.LastRunAt) >= nudgePause(now.Sub(o.CreatedAt)):
			return nudge, err
		}
	}
	return leave, err
}

// nudgePause is the least time between two looks that callers of an order so old can
// cause: a program that publishes in a moment has its certificate in a moment, and what
// polls for long causes a look in three seconds. The ten milliseconds are for who was
// told what to publish in one call and asks in the next.
func nudgePause(age time.Duration) time.Duration {
	return min(max(age/2-10*time.Millisecond, time.Millisecond), 3*time.Second)
}

// lookWait is how long a call waits for the look that it caused, and for the certificate:
// most take a few hundredths of a second.
const lookWait = 250 * time.Millisecond

// hasten does so, waits as long as told, and says whether the look has ended meanwhile.
func (s *Service) hasten(ctx context.Context, caller chancery.Caller, o chancery.Order, how hastening, wait time.Duration) (looked bool, err error) {
	now := s.Clock.Now()
	if how == told {
		err = s.Store.Write(ctx, func(tx chancery.Tx) error { return tx.MarkTold(caller.AccountID, o.ID, now) })
		return false, gone(err)
	}
	var ended <-chan struct{}
	if s.Watch != nil {
		watched, forget := s.Watch(o.ID)
		defer forget()
		ended = watched
	}
	err = s.Store.Write(ctx, func(tx chancery.Tx) error {
		return tx.HurryStep(caller.AccountID, o.ID, chancery.AdvanceOrder, now, now.Add(-nudgePause(now.Sub(o.CreatedAt))))
	})
	if err != nil {
		return false, gone(err)
	}
	s.Wake()
	if ended == nil {
		return false, nil
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-ended:
		return true, nil
	case <-late.C: // or another node has it
	case <-ctx.Done():
	}
	return false, nil
}

// gone forgives a caller who went away: the look comes in its own time.
func gone(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
