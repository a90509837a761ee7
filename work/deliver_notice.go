package work

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chancery"
)

const (
	// noticePatience is how long delivering a notice is tried.
	noticePatience = 24 * time.Hour
	// longestSilence bounds the pauses between attempts at a target that fails.
	longestSilence = time.Hour
	// mostDeliveries are made by a node at once, so that targets that hang keep no other
	// work waiting.
	mostDeliveries = 8
)

// What an attempt came to, for the metrics.
const (
	noticeSent    = "sent"
	noticeFailed  = "failed" // and is tried again
	noticeGivenUp = "given-up"
)

// deliverNotice takes a notice to one target. A target that fails is left alone for a
// while, with all that waits for it, and the pauses grow; after a day a notice is given up.
func (w *Worker) deliverNotice(ctx context.Context, step chancery.Step) error {
	var delivery chancery.Delivery
	var notice chancery.Notice
	var target chancery.NoticeTarget
	err := w.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if delivery, err = tx.Delivery(step.AccountID, step.Subject); err != nil {
			return err
		}
		if notice, err = tx.Notice(step.AccountID, delivery.NoticeID); err != nil {
			return err
		}
		target, err = tx.NoticeTarget(step.AccountID, delivery.TargetID)
		return err
	})
	now := w.Clock.Now()
	switch {
	case errors.Is(err, chancery.ErrNotFound): // the target was removed
		return w.finish(ctx, step)
	case err != nil:
		return fmt.Errorf("loading a notice: %w", err)
	case w.Courier == nil:
		return &chancery.WaitError{Until: now.Add(spread(unknownPause)), Reason: "it waits for a node that delivers notices"}
	case now.Before(target.NotBefore) && !overdue(notice, now):
		return &chancery.WaitError{Until: latestTry(notice, target.NotBefore), Reason: "the target failed, and is left alone for a while: " + target.Error}
	case now.Before(target.NotBefore):
		return w.keepAttempt(ctx, step, notice, now, &chancery.UndeliveredError{Reason: target.Error}, false)
	}
	release, free := w.sending.take(target.ID)
	if !free {
		return &chancery.WaitError{Until: now.Add(spread(time.Second)), Reason: "another notice is on its way"}
	}
	defer release()
	err = w.Courier.Deliver(ctx, notice, target)
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("delivering a notice: %w", err)
	}
	return w.keepAttempt(ctx, step, notice, w.Clock.Now(), err, true)
}

func overdue(n chancery.Notice, now time.Time) bool { return !now.Before(n.At.Add(noticePatience)) }

// latestTry is due, or when the notice is given up if that comes first.
func latestTry(n chancery.Notice, due time.Time) time.Time {
	if end := n.At.Add(noticePatience); due.After(end) {
		return end
	}
	return due
}

// keepAttempt keeps what an attempt came to, and when the next one is.
func (w *Worker) keepAttempt(ctx context.Context, step chancery.Step, notice chancery.Notice, now time.Time, failure error, tried bool) error {
	outcome := ""
	err := w.Store.Write(ctx, func(tx chancery.Tx) error {
		// Read again: other deliveries to the target may have ended meanwhile.
		delivery, err := tx.Delivery(step.AccountID, step.Subject)
		if errors.Is(err, chancery.ErrNotFound) {
			return tx.FinishStep(step)
		}
		if err != nil {
			return err
		}
		target, err := tx.NoticeTarget(step.AccountID, delivery.TargetID)
		if err != nil {
			return err
		}
		undelivered := undeliveredOf(failure)
		if tried {
			delivery.Attempts, delivery.At = delivery.Attempts+1, now
			fare(&target, undelivered, now)
			if err := tx.MarkNoticeTarget(target); err != nil {
				return err
			}
		}
		outcome = settleDelivery(&delivery, undelivered, overdue(notice, now))
		if err := tx.UpdateDelivery(delivery); err != nil {
			return err
		}
		if delivery.State == chancery.DeliveryWaits {
			return tx.DeferStep(step, latestTry(notice, target.NotBefore), delivery.Error)
		}
		return tx.FinishStep(step)
	})
	if err != nil {
		return fmt.Errorf("keeping what became of a notice: %w", err)
	}
	if outcome != "" {
		w.Metrics.countNotice(notice.Kind, outcome)
		w.Log.Info("a notice was delivered, or not", "notice", notice.ID, "kind", notice.Kind, "account", notice.AccountID, "outcome", outcome, "error", failure)
	}
	return nil
}

// settleDelivery says where the delivery stands now, and the outcome for the metrics.
func settleDelivery(d *chancery.Delivery, failure *chancery.UndeliveredError, late bool) (outcome string) {
	switch {
	case failure == nil:
		d.State, d.Error, outcome = chancery.DeliverySent, "", noticeSent
	case failure.Gone || late:
		d.State, d.Error, outcome = chancery.DeliveryGivenUp, failure.Reason, noticeGivenUp
	default:
		d.Error, outcome = failure.Reason, noticeFailed
	}
	return outcome
}

func undeliveredOf(err error) *chancery.UndeliveredError {
	var undelivered *chancery.UndeliveredError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &undelivered):
		return undelivered
	}
	return &chancery.UndeliveredError{Reason: "the service failed; its log tells the operator why"}
}

// fare keeps in a target how an attempt went.
func fare(t *chancery.NoticeTarget, failure *chancery.UndeliveredError, now time.Time) {
	if failure == nil {
		t.SentAt, t.NotBefore, t.Failures = now, time.Time{}, 0
		return
	}
	const first = 5 * time.Second
	t.FailedAt, t.Error = now, failure.Reason
	t.NotBefore = now.Add(spread(min(first<<min(t.Failures, 20), longestSilence)))
	if failure.After.After(t.NotBefore) {
		t.NotBefore = failure.After
	}
	t.Failures++
}

// sending are the targets that a node has a delivery to in hand, so that one that hangs
// or is slow takes one at a time.
type sending struct {
	mu      sync.Mutex // guards targets
	targets map[int64]bool
}

func (s *sending) take(target int64) (release func(), free bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.targets[target] || len(s.targets) >= mostDeliveries {
		return nil, false
	}
	if s.targets == nil {
		s.targets = map[int64]bool{}
	}
	s.targets[target] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.targets, target)
	}, true
}
