package store

import (
	"context"
	"crypto/x509"
	"fmt"
)

// examineCRLs compares the CRLs with their rows: the next number is counted from
// the row, so it only rises while the two agree.
func (s *Store) examineCRLs(ctx context.Context, report *Report) error {
	const name = "a CRL has the number and dates of its row, and its authority signed it"
	rows, err := s.slow.QueryContext(ctx, `SELECT k.authority_id, k.crl, k.number, k.der, k.next_update, a.certificate
		FROM crls k JOIN authorities a ON a.id = k.authority_id WHERE k.der IS NOT NULL`)
	if err != nil {
		return fmt.Errorf("examining CRLs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var authority string
		var partition, number, nextUpdate int64
		var der, certificate []byte
		if err := rows.Scan(&authority, &partition, &number, &der, &nextUpdate, &certificate); err != nil {
			return fmt.Errorf("examining CRLs: %w", err)
		}
		report.Rows++
		if err := examineCRL(der, certificate, number, nextUpdate); err != nil {
			report.Problems = append(report.Problems, Problem{name, fmt.Sprintf("CRL %s %d: %s", authority, partition, err)})
		}
	}
	return rows.Err()
}

func examineCRL(der, certificate []byte, number, nextUpdate int64) error {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return fmt.Errorf("cannot be parsed: %w", err)
	}
	issuer, err := x509.ParseCertificate(certificate)
	if err != nil {
		return fmt.Errorf("its authority cannot be parsed: %w", err)
	}
	switch {
	case list.Number == nil || !list.Number.IsInt64() || list.Number.Int64() != number:
		return fmt.Errorf("has the number %v, its row %d", list.Number, number)
	case toMillis(list.NextUpdate) != nextUpdate:
		return fmt.Errorf("ends at %s, not when its row says", list.NextUpdate)
	}
	return list.CheckSignatureFrom(issuer)
}
