package work

import (
	"context"
	"fmt"
	"time"

	"chancery"
)

const sweepPause = 10 * time.Minute

// sweep removes nonces and submission records that have run out, brings lists up
// to date, and comes back.
func (w *Worker) sweep(ctx context.Context, step chancery.Step) error {
	now := w.Clock.Now()
	if err := w.settleLists(ctx, now); err != nil {
		return fmt.Errorf("sweeping: %w", err)
	}
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

// settleLists moves on what changed its status by date, in small transactions,
// so that a list that is asked for has little left to do.
func (w *Worker) settleLists(ctx context.Context, now time.Time) error {
	const batch = 500
	for {
		moved := 0
		err := w.Store.Write(ctx, func(tx chancery.Tx) (err error) {
			moved, err = tx.SettleLists(0, now, batch)
			return err
		})
		if err != nil || moved < batch {
			return err
		}
	}
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
