package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddStep(s chancery.Step) error {
	err := t.sql.AddStep(t.ctx, query.AddStepParams{
		ID: chancery.NewID(), Kind: string(s.Kind), AccountID: int64(s.AccountID), OrderID: int64(s.OrderID), DueAt: toMillis(s.DueAt),
	})
	if err != nil {
		return fmt.Errorf("adding a step: %w", err)
	}
	return nil
}

func (t *tx) ClaimSteps(now time.Time, lease time.Duration, most int) ([]chancery.Step, error) {
	rows, err := t.backend.claimSteps(t, query.ClaimStepsParams{Lease: lease.Milliseconds(), Now: toMillis(now), Most: int32(min(most, 1000))}) //nolint:gosec // it fits
	if err != nil {
		return nil, fmt.Errorf("claiming steps: %w", err)
	}
	// The rows of RETURNING come in no particular order.
	slices.SortFunc(rows, func(a, b query.Step) int { return cmp.Compare(a.DueAt, b.DueAt) })
	return each(rows, stepOf), nil
}

func stepOf(row query.Step) chancery.Step {
	return chancery.Step{
		ID: row.ID, Kind: chancery.StepKind(row.Kind), AccountID: chancery.AccountID(row.AccountID),
		OrderID: chancery.OrderID(row.OrderID), DueAt: fromMillis(row.DueAt), Attempts: row.Attempts,
		LastRunAt: fromMillis(row.LastRunAt), LastError: row.LastError, Version: row.Version,
	}
}

func (t *tx) NextStep() (time.Time, error) {
	due, err := t.sql.NextStep(t.ctx)
	return fromMillis(due), found("looking for the next step", err)
}

func (t *tx) FinishStep(s chancery.Step) error {
	rows, err := t.sql.FinishStep(t.ctx, query.FinishStepParams{ID: s.ID, Version: s.Version})
	return changed("finishing a step", rows, err, chancery.ErrLeaseLost)
}

func (t *tx) PostponeStep(s chancery.Step, due time.Time, lastError string) error {
	rows, err := t.sql.PostponeStep(t.ctx, query.PostponeStepParams{
		DueAt: toMillis(due), LastError: lastError, Failed: toFlag(lastError != ""), ID: s.ID, Version: s.Version,
	})
	return changed("postponing a step", rows, err, chancery.ErrLeaseLost)
}

func (t *tx) DeferStep(s chancery.Step, due time.Time, reason string) error {
	rows, err := t.sql.PostponeStep(t.ctx, query.PostponeStepParams{
		DueAt: toMillis(due), LastError: reason, Failed: toFlag(false), ID: s.ID, Version: s.Version,
	})
	return changed("deferring a step", rows, err, chancery.ErrLeaseLost)
}

func (t *tx) ContinueStep(s chancery.Step, now time.Time) error {
	rows, err := t.sql.ContinueStep(t.ctx, query.ContinueStepParams{DueAt: toMillis(now), ID: s.ID, Version: s.Version})
	return changed("continuing a step", rows, err, chancery.ErrLeaseLost)
}

func (t *tx) OrderSteps(account chancery.AccountID, order chancery.OrderID) ([]chancery.Step, error) {
	rows, err := t.sql.OrderSteps(t.ctx, query.OrderStepsParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return nil, fmt.Errorf("listing steps: %w", err)
	}
	return each(rows, stepOf), nil
}

func (t *tx) HurryStep(account chancery.AccountID, order chancery.OrderID, kind chancery.StepKind, now, notSince time.Time) error {
	err := t.sql.HurryStep(t.ctx, query.HurryStepParams{
		Now: toMillis(now), AccountID: int64(account), OrderID: int64(order), Kind: string(kind), NotSince: toMillis(notSince),
	})
	if err != nil {
		return fmt.Errorf("hurrying a step: %w", err)
	}
	return nil
}

func (t *tx) MarkTold(account chancery.AccountID, order chancery.OrderID, now time.Time) error {
	err := t.sql.MarkTold(t.ctx, query.MarkToldParams{Now: toMillis(now), AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return fmt.Errorf("marking that a proof was told: %w", err)
	}
	return nil
}

func (t *tx) DeleteOrderSteps(account chancery.AccountID, order chancery.OrderID) error {
	err := t.sql.DeleteOrderSteps(t.ctx, query.DeleteOrderStepsParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return fmt.Errorf("deleting steps: %w", err)
	}
	return nil
}
