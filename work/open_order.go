package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// openOrder has the issuer of an order say what to publish for each name.
func (w *Worker) openOrder(ctx context.Context, step chancery.Step) error {
	var order chancery.Order
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) (err error) {
		order, err = tx.Order(step.AccountID, step.OrderID)
		return err
	})
	if errors.Is(err, chancery.ErrNotFound) || err == nil && order.State != chancery.DomainVerify {
		return w.finish(ctx, step)
	}
	if err != nil {
		return fmt.Errorf("loading order %d: %w", step.OrderID, err)
	}
	issuer, err := w.issuerOf(ctx, order)
	if err != nil {
		return fmt.Errorf("opening order %d: %w", order.ID, err)
	}
	prover, ok := issuer.(chancery.Prover)
	if !ok {
		return fmt.Errorf("opening order %d: its issuer sets no proofs", order.ID)
	}
	validations, err := prover.Open(ctx, chancery.OpenRequest{
		AccountID: order.AccountID, OrderID: order.ID, Names: order.Names, Method: order.Method, ProveBy: order.ProveBy,
	})
	var refused *chancery.RefusedError
	if errors.As(err, &refused) {
		w.Log.Warn("the issuer refused an order", "order", order.ID, "error", err)
		return w.refuse(ctx, step, order, refused.Reason)
	}
	if err != nil {
		return fmt.Errorf("opening order %d: %w", order.ID, err)
	}
	failpoint.Hit("open.before-commit")
	return w.keepProofs(ctx, step, validations)
}

// firstLook leaves the applicant, often a program, a moment to publish.
const firstLook = time.Second

func (w *Worker) keepProofs(ctx context.Context, step chancery.Step, validations []chancery.Validation) error {
	err := w.Store.Write(ctx, func(tx chancery.Tx) error {
		order, err := tx.Order(step.AccountID, step.OrderID)
		if err != nil || order.State != chancery.DomainVerify {
			return chancery.ErrConflict
		}
		for _, v := range validations {
			if err := tx.SetProof(v); err != nil {
				return err
			}
		}
		if err := tx.FinishStep(step); err != nil {
			return err
		}
		look := w.Clock.Now().Add(firstLook)
		return tx.HurryStep(order.AccountID, order.ID, chancery.AdvanceOrder, look, look)
	})
	if err != nil {
		return fmt.Errorf("storing the proofs of order %d: %w", step.OrderID, err)
	}
	failpoint.Hit("open.committed")
	w.Wake()
	return nil
}

// issuerOf finds who has an order: the CA that its record names, or the embedded
// one.
func (w *Worker) issuerOf(ctx context.Context, order chancery.Order) (chancery.Issuer, error) {
	name := chancery.LocalIssuer
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		at, err := tx.ACMEOrder(order.AccountID, order.ID)
		if errors.Is(err, chancery.ErrNotFound) {
			return nil
		}
		name = at.Issuer
		return err
	})
	if err != nil {
		return nil, err
	}
	return w.Issuers.Find(name)
}

// unopened tells whether there is nothing to look at: the issuer has not said yet
// what to publish, or takes it no more.
func (w *Worker) unopened(validations []chancery.Validation) bool {
	now := w.Clock.Now()
	for _, v := range validations {
		if !v.Given() || !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt) {
			return true
		}
	}
	return false
}

// awaitProofs waits for the issuer, has it asked anew where its proofs have
// expired, and ends an order whose time is up.
func (w *Worker) awaitProofs(ctx context.Context, step chancery.Step, order chancery.Order) error {
	now := w.Clock.Now()
	if !now.Before(order.ProveBy) && !late(step.DueAt, now) { // else the next look decides
		return w.neverOpened(ctx, step, order)
	}
	err := w.Store.Write(ctx, func(tx chancery.Tx) error {
		steps, err := tx.OrderSteps(order.AccountID, order.ID)
		if err != nil {
			return err
		}
		asking := false
		for _, s := range steps {
			asking = asking || s.Kind == chancery.OpenOrder
		}
		// Read again: the issuer may have answered since, and what it said must stay.
		validations, err := tx.Validations(order.AccountID, order.ID)
		if err != nil {
			return err
		}
		if !w.unopened(validations) {
			return tx.PostponeStep(step, now.Add(firstLook), "")
		}
		if !asking {
			if err := takeBack(tx, order, validations, now); err != nil {
				return err
			}
		}
		return tx.PostponeStep(step, now.Add(nextLook(now.Sub(order.CreatedAt), order.ProveBy.Sub(now))), "")
	})
	if err != nil {
		return fmt.Errorf("waiting for the proofs of order %d: %w", order.ID, err)
	}
	w.Wake()
	return nil
}

// takeBack has the issuer asked for new proofs.
func takeBack(tx chancery.Tx, order chancery.Order, validations []chancery.Validation, now time.Time) error {
	for _, v := range validations {
		v.Token, v.Place, v.ExpiresAt = "", "", time.Time{}
		if err := tx.SetProof(v); err != nil {
			return err
		}
	}
	return tx.AddStep(chancery.Step{Kind: chancery.OpenOrder, AccountID: order.AccountID, OrderID: order.ID, DueAt: now})
}

func (w *Worker) neverOpened(ctx context.Context, step chancery.Step, order chancery.Order) error {
	order.Reason = fmt.Sprintf("the CA did not say by %s what to publish", order.ProveBy.Format(time.RFC3339))
	if err := order.Apply(chancery.TimedOut); err != nil {
		return err
	}
	now := w.Clock.Now()
	err := w.Store.Write(ctx, func(tx chancery.Tx) error {
		steps, err := tx.OrderSteps(order.AccountID, order.ID)
		if err != nil {
			return err
		}
		late := order
		for _, s := range steps {
			if s.Kind == chancery.OpenOrder && s.LastError != "" {
				late.Reason += ": " + s.LastError
			}
		}
		return failOrder(tx, step, late, now)
	})
	if err != nil {
		return fmt.Errorf("ending order %d: %w", order.ID, err)
	}
	return nil
}

// reopenTime is what an applicant gets at least to publish new proofs.
const reopenTime = 24 * time.Hour

// reopen takes a proved order back to where it needs proofs.
func (w *Worker) reopen(ctx context.Context, step chancery.Step, order chancery.Order) error {
	if err := order.Apply(chancery.Reopened); err != nil {
		return err
	}
	now := w.Clock.Now()
	order.ProvedAt = time.Time{}
	if least := now.Add(reopenTime); order.ProveBy.Before(least) {
		order.ProveBy = least
	}
	err := w.Store.Write(ctx, func(tx chancery.Tx) error {
		validations, err := tx.Validations(order.AccountID, order.ID)
		if err != nil {
			return err
		}
		if err := takeBack(tx, order, validations, now); err != nil {
			return err
		}
		if err := tx.UpdateOrder(order); err != nil {
			return err
		}
		return tx.PostponeStep(step, now.Add(nextLook(0, order.ProveBy.Sub(now))), "")
	})
	if err != nil {
		return fmt.Errorf("reopening order %d: %w", order.ID, err)
	}
	failpoint.Hit("reopen.committed")
	w.Wake()
	return nil
}
