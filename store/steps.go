package store

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddStep(s chancery.Step) error {
	err := t.sql.AddStep(t.ctx, query.AddStepParams{
		ID: chancery.NewID(), Kind: string(s.Kind), AccountID: int64(s.AccountID), OrderID: int64(s.OrderID), Subject: s.Subject, DueAt: toMillis(s.DueAt),
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
		OrderID: chancery.OrderID(row.OrderID), Subject: row.Subject, DueAt: fromMillis(row.DueAt), Attempts: row.Attempts,
		LastRunAt: fromMillis(row.LastRunAt), LastError: row.LastError, Cause: row.Cause,
		ParkedAt: fromMillis(row.ParkedAt), Version: row.Version,
	}
}

// RenewSteps is two statements however many steps there are; sqlc has no word for a
// list of pairs that both engines understand. What another transaction holds at the
// moment is passed over: it is being finished or put off, by us or by who has it now, and
// to wait for several of those could be a deadlock.
func (t *tx) RenewSteps(steps []chancery.Step, lease time.Duration) (ours []chancery.Step, err error) {
	if len(steps) == 0 {
		return nil, nil
	}
	pairs := "(VALUES (CAST($1 AS BIGINT), CAST($2 AS BIGINT))"
	arguments := []any{steps[0].ID, steps[0].Version}
	for _, s := range steps[1:] {
		pairs += fmt.Sprintf(", ($%d, $%d)", len(arguments)+1, len(arguments)+2)
		arguments = append(arguments, s.ID, s.Version)
	}
	pairs += ")"
	renew := fmt.Sprintf("UPDATE steps SET lease_until = now_ms() + $%d WHERE id IN (SELECT s.id FROM steps s WHERE (s.id, s.version) IN %s%s)",
		len(arguments)+1, pairs, t.backend.skipLocked())
	if _, err := t.exec.ExecContext(t.ctx, renew, append(arguments, lease.Milliseconds())...); err != nil {
		return nil, fmt.Errorf("renewing leases: %w", err)
	}
	rows, err := t.exec.QueryContext(t.ctx, "SELECT id, version FROM steps WHERE (id, version) IN "+pairs, arguments...)
	if err != nil {
		return nil, fmt.Errorf("renewing leases: %w", err)
	}
	defer func() { _ = rows.Close() }()
	still := map[[2]int64]bool{}
	for rows.Next() {
		var id, version int64
		if err := rows.Scan(&id, &version); err != nil {
			return nil, fmt.Errorf("renewing leases: %w", err)
		}
		still[[2]int64{id, version}] = true
	}
	for _, s := range steps {
		if still[[2]int64{s.ID, s.Version}] {
			ours = append(ours, s)
		}
	}
	return ours, rows.Err()
}

func (t *tx) NextStep() (time.Time, error) {
	due, err := t.sql.NextStep(t.ctx)
	return fromMillis(due), found("looking for the next step", err)
}

// RecallSteps implements chancery.StepTx.
func (t *tx) RecallSteps(now time.Time) (int64, error) {
	const (
		clocksDiffer = time.Minute // between nodes, and nobody minds
		longestLease = 10 * time.Minute
	)
	recalled, err := t.sql.RecallSteps(t.ctx, query.RecallStepsParams{
		Now: toMillis(now), BegunBy: toMillis(now.Add(clocksDiffer)), FirstDueBy: toMillis(now.Add(chancery.FirstPause)),
		DueBy: toMillis(now.Add(chancery.LongestPause)), LongestLease: longestLease.Milliseconds(),
	})
	if err != nil {
		return 0, fmt.Errorf("recalling steps: %w", err)
	}
	return recalled, nil
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

// parkedDue is when a parked step is due: on 31 December 9999, as NextStep knows too.
const parkedDue = 253402214400000

func (t *tx) FailStep(s chancery.Step, f chancery.StepFailure) error {
	due := toMillis(f.Due)
	if !f.ParkedAt.IsZero() {
		due = parkedDue
	}
	rows, err := t.sql.FailStep(t.ctx, query.FailStepParams{
		DueAt: due, ParkedAt: toMillis(f.ParkedAt), LastError: f.Reason, Cause: f.Cause, ID: s.ID, Version: s.Version,
	})
	return changed("keeping that a step failed", rows, err, chancery.ErrLeaseLost)
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

func (t *tx) Steps(filter chancery.StepFilter, most int) ([]chancery.Step, error) {
	limit := int32(min(most, math.MaxInt32)) //nolint:gosec // it fits
	var rows []query.Step
	var err error
	switch {
	case filter.Order != 0:
		rows, err = t.sql.StepsOfOrder(t.ctx, int64(filter.Order))
	case filter.Parked:
		rows, err = t.sql.StepsParked(t.ctx, limit)
	default:
		rows, err = t.sql.StepsByDue(t.ctx, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("listing steps: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(row query.Step) bool { return filter.Parked && row.ParkedAt == 0 })
	return each(rows[:min(len(rows), most)], stepOf), nil
}

func (t *tx) Step(id int64) (chancery.Step, error) {
	row, err := t.sql.StepOfID(t.ctx, id)
	return stepOf(row), found("looking for a step", err)
}

func (t *tx) RetryStep(id int64, now time.Time) error {
	rows, err := t.sql.RetryStep(t.ctx, query.RetryStepParams{Now: toMillis(now), ID: id})
	return changed("having a step tried again", rows, err, chancery.ErrConflict)
}

func (t *tx) StepBacklog(now time.Time) (chancery.StepBacklog, error) {
	backlog := chancery.StepBacklog{Parked: map[chancery.StepKind]int64{}, Waiting: map[chancery.StepKind]int64{}}
	parked, err := t.sql.CountParkedSteps(t.ctx)
	if err != nil {
		return backlog, fmt.Errorf("counting parked steps: %w", err)
	}
	for _, row := range parked {
		backlog.Parked[chancery.StepKind(row.Kind)] = row.Count
	}
	due, err := t.sql.CountDueSteps(t.ctx, toMillis(now))
	if err != nil {
		return backlog, fmt.Errorf("counting steps that are due: %w", err)
	}
	for _, row := range due {
		backlog.Waiting[chancery.StepKind(row.Kind)] = row.Count
	}
	if len(due) > 0 {
		backlog.OldestDue, err = t.NextStep()
	}
	return backlog, err
}
