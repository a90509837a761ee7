package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

// countIssuance keeps how many certificates a CRL is for, which counting rows
// would make slower with every certificate.
func (t *tx) countIssuance(i chancery.Issuance) error {
	if err := t.sql.CountIssuance(t.ctx, query.CountIssuanceParams{AuthorityID: i.AuthorityID, CRL: i.CRL}); err != nil {
		return fmt.Errorf("counting an issuance: %w", err)
	}
	return nil
}

func (t *tx) RevokeIssuance(serial string, at time.Time, reason chancery.Reason) error {
	revoked, err := t.sql.RevokeIssuance(t.ctx, query.RevokeIssuanceParams{RevokedAt: toMillis(at), Reason: int64(reason), Serial: serial})
	if errors.Is(err, sql.ErrNoRows) {
		return t.revokedBefore(serial)
	}
	if err != nil {
		return fmt.Errorf("revoking an issuance: %w", err)
	}
	// Who makes the CRL compares this count with the one it listed.
	if err := t.sql.CountRevocation(t.ctx, query.CountRevocationParams(revoked)); err != nil {
		return fmt.Errorf("counting a revocation: %w", err)
	}
	return nil
}

func (t *tx) revokedBefore(serial string) error {
	issuance, err := t.Issuance(serial)
	if err == nil && issuance.RevokedAt.IsZero() {
		return chancery.ErrNotFound // never signed
	}
	return err
}

func (t *tx) RevokedIssuances(authority string, crl int64, notAfter time.Time) ([]chancery.Issuance, error) {
	rows, err := t.sql.RevokedIssuances(t.ctx, query.RevokedIssuancesParams{AuthorityID: authority, CRL: crl, NotAfter: toMillis(notAfter)})
	if err != nil {
		return nil, fmt.Errorf("listing revoked certificates: %w", err)
	}
	return each(rows, func(row query.RevokedIssuancesRow) chancery.Issuance {
		return chancery.Issuance{
			Serial: row.Serial, AuthorityID: authority, CRL: crl, NotAfter: fromMillis(row.NotAfter),
			RevokedAt: fromMillis(row.RevokedAt), Reason: chancery.Reason(row.Reason),
		}
	}), nil
}

func (t *tx) CRL(authority string, crl int64) (chancery.CRL, error) {
	row, err := t.sql.CRL(t.ctx, query.CRLParams{AuthorityID: authority, CRL: crl})
	return crlOf(row), found("reading a CRL", err)
}

func (t *tx) NewestCRL(authority string) (chancery.CRL, error) {
	row, err := t.sql.NewestCRL(t.ctx, authority)
	return crlOf(query.CRL{
		AuthorityID: authority, CRL: row.CRL, Issued: row.Issued, Revoked: row.Revoked, Number: row.Number,
		Listed: row.Listed, Partial: row.Partial, ThisUpdate: row.ThisUpdate, NextUpdate: row.NextUpdate,
	}), found("reading the newest CRL", err)
}

func (t *tx) LateCRLs(now time.Time, most int) ([]chancery.CRL, error) {
	rows, err := t.sql.LateCRLs(t.ctx, query.LateCRLsParams{Now: toMillis(now), Most: int32(min(most, 10_000))}) //nolint:gosec // it fits
	if err != nil {
		return nil, fmt.Errorf("listing CRLs that are late: %w", err)
	}
	return each(rows, func(row query.LateCRLsRow) chancery.CRL {
		return chancery.CRL{AuthorityID: row.AuthorityID, Partition: row.CRL, Number: row.Number, NextUpdate: fromMillis(row.NextUpdate)}
	}), nil
}

func crlOf(row query.CRL) chancery.CRL {
	return chancery.CRL{
		AuthorityID: row.AuthorityID, Partition: row.CRL, Issued: row.Issued, Revoked: row.Revoked,
		Number: row.Number, DER: row.Der, Listed: row.Listed, Partial: row.Partial != 0,
		ThisUpdate: fromMillis(row.ThisUpdate), NextUpdate: fromMillis(row.NextUpdate),
	}
}

func (t *tx) PutCRL(c chancery.CRL) error {
	rows, err := t.sql.PutCRL(t.ctx, query.PutCRLParams{
		AuthorityID: c.AuthorityID, CRL: c.Partition, Number: c.Number, Der: c.DER, Listed: c.Listed,
		Partial: toFlag(c.Partial), ThisUpdate: toMillis(c.ThisUpdate), NextUpdate: toMillis(c.NextUpdate),
	})
	return changed("storing a CRL", rows, err, chancery.ErrConflict)
}

func (t *tx) IssuedOrders(account chancery.AccountID, most int) ([]chancery.OrderID, error) {
	rows, err := t.sql.IssuedOrders(t.ctx, query.IssuedOrdersParams{AccountID: int64(account), Limit: int32(min(most, 10_000))}) //nolint:gosec // it fits
	if err != nil {
		return nil, fmt.Errorf("listing issued orders: %w", err)
	}
	return each(rows, func(id int64) chancery.OrderID { return chancery.OrderID(id) }), nil
}
