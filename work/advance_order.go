package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// advanceOrder takes an order one step on: it looks at the proof, and once that
// was seen has the issuer sign.
func (w *Worker) advanceOrder(ctx context.Context, step chancery.Step) error {
	var order chancery.Order
	var validation chancery.Validation
	err := w.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if order, err = tx.Order(step.AccountID, step.OrderID); err != nil {
			return err
		}
		validation, err = tx.Validation(step.AccountID, step.OrderID)
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
		return w.look(ctx, step, order, validation)
	case chancery.Process:
		return w.issue(ctx, step, order)
	default:
		return w.finish(ctx, step)
	}
}

func (w *Worker) finish(ctx context.Context, step chancery.Step) error {
	return w.Store.Write(ctx, func(tx chancery.Tx) error { return tx.FinishStep(step) })
}

// look looks at the proof once and keeps what was found.
func (w *Worker) look(ctx context.Context, step chancery.Step, order chancery.Order, validation chancery.Validation) error {
	proved, evidence := w.Looker.Look(ctx, validation)
	if ctx.Err() != nil {
		return fmt.Errorf("looking at the proof of order %d: %w", order.ID, ctx.Err())
	}
	now := w.Clock.Now()
	switch {
	case proved:
		order.ProvedAt = now
		if err := order.Apply(chancery.Proved); err != nil {
			return err
		}
	case !now.Before(order.ProveBy):
		order.Reason = unprovedReason(order, evidence)
		if err := order.Apply(chancery.TimedOut); err != nil {
			return err
		}
	}
	failpoint.Hit("look.before-commit")
	err := w.Store.Write(ctx, func(tx chancery.Tx) error { return w.keepLook(tx, step, order, evidence, now) })
	if err != nil {
		return fmt.Errorf("keeping a look at the proof of order %d: %w", order.ID, err)
	}
	if !proved {
		return nil
	}
	failpoint.Hit("look.committed")
	w.Wake()
	return nil
}

func (w *Worker) keepLook(tx chancery.Tx, step chancery.Step, order chancery.Order, evidence []chancery.Evidence, now time.Time) error {
	if err := tx.AddEvidence(order.AccountID, order.ID, evidence); err != nil {
		return err
	}
	switch order.State {
	case chancery.DomainVerify:
		return tx.PostponeStep(step, now.Add(nextLook(now.Sub(order.CreatedAt), order.ProveBy.Sub(now))), "")
	case chancery.Process:
		if err := tx.UpdateOrder(order); err != nil {
			return err
		}
		return tx.PostponeStep(step, now, "")
	default: // verify_fail: an unused key is of no more use
		if err := tx.UpdateOrder(order); err != nil {
			return err
		}
		return endWork(tx, step)
	}
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
// applicant is at work, ten minutes at the most, and never past the deadline.
func nextLook(age, left time.Duration) time.Duration {
	pause := min(max(age/10, 2*time.Second), 10*time.Minute)
	return min(pause, max(left, time.Second))
}

func unprovedReason(order chancery.Order, evidence []chancery.Evidence) string {
	reason := fmt.Sprintf("no valid proof of control of %s was seen by %s", order.Name.Base(), order.ProveBy.Format(time.RFC3339))
	if len(evidence) > 0 {
		last := evidence[len(evidence)-1]
		reason += fmt.Sprintf("; the last look (%s) found: %s", last.Where, last.Finding)
		if last.Detail != "" {
			reason += " (" + last.Detail + ")"
		}
	}
	return reason
}
