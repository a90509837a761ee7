package store

import (
	"database/sql"
	"errors"
	"fmt"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddACMEOrder(account chancery.AccountID, order chancery.OrderID, issuer string) error {
	err := t.sql.AddACMEOrder(t.ctx, query.AddACMEOrderParams{OrderID: int64(order), AccountID: int64(account), Issuer: issuer})
	if err != nil {
		return fmt.Errorf("adding an ACME order: %w", err)
	}
	return nil
}

func (t *tx) ACMEOrder(account chancery.AccountID, order chancery.OrderID) (chancery.ACMEOrder, error) {
	row, err := t.sql.ACMEOrder(t.ctx, query.ACMEOrderParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return chancery.ACMEOrder{}, found("reading an ACME order", err)
	}
	o := chancery.ACMEOrder{
		OrderID: chancery.OrderID(row.OrderID), AccountID: chancery.AccountID(row.AccountID), Issuer: row.Issuer,
		Openings: row.Openings, BeganAgain: row.BeganAgain != 0,
		URL: row.URL, Finalize: row.Finalize, Certificate: row.Certificate,
		ExpiresAt: fromMillis(row.ExpiresAt), FinalizedAt: fromMillis(row.FinalizedAt),
		FailingSince: fromMillis(row.FailingSince), NotBefore: fromMillis(row.NotBefore), Problem: row.Problem, Version: row.Version,
	}
	if err := errors.Join(fromJSON(row.Tried, &o.Tried), fromJSON(row.Authorizations, &o.Authorizations)); err != nil {
		return o, fmt.Errorf("reading the ACME order of order %d: %w", order, err)
	}
	return o, nil
}

func (t *tx) UpdateACMEOrder(o chancery.ACMEOrder) error {
	if err := t.takeURL(o); err != nil {
		return err
	}
	tried, err := jsonText(o.Tried)
	if err != nil {
		return err
	}
	authorizations, err := jsonText(o.Authorizations)
	if err != nil {
		return err
	}
	rows, err := t.sql.UpdateACMEOrder(t.ctx, query.UpdateACMEOrderParams{
		Issuer: o.Issuer, Tried: tried, Openings: o.Openings, BeganAgain: toFlag(o.BeganAgain),
		URL: o.URL, Finalize: o.Finalize, Certificate: o.Certificate, Authorizations: authorizations,
		ExpiresAt: toMillis(o.ExpiresAt), FinalizedAt: toMillis(o.FinalizedAt), FailingSince: toMillis(o.FailingSince),
		NotBefore: toMillis(o.NotBefore), Problem: o.Problem,
		AccountID: int64(o.AccountID), OrderID: int64(o.OrderID), Version: o.Version,
	})
	return changed("writing an ACME order", rows, err, chancery.ErrConflict)
}

// takeURL is ErrTaken if another open order has the CA's order.
func (t *tx) takeURL(o chancery.ACMEOrder) error {
	if o.URL == "" {
		return nil
	}
	if err := t.sql.FreeACMEOrderURL(t.ctx, query.FreeACMEOrderURLParams{URL: o.URL, OrderID: int64(o.OrderID)}); err != nil {
		return fmt.Errorf("freeing an ACME order: %w", err)
	}
	other, err := t.sql.ACMEOrderOfURL(t.ctx, o.URL)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && chancery.OrderID(other) == o.OrderID:
		return nil
	case err == nil:
		return chancery.ErrTaken
	}
	return fmt.Errorf("finding an ACME order: %w", err)
}

func (t *tx) ClaimACMEAuthorization(url string, account chancery.AccountID, order chancery.OrderID) (chancery.OrderID, chancery.AccountID, error) {
	err := t.sql.ClaimACMEAuthorization(t.ctx, query.ClaimACMEAuthorizationParams{URL: url, AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return 0, 0, fmt.Errorf("claiming an authorization: %w", err)
	}
	owner, err := t.sql.ACMEAuthorizationOwner(t.ctx, url)
	return chancery.OrderID(owner.OrderID), chancery.AccountID(owner.AccountID), found("reading an authorization", err)
}

func (t *tx) SetProof(v chancery.Validation) error {
	rows, err := t.sql.SetProof(t.ctx, query.SetProofParams{
		Token: v.Token, Place: v.Place, ExpiresAt: toMillis(v.ExpiresAt),
		AccountID: int64(v.AccountID), OrderID: int64(v.OrderID), Name: string(v.Name),
	})
	return changed("writing a proof", rows, err, chancery.ErrNotFound)
}

func (t *tx) PutRenewal(r chancery.Renewal) error {
	err := t.sql.PutRenewal(t.ctx, query.PutRenewalParams{
		OrderID: int64(r.OrderID), AccountID: int64(r.AccountID), WindowStart: toMillis(r.Start), WindowEnd: toMillis(r.End),
		Explanation: r.Explanation, FetchedAt: toMillis(r.FetchedAt),
	})
	if err != nil {
		return fmt.Errorf("keeping a suggested renewal: %w", err)
	}
	return nil
}

func (t *tx) Renewal(account chancery.AccountID, order chancery.OrderID) (chancery.Renewal, error) {
	row, err := t.sql.Renewal(t.ctx, query.RenewalParams{AccountID: int64(account), OrderID: int64(order)})
	return chancery.Renewal{
		OrderID: chancery.OrderID(row.OrderID), AccountID: chancery.AccountID(row.AccountID),
		Start: fromMillis(row.WindowStart), End: fromMillis(row.WindowEnd), Explanation: row.Explanation, FetchedAt: fromMillis(row.FetchedAt),
	}, found("reading a suggested renewal", err)
}
