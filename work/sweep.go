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
	// noticesKept is for how long notices can be looked at.
	noticesKept = 90 * 24 * time.Hour
)

// sweep removes nonces, submission records, sessions, notices and audit lines that have run
// out, brings lists up to date, and comes back.
func (w *Worker) sweep(ctx context.Context, step chancery.Step) error {
	now := w.Clock.Now()
	if err := w.settleLists(ctx, now); err != nil {
		return fmt.Errorf("sweeping: %w", err)
	}
	if err := w.forgetAudit(ctx, now); err != nil {
		return fmt.Errorf("sweeping the audit log: %w", err)
	}
	err := w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error {
		if err := tx.ForgetNonces(now); err != nil {
			return err
		}
		if err := tx.ForgetSessions(now.Add(-sessionsKept)); err != nil {
			return err
		}
		if err := tx.DeleteSubmissionsBefore(now); err != nil {
			return err
		}
		if err := tx.ForgetNotices(now.Add(-noticesKept)); err != nil {
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

// forgetAudit removes old lines of every account, in small transactions.
func (w *Worker) forgetAudit(ctx context.Context, now time.Time) error {
	const batch = 1000
	if w.AuditKeep == 0 {
		return nil
	}
	var accounts []chancery.Account
	err := w.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		accounts, err = tx.Accounts()
		return err
	})
	for i := 0; err == nil && i < len(accounts); {
		var removed int64
		err = w.Store.Write(chancery.Confine(ctx, accounts[i].ID), func(tx chancery.Tx) (err error) {
			removed, err = tx.ForgetAudit(accounts[i].ID, now.Add(-w.AuditKeep), batch)
			return err
		})
		if removed < batch {
			i++
		}
	}
	return err
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
