package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) ExpiryMark(days int) (chancery.ExpiryMark, error) {
	row, err := t.sql.ExpiryMark(t.ctx, int64(days))
	if errors.Is(err, sql.ErrNoRows) {
		return chancery.ExpiryMark{}, nil
	}
	return chancery.ExpiryMark{NotAfter: fromMillis(row.NotAfter), ID: chancery.CertificateID(row.CertificateID)},
		found("reading how far certificates were told of", err)
}

func (t *tx) SetExpiryMark(days int, mark chancery.ExpiryMark) error {
	err := t.sql.SetExpiryMark(t.ctx, query.SetExpiryMarkParams{Days: int64(days), NotAfter: toMillis(mark.NotAfter), CertificateID: int64(mark.ID)})
	if err != nil {
		return fmt.Errorf("keeping how far certificates were told of: %w", err)
	}
	return nil
}

func (t *tx) ExpiringCertificates(after chancery.ExpiryMark, until time.Time, most int) ([]chancery.Certificate, error) {
	rows, err := t.sql.ExpiringCertificates(t.ctx, query.ExpiringCertificatesParams{
		FromEnd: toMillis(after.NotAfter), Until: toMillis(until), FromID: int64(after.ID), Most: int32(min(most, 10_000)), //nolint:gosec // it fits
	})
	if err != nil {
		return nil, fmt.Errorf("listing certificates that end: %w", err)
	}
	return each(rows, func(row query.ExpiringCertificatesRow) chancery.Certificate {
		return chancery.Certificate{
			ID: chancery.CertificateID(row.ID), AccountID: chancery.AccountID(row.AccountID), OrderID: chancery.OrderID(row.OrderID), Name: row.Name,
			CertificateFacts: chancery.CertificateFacts{CommonName: row.CommonName, SANs: row.Sans, NotAfter: fromMillis(row.NotAfter)},
		}
	}), nil
}

func (t *tx) HasSuccessor(c chancery.Certificate) (bool, error) {
	later, err := t.sql.SuccessorNames(t.ctx, query.SuccessorNamesParams{
		AccountID: int64(c.AccountID), CommonName: c.CommonName, NotAfter: toMillis(c.NotAfter),
	})
	if err != nil {
		return false, fmt.Errorf("looking for a successor of certificate %d: %w", c.ID, err)
	}
	names := strings.Split(c.SANs, ",")
	return slices.ContainsFunc(later, func(sans string) bool {
		has := strings.Split(sans, ",")
		return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(has, name) })
	}), nil
}

func (t *tx) LowPlans(now time.Time, most int) ([]chancery.Plan, error) {
	rows, err := t.sql.LowPlans(t.ctx, query.LowPlansParams{Now: toMillis(now), Most: int32(min(most, 10_000))}) //nolint:gosec // it fits
	if err != nil {
		return nil, fmt.Errorf("listing plans that are nearly used: %w", err)
	}
	return each(rows, planOf), nil
}

func (t *tx) MarkPlanTold(account chancery.AccountID, plan int64, percent int) error {
	err := t.sql.MarkPlanTold(t.ctx, query.MarkPlanToldParams{AccountID: int64(account), ID: plan, Percent: int64(percent)})
	if err != nil {
		return fmt.Errorf("keeping that a plan was told of: %w", err)
	}
	return nil
}

func (t *tx) TroubledCAs(before time.Time) (map[chancery.AccountID][]chancery.TroubledCA, error) {
	rows, err := t.sql.TroubledCAs(t.ctx, toMillis(before))
	if err != nil {
		return nil, fmt.Errorf("listing CAs that fail: %w", err)
	}
	troubled := map[chancery.AccountID][]chancery.TroubledCA{}
	for _, row := range rows {
		account := chancery.AccountID(row.AccountID)
		troubled[account] = withTrouble(troubled[account], row)
	}
	return troubled, nil
}

func (t *tx) TroubledCAsOf(account chancery.AccountID, before time.Time) (troubled []chancery.TroubledCA, err error) {
	rows, err := t.sql.TroubledCAsOf(t.ctx, query.TroubledCAsOfParams{AccountID: int64(account), Before: toMillis(before)})
	if err != nil {
		return nil, fmt.Errorf("listing CAs that fail for account %d: %w", account, err)
	}
	for _, row := range rows {
		troubled = withTrouble(troubled, query.TroubledCAsRow(row))
	}
	return troubled, nil
}

// withTrouble adds an order that waits for a CA, those that fail longest coming first.
func withTrouble(all []chancery.TroubledCA, row query.TroubledCAsRow) []chancery.TroubledCA {
	i := slices.IndexFunc(all, func(c chancery.TroubledCA) bool { return c.Issuer == row.Issuer })
	if i < 0 {
		i, all = len(all), append(all, chancery.TroubledCA{Issuer: row.Issuer, Since: fromMillis(row.FailingSince)})
	}
	all[i].Orders++
	all[i].Problem = row.Problem
	return all
}

func (t *tx) MarkTrouble(account chancery.AccountID, issuer string, now time.Time) (first bool, err error) {
	rows, err := t.sql.AddTrouble(t.ctx, query.AddTroubleParams{AccountID: int64(account), Issuer: issuer, SeenAt: toMillis(now)})
	if err == nil && rows == 0 {
		err = t.sql.SeeTrouble(t.ctx, query.SeeTroubleParams{AccountID: int64(account), Issuer: issuer, SeenAt: toMillis(now)})
	}
	if err != nil {
		return false, fmt.Errorf("keeping that a CA fails: %w", err)
	}
	return rows > 0, nil
}

func (t *tx) ForgetTroubles(since time.Time) error {
	if err := t.sql.ForgetTroubles(t.ctx, toMillis(since)); err != nil {
		return fmt.Errorf("forgetting that a CA failed: %w", err)
	}
	return nil
}
