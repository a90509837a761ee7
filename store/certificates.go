package store

import (
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

const certificateTable = "certificates"

// Each of a certificate's keys is bound to its own column.
const (
	signKeyPlace    = certificateTable + ".sign_key"
	encryptKeyPlace = certificateTable + ".encrypt_key"
)

func (t *tx) AddCertificate(c chancery.Certificate) error {
	key, err := t.seal(c.Key, certificateTable, c.AccountID, c.ID)
	if err != nil {
		return err
	}
	signKey, err := t.seal(c.SM2.SignKey, signKeyPlace, c.AccountID, c.ID)
	if err != nil {
		return err
	}
	encryptKey, err := t.seal(c.SM2.EncryptKey, encryptKeyPlace, c.AccountID, c.ID)
	if err != nil {
		return err
	}
	tags, err := tagText(c.Tags)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddCertificate(t.ctx, query.AddCertificateParams{
		ID: int64(c.ID), AccountID: int64(c.AccountID), OrderID: int64(c.OrderID), InstanceID: c.InstanceID, Name: c.Name,
		Serial: c.Serial, Fingerprint: c.Fingerprint, Sha2: c.SHA2, CommonName: c.CommonName, Sans: c.SANs, Issuer: c.Issuer,
		Organization: c.Organization, Country: c.Country, Province: c.Province, City: c.City, Algorithm: c.Algorithm,
		PEM: c.PEM, Key: key, SignPEM: c.SM2.SignPEM, SignKey: signKey, EncryptPEM: c.SM2.EncryptPEM, EncryptKey: encryptKey,
		NotBefore: toMillis(c.NotBefore), NotAfter: toMillis(c.NotAfter),
		RevokedAt: toMillis(c.RevokedAt), RevokeReason: int64(c.RevokeReason),
		ResourceGroup: c.ResourceGroup, Tags: tags, CreatedAt: toMillis(c.CreatedAt),
	})
	if err := changed("adding a certificate", rows, err, chancery.ErrConflict); err != nil {
		return err
	}
	return t.addEntry(c.Entry())
}

func (t *tx) Certificate(account chancery.AccountID, id chancery.CertificateID) (chancery.Certificate, error) {
	row, err := t.sql.Certificate(t.ctx, query.CertificateParams{AccountID: int64(account), ID: int64(id)})
	if err != nil {
		return chancery.Certificate{}, found("reading a certificate", err)
	}
	return certificateOf(row)
}

func (t *tx) CertificateOfOrder(account chancery.AccountID, order chancery.OrderID) (chancery.Certificate, error) {
	row, err := t.sql.CertificateOfOrder(t.ctx, query.CertificateOfOrderParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return chancery.Certificate{}, found("reading an order's certificate", err)
	}
	return certificateOf(row)
}

func (t *tx) CertificateNamed(account chancery.AccountID, name string) (chancery.CertificateID, error) {
	id, err := t.sql.CertificateNamed(t.ctx, query.CertificateNamedParams{AccountID: int64(account), Name: name})
	return chancery.CertificateID(id), found("finding a certificate by name", err)
}

func (t *tx) CertificateKeys(account chancery.AccountID, id chancery.CertificateID) (chancery.Certificate, error) {
	row, err := t.sql.Certificate(t.ctx, query.CertificateParams{AccountID: int64(account), ID: int64(id)})
	if err != nil {
		return chancery.Certificate{}, found("reading a certificate", err)
	}
	c, err := certificateOf(row)
	if err != nil {
		return c, err
	}
	if c.Key, err = t.open(row.Key, certificateTable, account, id); err != nil {
		return c, err
	}
	if c.SM2.SignKey, err = t.open(row.SignKey, signKeyPlace, account, id); err != nil {
		return c, err
	}
	c.SM2.EncryptKey, err = t.open(row.EncryptKey, encryptKeyPlace, account, id)
	return c, err
}

func (t *tx) HasCertificateKey(account chancery.AccountID, id chancery.CertificateID) (bool, error) {
	row, err := t.sql.Certificate(t.ctx, query.CertificateParams{AccountID: int64(account), ID: int64(id)})
	return len(row.Key) > 0 || len(row.SignKey) > 0, found("reading a certificate", err)
}

func certificateOf(row query.Certificate) (chancery.Certificate, error) {
	tags, err := tagsOf(row.Tags)
	return chancery.Certificate{
		ID: chancery.CertificateID(row.ID), AccountID: chancery.AccountID(row.AccountID), OrderID: chancery.OrderID(row.OrderID),
		InstanceID: row.InstanceID, Name: row.Name,
		CertificateFacts: chancery.CertificateFacts{
			Serial: row.Serial, Fingerprint: row.Fingerprint, SHA2: row.Sha2, CommonName: row.CommonName, SANs: row.Sans, Issuer: row.Issuer,
			Organization: row.Organization, Country: row.Country, Province: row.Province, City: row.City, Algorithm: row.Algorithm,
			NotBefore: fromMillis(row.NotBefore), NotAfter: fromMillis(row.NotAfter),
		},
		PEM: row.PEM, SM2: chancery.SM2Pairs{SignPEM: row.SignPEM, EncryptPEM: row.EncryptPEM},
		RevokedAt: fromMillis(row.RevokedAt), RevokeReason: chancery.Reason(row.RevokeReason),
		ResourceGroup: row.ResourceGroup, Tags: tags, CreatedAt: fromMillis(row.CreatedAt),
	}, err
}

func (t *tx) UpdateCertificate(c chancery.Certificate) error {
	tags, err := tagText(c.Tags)
	if err != nil {
		return err
	}
	rows, err := t.sql.UpdateCertificate(t.ctx, query.UpdateCertificateParams{
		Name: c.Name, ResourceGroup: c.ResourceGroup, Tags: tags,
		RevokedAt: toMillis(c.RevokedAt), RevokeReason: int64(c.RevokeReason), AccountID: int64(c.AccountID), ID: int64(c.ID),
	})
	if err := changed("writing a certificate", rows, err, chancery.ErrConflict); err != nil {
		return err
	}
	if _, err := t.Certificate(c.AccountID, c.ID); errors.Is(err, chancery.ErrNotFound) {
		return nil // deleted: it stays so, and lists do not show it
	}
	return t.list(c.Entry())
}

func (t *tx) CertificateOfInstance(account chancery.AccountID, instance string) (chancery.Certificate, error) {
	row, err := t.sql.CertificateOfInstance(t.ctx, query.CertificateOfInstanceParams{AccountID: int64(account), InstanceID: instance})
	if err != nil {
		return chancery.Certificate{}, found("finding a certificate by resource id", err)
	}
	return certificateOf(row)
}

func (t *tx) DeleteCertificate(account chancery.AccountID, id chancery.CertificateID, now time.Time) error {
	err := t.sql.HideCertificate(t.ctx, query.HideCertificateParams{AccountID: int64(account), ID: int64(id), DeletedAt: toMillis(now)})
	if err != nil {
		return fmt.Errorf("deleting a certificate: %w", err)
	}
	if err := t.sql.DeleteCertificate(t.ctx, query.DeleteCertificateParams{AccountID: int64(account), ID: int64(id)}); err != nil {
		return fmt.Errorf("deleting a certificate: %w", err)
	}
	for _, kind := range []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded} {
		if err := t.unlist(account, kind, int64(id)); err != nil {
			return err
		}
	}
	return nil
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
		ToBeSigned: i.ToBeSigned, At: toMillis(i.At), NotAfter: toMillis(i.NotAfter), CRL: i.CRL,
	})
	if err := changed("recording what will be signed", rows, err, chancery.ErrConflict); err != nil {
		return err
	}
	return t.countIssuance(i)
}

func (t *tx) CompleteIssuance(serial string, certificate []byte) error {
	rows, err := t.sql.CompleteIssuance(t.ctx, query.CompleteIssuanceParams{Certificate: certificate, Serial: serial})
	return changed("recording what was signed", rows, err, chancery.ErrConflict)
}

func (t *tx) SignedIssuance(account chancery.AccountID, order chancery.OrderID) (chancery.Issuance, error) {
	row, err := t.sql.SignedIssuance(t.ctx, query.SignedIssuanceParams{AccountID: int64(account), OrderID: int64(order)})
	return issuanceOf(row), found("reading an issuance", err)
}

func (t *tx) Issuance(serial string) (chancery.Issuance, error) {
	row, err := t.sql.Issuance(t.ctx, serial)
	return issuanceOf(row), found("reading an issuance", err)
}

func issuanceOf(row query.Issuance) chancery.Issuance {
	return chancery.Issuance{
		Serial: row.Serial, AuthorityID: row.AuthorityID, AccountID: chancery.AccountID(row.AccountID),
		OrderID: chancery.OrderID(row.OrderID), ToBeSigned: row.ToBeSigned, Certificate: row.Certificate,
		At: fromMillis(row.At), NotAfter: fromMillis(row.NotAfter), CRL: row.CRL,
		RevokedAt: fromMillis(row.RevokedAt), Reason: chancery.Reason(row.Reason),
	}
}
