package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddPlan(p chancery.Plan) (chancery.Plan, error) {
	p.ID = chancery.NewID()
	err := t.sql.AddPlan(t.ctx, query.AddPlanParams{
		ID: p.ID, AccountID: int64(p.AccountID), ProductCode: p.ProductCode, Total: p.Total,
		GrantedAt: toMillis(p.GrantedAt), ExpiresAt: toMillis(p.ExpiresAt),
	})
	if err != nil {
		return p, fmt.Errorf("adding a plan: %w", err)
	}
	return p, nil
}

func (t *tx) Plans(account chancery.AccountID) ([]chancery.Plan, error) {
	rows, err := t.sql.Plans(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing plans: %w", err)
	}
	return each(rows, planOf), nil
}

func planOf(row query.Plan) chancery.Plan {
	return chancery.Plan{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), ProductCode: row.ProductCode,
		Total: row.Total, Used: row.Used,
		GrantedAt: fromMillis(row.GrantedAt), ExpiresAt: fromMillis(row.ExpiresAt),
	}
}

func (t *tx) TakeUnit(account chancery.AccountID, product string, order chancery.OrderID, now time.Time) (int64, error) {
	plan, err := t.debit(account, product, now)
	if err != nil {
		return 0, err
	}
	rows, err := t.sql.AddLedgerLine(t.ctx, query.AddLedgerLineParams{
		OrderID: int64(order), Kind: string(chancery.Debit), AccountID: int64(account), PlanID: plan, At: toMillis(now),
	})
	return plan, changed("writing the ledger", rows, err, chancery.ErrConflict)
}

func (t *tx) debit(account chancery.AccountID, product string, now time.Time) (int64, error) {
	for {
		plan, err := t.sql.TakeUnit(t.ctx, query.TakeUnitParams{AccountID: int64(account), ProductCode: product, Now: toMillis(now)})
		if err == nil {
			return plan, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("taking a unit: %w", err)
		}
		// Another transaction may have taken the last unit of the plan that was
		// chosen while a second plan still has some.
		left, err := t.sql.CountPlansWithUnits(t.ctx, query.CountPlansWithUnitsParams{AccountID: int64(account), ProductCode: product, Now: toMillis(now)})
		if err != nil {
			return 0, fmt.Errorf("counting plans: %w", err)
		}
		if left == 0 {
			return 0, chancery.ErrNotFound
		}
	}
}

func (t *tx) ReturnUnit(account chancery.AccountID, order chancery.OrderID, now time.Time) error {
	debit, err := t.sql.DebitOf(t.ctx, query.DebitOfParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return found("reading the ledger", err)
	}
	rows, err := t.sql.AddLedgerLine(t.ctx, query.AddLedgerLineParams{
		OrderID: int64(order), Kind: string(chancery.Refund), AccountID: int64(account), PlanID: debit.PlanID, At: toMillis(now),
	})
	if err != nil {
		return fmt.Errorf("writing the ledger: %w", err)
	}
	if rows == 0 {
		return nil // it was given back before
	}
	if err := t.sql.GiveUnitBack(t.ctx, query.GiveUnitBackParams{AccountID: int64(account), ID: debit.PlanID}); err != nil {
		return fmt.Errorf("giving a unit back: %w", err)
	}
	return nil
}

func (t *tx) Quota(account chancery.AccountID, product string, now time.Time) (chancery.Quota, error) {
	plans, err := t.Plans(account)
	if err != nil {
		return chancery.Quota{}, err
	}
	var quota chancery.Quota
	for _, p := range plans {
		if p.ProductCode != product {
			continue
		}
		quota.Used += p.Used
		if p.Expired(now) {
			quota.Total += p.Used
		} else {
			quota.Total += p.Total
		}
	}
	quota.Issued, err = t.sql.CountIssued(t.ctx, query.CountIssuedParams{AccountID: int64(account), ProductCode: product})
	if err != nil {
		return quota, fmt.Errorf("counting issued orders: %w", err)
	}
	return quota, nil
}

func (t *tx) Ledger(account chancery.AccountID) ([]chancery.LedgerLine, error) {
	rows, err := t.sql.Ledger(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return each(rows, func(row query.Ledger) chancery.LedgerLine {
		return chancery.LedgerLine{
			AccountID: chancery.AccountID(row.AccountID), PlanID: row.PlanID, OrderID: chancery.OrderID(row.OrderID),
			Kind: chancery.LedgerKind(row.Kind), At: fromMillis(row.At),
		}
	}), nil
}
