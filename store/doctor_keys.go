package store

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"chancery"
)

// Names of what examineReadyKeys checks, beside that each opens in its place.
const (
	readyIsOfAlgorithm = "a ready key is of its algorithm"
	readyIsNobodys     = "a ready key is no other's, no order's and no certificate's"
)

// publicKey is a public key as one can compare it: its DER.
type publicKey string

// examineReadyKeys looks whether keys that wait for an order are what they should be,
// and were never used.
func (s *Store) examineReadyKeys(ctx context.Context, report *Report) error {
	ready := map[publicKey]int64{}
	err := s.eachKey(ctx, "SELECT id, 0, key, algorithm FROM ready_keys ORDER BY id", readyKeyTable, func(id int64, algorithm string, key publicKey, of chancery.KeyAlgorithm) {
		if string(of) != algorithm {
			report.Problems = append(report.Problems, Problem{readyIsOfAlgorithm, fmt.Sprintf("%s %d", readyKeyTable, id)})
		}
		if _, twice := ready[key]; twice {
			report.Problems = append(report.Problems, Problem{readyIsNobodys, fmt.Sprintf("%s %d", readyKeyTable, id)})
		}
		ready[key] = id
	})
	if err != nil || len(ready) == 0 {
		return err
	}
	used := func(by string, key publicKey) {
		if id, waits := ready[key]; waits {
			report.Problems = append(report.Problems, Problem{readyIsNobodys, fmt.Sprintf("%s %d, which %s has", readyKeyTable, id, by)})
		}
	}
	err = s.eachKey(ctx, "SELECT order_id, account_id, key, '' FROM order_keys", orderKeyTable, func(id int64, _ string, key publicKey, _ chancery.KeyAlgorithm) {
		used(fmt.Sprintf("order %d", id), key)
	})
	if err != nil {
		return err
	}
	return s.eachCertificate(ctx, func(id int64, key publicKey) { used(fmt.Sprintf("certificate %d", id), key) })
}

// eachKey opens private keys; what does not open is reported elsewhere.
func (s *Store) eachKey(ctx context.Context, query, table string, see func(id int64, algorithm string, key publicKey, of chancery.KeyAlgorithm)) error {
	rows, err := s.slow.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("examining keys of %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var account chancery.AccountID
		var sealed []byte
		var algorithm string
		if err := rows.Scan(&id, &account, &sealed, &algorithm); err != nil {
			return fmt.Errorf("examining keys of %s: %w", table, err)
		}
		secret, err := s.open(ctx, sealed, place(table, account, id))
		if err != nil {
			continue
		}
		signer, err := chancery.ParsePrivateKey(string(secret.Reveal()))
		if err != nil {
			continue
		}
		if der, err := x509.MarshalPKIXPublicKey(signer.Public()); err == nil {
			see(id, algorithm, publicKey(der), chancery.AlgorithmOf(signer.Public()))
		}
	}
	return rows.Err()
}

func (s *Store) eachCertificate(ctx context.Context, see func(id int64, key publicKey)) error {
	rows, err := s.slow.QueryContext(ctx, "SELECT id, pem FROM certificates WHERE order_id > 0")
	if err != nil {
		return fmt.Errorf("examining keys of certificates: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return fmt.Errorf("examining keys of certificates: %w", err)
		}
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			continue
		}
		if leaf, err := x509.ParseCertificate(block.Bytes); err == nil {
			see(id, publicKey(leaf.RawSubjectPublicKeyInfo))
		}
	}
	return rows.Err()
}
