package work

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chancery"
)

const (
	sweepPause = 10 * time.Minute
	// sessionsKept is for how long who uses an expired session is told that it is that.
	sessionsKept = 7 * 24 * time.Hour
	// auditBite is how much of an account's audit log one sweep removes at most.
	auditBite = 24 * time.Hour
	// noticesKept is for how long notices can be looked at.
	noticesKept = 90 * 24 * time.Hour
)

// sweep removes nonces, submission records, sessions of roles and of the console, ready keys,
// notices and audit lines that have run out, brings lists up to date, and comes back.
//
// What is removed is gone, and the clock may be wrong. So the first sweep that finds
// much more time gone by than between two sweeps removes nothing: whoever set the clock
// wrong has until the next one. And of the audit log none takes more than a day.
func (w *Worker) sweep(ctx context.Context, step chancery.Step) error {
	now := w.Clock.Now()
	if err := w.settleLists(ctx, now); err != nil {
		return fmt.Errorf("sweeping: %w", err)
	}
	jumped := late(step.DueAt, now)
	if jumped {
		w.Log.Warn("the last sweep was long ago, or the clock was set: nothing is removed before the next one", "due", step.DueAt, "now", now)
	} else if err := w.forgetAudit(ctx, now); err != nil {
		return fmt.Errorf("sweeping the audit log: %w", err)
	}
	err := w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error {
		if !jumped {
			if err := forget(tx, now); err != nil {
				return err
			}
		}
		return tx.PostponeStep(step, now.Add(sweepPause), "")
	})
	if err != nil {
		return fmt.Errorf("sweeping: %w", err)
	}
	return nil
}

func forget(tx chancery.Tx, now time.Time) error {
	if err := tx.ForgetNonces(now); err != nil {
		return err
	}
	if err := tx.ForgetSessions(now.Add(-sessionsKept)); err != nil {
		return err
	}
	if err := tx.SweepConsole(now, now.Add(-chancery.ConsoleIdle)); err != nil {
		return err
	}
	if err := tx.ForgetNotices(now.Add(-noticesKept)); err != nil {
		return err
	}
	if err := tx.ForgetReadyKeys(now.Add(-readyKeysKept)); err != nil {
		return err
	}
	return tx.DeleteSubmissionsBefore(now)
}

// settleLists moves on what changed its status by date, so that a list that is asked
// for has little left to do.
func (w *Worker) settleLists(ctx context.Context, now time.Time) error {
	return w.inBatches(ctx, func(tx chancery.Tx, most int64) (int, error) { return tx.SettleLists(0, now, most) })
}

// inBatches does something to many rows in small transactions.
func (w *Worker) inBatches(ctx context.Context, do func(tx chancery.Tx, most int64) (int, error)) error {
	const batch = 500
	for {
		done := 0
		err := w.Store.Write(ctx, func(tx chancery.Tx) (err error) {
			done, err = do(tx, batch)
			return err
		})
		if err != nil || done < batch {
			return err
		}
	}
}

// forgetAudit removes old lines of every account, in small transactions.
func (w *Worker) forgetAudit(ctx context.Context, now time.Time) error {
	const batch = 1000
	if w.AuditKeep == 0 {
		return nil
	}
	var accounts []chancery.Account
	until := map[chancery.AccountID]time.Time{}
	err := w.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if accounts, err = tx.Accounts(); err != nil {
			return err
		}
		for _, account := range accounts {
			oldest, err := tx.AuditLines(account.ID, chancery.AuditFilter{Most: 1})
			if err != nil {
				return err
			}
			until[account.ID] = auditEnd(oldest, now.Add(-w.AuditKeep))
		}
		return nil
	})
	for i := 0; err == nil && i < len(accounts); {
		var removed int64
		err = w.Store.Write(chancery.Confine(ctx, accounts[i].ID), func(tx chancery.Tx) (err error) {
			removed, err = tx.ForgetAudit(accounts[i].ID, until[accounts[i].ID], batch)
			return err
		})
		if removed < batch {
			i++
		}
	}
	return err
}

// auditEnd is where a sweep stops that would remove everything before a time.
func auditEnd(oldest []chancery.AuditLine, before time.Time) time.Time {
	if len(oldest) > 0 && oldest[0].At.Add(auditBite).Before(before) {
		return oldest[0].At.Add(auditBite)
	}
	return before
}

// rounds are the steps that a database has once each, and that come back by themselves.
var rounds = []chancery.StepKind{chancery.Sweep, chancery.FindExpiring, chancery.FindTrouble}

// EnsureRounds adds those of them that the database does not have.
func EnsureRounds(ctx context.Context, store chancery.Store, now time.Time) error {
	return store.Write(ctx, func(tx chancery.Tx) error {
		steps, err := tx.OrderSteps(0, 0)
		if err != nil {
			return err
		}
		for _, kind := range rounds {
			if slices.ContainsFunc(steps, func(s chancery.Step) bool { return s.Kind == kind }) {
				continue
			}
			if err := tx.AddStep(chancery.Step{Kind: kind, DueAt: now}); err != nil {
				return err
			}
		}
		return nil
	})
}
