package work

import (
	"context"
	"fmt"
	"time"

	"chancery"
)

const (
	troublePause = time.Minute
	// troubleOver is how long it has not failed before it is told again.
	troubleOver = time.Hour
	plansBatch  = 100
)

// findTrouble tells of plans that are nearly used, once for each of
// chancery.QuotaPercents, and of CAs that fail while orders wait for them: the
// accounts of those orders, and the operator.
func (w *Worker) findTrouble(ctx context.Context, step chancery.Step) error {
	now := w.Clock.Now()
	some := false
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		plans, err := tx.LowPlans(now, 1)
		if err != nil {
			return err
		}
		troubled, err := tx.TroubledCAs(now.Add(-chancery.TroubleAfter))
		some = len(plans)+len(troubled) > 0
		return err
	})
	if err != nil {
		return fmt.Errorf("looking for what is to be told: %w", err)
	}
	if !some {
		ctx = chancery.Confine(ctx, 0)
	}
	err = w.Store.Write(ctx, func(tx chancery.Tx) error {
		due := now.Add(troublePause)
		if some {
			more, err := tellPlans(tx, now)
			if err != nil {
				return err
			}
			if err := tellTroubles(tx, now); err != nil {
				return err
			}
			if more {
				due = now
			}
		}
		if err := tx.ForgetTroubles(now.Add(-troubleOver)); err != nil {
			return err
		}
		return tx.PostponeStep(step, due, "")
	})
	if err != nil {
		return fmt.Errorf("telling of plans and CAs: %w", err)
	}
	if some {
		w.Wake()
	}
	return nil
}

func tellPlans(tx chancery.Tx, now time.Time) (more bool, err error) {
	plans, err := tx.LowPlans(now, plansBatch)
	if err != nil {
		return false, err
	}
	for _, p := range plans {
		percent := 0
		for _, one := range chancery.QuotaPercents {
			if p.Used*100 >= p.Total*int64(one) {
				percent = one
			}
		}
		quota, err := tx.Quota(p.AccountID, p.ProductCode, now)
		if err != nil {
			return false, err
		}
		low := &chancery.LowPlan{ID: p.ID, Product: p.ProductCode, Used: p.Used, Total: p.Total, Percent: percent, Left: quota.Total - quota.Used}
		err = tx.AddNotice(chancery.Notice{AccountID: p.AccountID, Kind: chancery.QuotaLow, At: now, NoticeFields: chancery.NoticeFields{Plan: low}})
		if err != nil {
			return false, err
		}
		if err := tx.MarkPlanTold(p.AccountID, p.ID, percent); err != nil {
			return false, err
		}
	}
	return len(plans) == plansBatch, nil
}

func tellTroubles(tx chancery.Tx, now time.Time) error {
	troubled, err := tx.TroubledCAs(now.Add(-chancery.TroubleAfter))
	if err != nil {
		return err
	}
	all := map[string]chancery.TroubledCA{}
	for account, cas := range troubled {
		for _, ca := range cas {
			if err := tellTrouble(tx, account, ca, now); err != nil {
				return err
			}
			sum, known := all[ca.Issuer]
			if !known || ca.Since.Before(sum.Since) {
				sum.Since = ca.Since
			}
			sum.Issuer, sum.Orders, sum.Problem = ca.Issuer, sum.Orders+ca.Orders, ca.Problem
			all[ca.Issuer] = sum
		}
	}
	for _, ca := range all {
		if err := tellTrouble(tx, chancery.OperatorAccount, ca, now); err != nil {
			return err
		}
	}
	return nil
}

func tellTrouble(tx chancery.Tx, account chancery.AccountID, ca chancery.TroubledCA, now time.Time) error {
	first, err := tx.MarkTrouble(account, ca.Issuer, now)
	if err != nil || !first {
		return err
	}
	return tx.AddNotice(chancery.Notice{AccountID: account, Kind: chancery.CATrouble, At: now, NoticeFields: chancery.NoticeFields{CA: &ca}})
}
