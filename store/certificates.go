package store

import (
	"fmt"

	"chancery"
	"chancery/store/query"
)

const certificateTable = "certificates"

func (t *tx) AddCertificate(c chancery.Certificate) error {
	sealed, err := t.seal(c.Key, certificateTable, c.AccountID, c.ID)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddCertificate(t.ctx, query.AddCertificateParams{
		ID: int64(c.ID), AccountID: int64(c.AccountID), OrderID: int64(c.OrderID), InstanceID: c.InstanceID,
		Name: c.Name, Serial: c.Serial, PEM: c.PEM, Key: sealed,
		NotBefore: toMillis(c.NotBefore), NotAfter: toMillis(c.NotAfter), CreatedAt: toMillis(c.CreatedAt),
	})
	return changed("adding a certificate", rows, err, chancery.ErrConflict)
}

func (t *tx) Certificate(account chancery.AccountID, id chancery.CertificateID) (chancery.Certificate, error) {
	row, err := t.sql.Certificate(t.ctx, query.CertificateParams{AccountID: int64(account), ID: int64(id)})
	return chancery.Certificate{
		ID: chancery.CertificateID(row.ID), AccountID: chancery.AccountID(row.AccountID), OrderID: chancery.OrderID(row.OrderID),
		InstanceID: row.InstanceID, Name: row.Name, Serial: row.Serial, PEM: row.PEM,
		NotBefore: fromMillis(row.NotBefore), NotAfter: fromMillis(row.NotAfter), CreatedAt: fromMillis(row.CreatedAt),
	}, found("reading a certificate", err)
}

func (t *tx) CertificateKey(account chancery.AccountID, id chancery.CertificateID) (chancery.Secret, error) {
	sealed, err := t.sql.CertificateKey(t.ctx, query.CertificateKeyParams{AccountID: int64(account), ID: int64(id)})
	if err != nil {
		return chancery.Secret{}, found("reading a certificate's key", err)
	}
	return t.open(sealed, certificateTable, account, id)
}

const authorityTable = "authorities"

func (t *tx) AddAuthority(a chancery.Authority) error {
	sealed, err := t.seal(a.Key, authorityTable, 0, a.ID)
	if err != nil {
		return err
	}
	err = t.sql.AddAuthority(t.ctx, query.AddAuthorityParams{
		ID: a.ID, Kind: string(a.Kind), Certificate: a.Certificate, Key: sealed, CreatedAt: toMillis(a.CreatedAt),
	})
	if err != nil {
		return fmt.Errorf("adding an authority: %w", err)
	}
	return nil
}

func (t *tx) Authorities() ([]chancery.Authority, error) {
	rows, err := t.sql.Authorities(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("listing authorities: %w", err)
	}
	list := make([]chancery.Authority, len(rows))
	for i, row := range rows {
		key, err := t.open(row.Key, authorityTable, 0, row.ID)
		if err != nil {
			return nil, err
		}
		list[i] = chancery.Authority{
			ID: row.ID, Kind: chancery.AuthorityKind(row.Kind), Certificate: row.Certificate,
			Key: key, CreatedAt: fromMillis(row.CreatedAt),
		}
	}
	return list, nil
}

func (t *tx) AddIssuance(i chancery.Issuance) error {
	rows, err := t.sql.AddIssuance(t.ctx, query.AddIssuanceParams{
		Serial: i.Serial, AuthorityID: i.AuthorityID, AccountID: int64(i.AccountID), OrderID: int64(i.OrderID),
		ToBeSigned: i.ToBeSigned, At: toMillis(i.At),
	})
	return changed("recording what will be signed", rows, err, chancery.ErrConflict)
}

func (t *tx) CompleteIssuance(serial string, certificate []byte) error {
	rows, err := t.sql.CompleteIssuance(t.ctx, query.CompleteIssuanceParams{Certificate: certificate, Serial: serial})
	return changed("recording what was signed", rows, err, chancery.ErrConflict)
}

func (t *tx) SignedIssuance(account chancery.AccountID, order chancery.OrderID) (chancery.Issuance, error) {
	row, err := t.sql.SignedIssuance(t.ctx, query.SignedIssuanceParams{AccountID: int64(account), OrderID: int64(order)})
	return chancery.Issuance{
		Serial: row.Serial, AuthorityID: row.AuthorityID, AccountID: chancery.AccountID(row.AccountID),
		OrderID: chancery.OrderID(row.OrderID), ToBeSigned: row.ToBeSigned, Certificate: row.Certificate, At: fromMillis(row.At),
	}, found("reading an issuance", err)
}
