package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"chancery"
	"chancery/store/query"
)

// examineAudit follows every account's chain of audit lines from where it begins
// to where it ends, as the sealed row tells. A line that was changed, removed,
// added or moved breaks it, and so does another row in the place of the sealed one.
func (s *Store) examineAudit(ctx context.Context, report *Report) error {
	accounts, err := s.audited(ctx)
	if err != nil {
		return fmt.Errorf("examining the audit log: %w", err)
	}
	for _, account := range accounts {
		if err := s.examineChain(ctx, account, report); err != nil {
			return err
		}
	}
	return nil
}

// audited are all accounts that have a log, or should have one.
func (s *Store) audited(ctx context.Context) (accounts []int64, err error) {
	rows, err := s.slow.QueryContext(ctx, `SELECT id FROM accounts UNION SELECT account_id FROM audit_ends UNION SELECT account_id FROM audit ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var account int64
		if err := rows.Scan(&account); err != nil {
			return nil, err
		}
		accounts = append(accounts, account)
	}
	return accounts, rows.Err()
}

// examineChain reads end and lines on one state of the data, page by page.
func (s *Store) examineChain(ctx context.Context, account int64, report *Report) error {
	return s.Read(ctx, func(some chancery.Tx) error {
		t, ok := some.(*tx)
		if !ok {
			return errors.New("the transaction is not this store's")
		}
		end, err := t.sql.AuditEnd(ctx, account)
		if err = found("reading the end of an audit log", err); err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		broken, err := t.brokenChain(chancery.AccountID(account), end, report)
		if broken != "" {
			report.Problems = append(report.Problems, Problem{
				"the lines of an account's audit log are the chain that its sealed end tells of", fmt.Sprintf("account %d: %s", account, broken),
			})
		}
		return err
	})
}

// brokenChain says what is wrong with an account's chain, "" if nothing is.
func (t *tx) brokenChain(account chancery.AccountID, end query.AuditEndRow, report *Report) (string, error) {
	chain, err := t.openChain(account, end.Sealed)
	if err != nil || chain.First == 0 {
		return "its sealed end is missing or was not made with this keyring", nil //nolint:nilerr // that is the finding
	}
	if end.Lines != chain.Last {
		return fmt.Sprintf("it ends with line %d, and its row says %d", chain.Last, end.Lines), nil
	}
	const page = 1000
	next, hash := chain.First, chain.Before
	for after := int64(-1); ; {
		lines, err := t.AuditLines(account, chancery.AuditFilter{After: after, Most: page})
		if err != nil {
			return "", err
		}
		for _, line := range lines {
			if line.Seq != next {
				return fmt.Sprintf("line %d is missing", next), nil
			}
			if hash = line.Chain(hash); !bytes.Equal(hash, line.Hash) {
				return fmt.Sprintf("line %d is not what was written, or does not follow the one before", line.Seq), nil
			}
			after, next = line.Seq, next+1
			report.Rows++
		}
		if len(lines) < page {
			break
		}
	}
	if next != chain.Last+1 || !bytes.Equal(hash, chain.Hash) {
		return fmt.Sprintf("it should end with line %d and ends with %d", chain.Last, next-1), nil
	}
	return "", nil
}
