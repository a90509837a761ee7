package work

import (
	"context"
	"fmt"
	"time"

	"chancery"
)

const sweepPause = 10 * time.Minute

// sweep removes nonces and submission records that have run out, and comes back.
func (w *Worker) sweep(ctx context.Context, step chancery.Step) error {
	now := w.Clock.Now()
	err := w.Store.Write(ctx, func(tx chancery.Tx) error {
		if err := tx.ForgetNonces(now); err != nil {
			return err
		}
		if err := tx.DeleteSubmissionsBefore(now); err != nil {
			return err
		}
		return tx.PostponeStep(step, now.Add(sweepPause), "")
	})
	if err != nil {
		return fmt.Errorf("sweeping: %w", err)
	}
	return nil
}

// EnsureSweep adds the one sweeping step that a database has.
func EnsureSweep(ctx context.Context, store chancery.Store, now time.Time) error {
	return store.Write(ctx, func(tx chancery.Tx) error {
		steps, err := tx.OrderSteps(0, 0)
		if err != nil || len(steps) > 0 {
			return err
		}
		return tx.AddStep(chancery.Step{Kind: chancery.Sweep, DueAt: now})
	})
}
