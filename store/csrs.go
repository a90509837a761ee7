package store

import (
	"fmt"

	"chancery"
	"chancery/store/query"
)

const csrTable = "csrs"

func (t *tx) AddCSR(c chancery.StoredCSR) error {
	key, err := t.seal(c.Key, csrTable, c.AccountID, c.ID)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddCSR(t.ctx, query.AddCSRParams{
		ID: int64(c.ID), AccountID: int64(c.AccountID), Name: c.Name, CommonName: c.CommonName, Sans: c.SANs,
		Algorithm: c.Algorithm, KeySize: c.KeySize, Country: c.Subject.Country, Province: c.Subject.Province,
		Locality: c.Subject.Locality, CorpName: c.Subject.CorpName, Department: c.Subject.Department,
		CSR: c.PEM, KeySha2: c.KeySHA2, Key: key, CreatedAt: toMillis(c.CreatedAt),
	})
	return changed("adding a CSR", rows, err, chancery.ErrConflict)
}

func (t *tx) CSR(account chancery.AccountID, id chancery.CSRID) (chancery.StoredCSR, error) {
	row, err := t.sql.CSR(t.ctx, query.CSRParams{AccountID: int64(account), ID: int64(id)})
	return csrOf(row), found("reading a CSR", err)
}

func (t *tx) CSRKey(account chancery.AccountID, id chancery.CSRID) (chancery.StoredCSR, error) {
	row, err := t.sql.CSR(t.ctx, query.CSRParams{AccountID: int64(account), ID: int64(id)})
	if err != nil {
		return chancery.StoredCSR{}, found("reading a CSR", err)
	}
	c := csrOf(row)
	c.Key, err = t.open(row.Key, csrTable, account, id)
	return c, err
}

func (t *tx) CSRByKey(account chancery.AccountID, keySHA2 string) (chancery.CSRID, error) {
	id, err := t.sql.CSRByKey(t.ctx, query.CSRByKeyParams{AccountID: int64(account), KeySha2: keySHA2})
	return chancery.CSRID(id), found("finding a CSR by its key", err)
}

func (t *tx) UpdateCSR(c chancery.StoredCSR) error {
	key, err := t.seal(c.Key, csrTable, c.AccountID, c.ID)
	if err != nil {
		return err
	}
	rows, err := t.sql.UpdateCSR(t.ctx, query.UpdateCSRParams{Key: key, AccountID: int64(c.AccountID), ID: int64(c.ID)})
	return changed("writing the key of a CSR", rows, err, chancery.ErrConflict)
}

func (t *tx) DeleteCSR(account chancery.AccountID, id chancery.CSRID) error {
	rows, err := t.sql.DeleteCSR(t.ctx, query.DeleteCSRParams{AccountID: int64(account), ID: int64(id)})
	return changed("deleting a CSR", rows, err, chancery.ErrNotFound)
}

func (t *tx) CSRAwaited(account chancery.AccountID, id chancery.CSRID) (bool, error) {
	orders, err := t.sql.CSRAwaited(t.ctx, query.CSRAwaitedParams{AccountID: int64(account), CSRID: int64(id)})
	if err != nil {
		return false, fmt.Errorf("looking for orders of a CSR: %w", err)
	}
	return orders > 0, nil
}

func (t *tx) OrdersOfCSR(account chancery.AccountID, id chancery.CSRID) (map[chancery.OrderID]chancery.CertificateID, error) {
	rows, err := t.sql.OrdersOfCSR(t.ctx, query.OrdersOfCSRParams{AccountID: int64(account), CSRID: int64(id)})
	if err != nil {
		return nil, fmt.Errorf("listing the orders of a CSR: %w", err)
	}
	orders := map[chancery.OrderID]chancery.CertificateID{}
	for _, row := range rows {
		orders[chancery.OrderID(row.ID)] = chancery.CertificateID(row.CertificateID)
	}
	return orders, nil
}

func (t *tx) ListCSRs(account chancery.AccountID, filter chancery.CSRFilter, page chancery.Page) ([]chancery.StoredCSR, int64, error) {
	size, skip := rangeOf(page)
	pattern := containing(filter.Keyword)
	rows, err := t.sql.ListCSRs(t.ctx, query.ListCSRsParams{
		AccountID: int64(account), Algorithm: filter.Algorithm, Pattern: pattern, Size: size, Skip: skip,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing CSRs: %w", err)
	}
	total, err := t.sql.CountCSRs(t.ctx, query.CountCSRsParams{AccountID: int64(account), Algorithm: filter.Algorithm, Pattern: pattern})
	if err != nil {
		return nil, 0, fmt.Errorf("counting CSRs: %w", err)
	}
	return each(rows, csrOf), total, nil
}

func csrOf(row query.CSR) chancery.StoredCSR {
	return chancery.StoredCSR{
		ID: chancery.CSRID(row.ID), AccountID: chancery.AccountID(row.AccountID), Name: row.Name,
		CommonName: row.CommonName, SANs: row.Sans, Algorithm: row.Algorithm, KeySize: row.KeySize,
		Subject: chancery.CSRSubject{
			Country: row.Country, Province: row.Province, Locality: row.Locality, CorpName: row.CorpName, Department: row.Department,
		},
		PEM: row.CSR, KeySHA2: row.KeySha2, HasKey: len(row.Key) > 0, CreatedAt: fromMillis(row.CreatedAt),
	}
}
