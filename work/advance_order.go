package work

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// advanceOrder takes an order one step on: it looks at the proof, and once that
// was seen has the issuer sign.
func (w *Worker) advanceOrder(ctx context.Context, step chancery.Step) error {
	var order chancery.Order
	var validations []chancery.Validation
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) (err error) {
		if order, err = tx.Order(step.AccountID, step.OrderID); err != nil {
			return err
		}
		validations, err = tx.Validations(step.AccountID, step.OrderID)
		return err
	})
	if errors.Is(err, chancery.ErrNotFound) {
		return w.finish(ctx, step)
	}
	if err != nil {
		return fmt.Errorf("loading order %d: %w", step.OrderID, err)
	}
	switch order.State {
	case chancery.DomainVerify:
		if w.unopened(validations) {
			return w.awaitProofs(ctx, step, order)
		}
		return w.look(ctx, step, order, validations)
	case chancery.Process:
		if order.Review == chancery.ReviewPending {
			return w.awaitReview(ctx, step)
		}
		return w.issue(ctx, step, order, issuing{})
	default:
		return w.finish(ctx, step)
	}
}

// awaitReview puts the step off; the operator's decision makes it due at once.
// The order is read again in the same transaction, since a decision that came
// meanwhile found the step in hand and could not hasten it.
func (w *Worker) awaitReview(ctx context.Context, step chancery.Step) error {
	const pause = time.Hour
	return w.Store.Write(ctx, func(tx chancery.Tx) error {
		due := w.Clock.Now()
		order, err := tx.Order(step.AccountID, step.OrderID)
		if err == nil && order.Review == chancery.ReviewPending {
			due = due.Add(pause)
		}
		return tx.PostponeStep(step, due, "")
	})
}

func (w *Worker) finish(ctx context.Context, step chancery.Step) error {
	return w.Store.Write(ctx, func(tx chancery.Tx) error { return tx.FinishStep(step) })
}

// look looks once at every proof that is still open and keeps what was found.
func (w *Worker) look(ctx context.Context, step chancery.Step, order chancery.Order, validations []chancery.Validation) error {
	found := w.lookAtAll(ctx, validations)
	if ctx.Err() != nil {
		return fmt.Errorf("looking at the proof of order %d: %w", order.ID, ctx.Err())
	}
	now := w.Clock.Now()
	switch {
	case found.all:
		order.ProvedAt = now
		if err := order.Apply(chancery.Proved); err != nil {
			return err
		}
		var err error
		if found.key, err = w.quickKey(order); err != nil {
			return err
		}
	case !now.Before(order.ProveBy) && !late(step.DueAt, now): // else the next look decides
		order.Reason = unprovedReason(order, found.evidence)
		if err := order.Apply(chancery.TimedOut); err != nil {
			return err
		}
	}
	failpoint.Hit("look.before-commit")
	err := w.Store.Write(ctx, func(tx chancery.Tx) error { return w.keepLook(tx, step, order, &found, now) })
	if err != nil {
		return fmt.Errorf("keeping a look at the proof of order %d: %w", order.ID, err)
	}
	if order.State != chancery.Process {
		return nil
	}
	if found.key != nil {
		failpoint.Hit("key.committed")
	}
	failpoint.Hit("look.committed")
	if order.Review == chancery.ReviewPending {
		return w.awaitReview(ctx, step)
	}
	order.Version++ // as it is stored now
	return w.issue(ctx, step, order, issuing{key: found.key, first: true})
}

// looks is what one round over an order's proofs came to.
type looks struct {
	evidence []chancery.Evidence
	proved   []chancery.Name // seen in this round
	all      bool            // nothing is open any more

	key *chancery.OrderKey // made since all is proved; nil if the order has one or needs none
}

// lookAtAll looks at the open proofs side by side, since each may take seconds.
func (w *Worker) lookAtAll(ctx context.Context, validations []chancery.Validation) looks {
	proved := make([]bool, len(validations))
	evidence := make([][]chancery.Evidence, len(validations))
	panics := make([]any, len(validations))
	var each sync.WaitGroup
	for i, v := range validations {
		if proved[i] = !v.ProvedAt.IsZero(); !proved[i] {
			each.Go(func() {
				// A panic belongs to this step, whose goroutine turns it into a failure.
				defer func() { panics[i] = recover() }()
				proved[i], evidence[i] = w.Looker.Look(ctx, v)
			})
		}
	}
	each.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	found := looks{evidence: slices.Concat(evidence...), all: !slices.Contains(proved, false)}
	for i, v := range validations {
		if proved[i] && v.ProvedAt.IsZero() {
			found.proved = append(found.proved, v.Name)
		}
	}
	return found
}

func (w *Worker) keepLook(tx chancery.Tx, step chancery.Step, order chancery.Order, found *looks, now time.Time) error {
	if err := tx.AddEvidence(order.AccountID, order.ID, found.evidence); err != nil {
		return err
	}
	failpoint.Hit("look.evidence-written")
	for _, name := range found.proved {
		if err := tx.MarkProved(order.AccountID, order.ID, name, now); err != nil {
			return err
		}
	}
	switch order.State {
	case chancery.DomainVerify:
		return tx.PostponeStep(step, now.Add(nextLook(now.Sub(order.CreatedAt), order.ProveBy.Sub(now))), "")
	case chancery.Process:
		if err := tx.UpdateOrder(order); err != nil {
			return err
		}
		if err := keepKey(tx, found); err != nil {
			return err
		}
		return tx.ContinueStep(step, now)
	default: // verify_fail: an unused key is of no more use
		return failOrder(tx, step, order, now)
	}
}

// keepKey stores the key that was made, unless the order has one already, as when its
// proofs were given anew.
func keepKey(tx chancery.Tx, found *looks) error {
	if found.key == nil {
		return nil
	}
	err := tx.AddOrderKey(*found.key)
	if errors.Is(err, chancery.ErrConflict) {
		found.key = nil
		return nil
	}
	failpoint.Hit("key.before-commit")
	return err
}

// failOrder writes an order that has failed, with the notice of it, and ends work on it.
func failOrder(tx chancery.Tx, step chancery.Step, order chancery.Order, now time.Time) error {
	if err := tx.UpdateOrder(order); err != nil {
		return err
	}
	if err := tx.AddNotice(chancery.NewFailedOrder(order, now)); err != nil {
		return err
	}
	return endWork(tx, step)
}

// endWork removes all that is left to do for an order, and its unused key.
func endWork(tx chancery.Tx, step chancery.Step) error {
	if err := tx.FinishStep(step); err != nil {
		return err
	}
	if err := tx.DeleteOrderSteps(step.AccountID, step.OrderID); err != nil {
		return err
	}
	return tx.DeleteOrderKey(step.AccountID, step.OrderID)
}

// nextLook pauses for about a tenth of the order's age: seconds while the
// applicant is at work, ten minutes at the most, and never past the deadline; but ten
// minutes when that is past already.
func nextLook(age, left time.Duration) time.Duration {
	const longest = 10 * time.Minute
	if left <= 0 {
		return longest
	}
	pause := min(max(age/10, 2*time.Second), longest)
	return min(pause, max(left, time.Second))
}

func unprovedReason(order chancery.Order, evidence []chancery.Evidence) string {
	reason := fmt.Sprintf("no valid proof of control of %s was seen by %s", order.Names, order.ProveBy.Format(time.RFC3339))
	if len(evidence) > 0 {
		last := evidence[len(evidence)-1]
		reason += fmt.Sprintf("; the last look (%s) found: %s", last.Where, last.Finding)
		if last.Detail != "" {
			reason += " (" + last.Detail + ")"
		}
	}
	return reason
}
