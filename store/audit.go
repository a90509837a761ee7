package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"chancery"
	"chancery/store/query"
)

// auditChain is where an account's chain of audit lines begins and ends. It is
// stored sealed: whoever can write to the database and lacks the keyring can
// neither extend the chain nor make another one in its place.
type auditChain struct {
	// First is the number of the oldest line that is kept, Before the hash of the
	// one before it, which the sweep removed; empty while none was.
	First  int64
	Before []byte
	// Last and Hash are those of the newest line.
	Last int64
	Hash []byte
}

const auditTable = "audit_ends"

// beginAudit gives a new account its chain, without a line.
func (t *tx) beginAudit(account chancery.AccountID) error {
	if err := t.sql.AddAuditEnd(t.ctx, int64(account)); err != nil {
		return fmt.Errorf("beginning an audit log: %w", err)
	}
	return t.sealChain(account, auditChain{First: 1})
}

func (t *tx) AppendAudit(l chancery.AuditLine) error {
	// On an engine with many writers this statement holds the account's chain until
	// the transaction ends.
	end, err := t.sql.NextAuditLine(t.ctx, int64(l.AccountID))
	if err != nil {
		return fmt.Errorf("numbering an audit line: %w", err)
	}
	chain, err := t.openChain(l.AccountID, end.Sealed)
	if err != nil {
		return err
	}
	if end.Lines != chain.Last+1 {
		return fmt.Errorf("the audit log of account %d ends with line %d, and its row says %d", l.AccountID, chain.Last, end.Lines-1)
	}
	l.Seq = end.Lines
	l.Hash = l.Chain(chain.Hash)
	err = t.sql.AddAuditLine(t.ctx, query.AddAuditLineParams{
		AccountID: int64(l.AccountID), Seq: l.Seq, At: toMillis(l.At), RequestID: l.RequestID, Principal: l.Principal,
		AccessKeyID: l.AccessKeyID, Address: l.Address, Action: l.Action, Resource: l.Resource, Code: string(l.Code),
		KeyRead: toFlag(l.KeyRead), Hash: l.Hash,
	})
	if err != nil {
		return fmt.Errorf("adding an audit line: %w", err)
	}
	chain.Last, chain.Hash = l.Seq, l.Hash
	return t.sealChain(l.AccountID, chain)
}

func (t *tx) openChain(account chancery.AccountID, sealed []byte) (auditChain, error) {
	var chain auditChain
	secret, err := t.open(sealed, auditTable, account, account)
	if err != nil {
		return chain, err
	}
	if err := json.Unmarshal(secret.Reveal(), &chain); err != nil {
		return chain, fmt.Errorf("reading the end of the audit log of account %d: %w", account, err)
	}
	return chain, nil
}

func (t *tx) sealChain(account chancery.AccountID, chain auditChain) error {
	text, err := json.Marshal(chain)
	if err != nil {
		return fmt.Errorf("writing the end of an audit log: %w", err)
	}
	sealed, err := t.seal(chancery.NewSecret(text), auditTable, account, account)
	if err != nil {
		return err
	}
	if err := t.sql.SealAuditEnd(t.ctx, query.SealAuditEndParams{AccountID: int64(account), Sealed: sealed}); err != nil {
		return fmt.Errorf("sealing the end of an audit log: %w", err)
	}
	return nil
}

func (t *tx) AuditLines(account chancery.AccountID, f chancery.AuditFilter) ([]chancery.AuditLine, error) {
	until, exceptCode := int64(math.MaxInt64), "-" // no line has that
	if f.Refused {
		exceptCode = ""
	}
	if !f.Until.IsZero() {
		until = toMillis(f.Until)
	}
	rows, err := t.sql.AuditLines(t.ctx, query.AuditLinesParams{
		AccountID: int64(account), After: f.After, Since: toMillis(f.Since), Until: until, Principal: f.Principal,
		AccessKeyID: f.AccessKeyID, Action: f.Action, Resource: f.Resource, RequestID: f.RequestID,
		KeyReads: toFlag(f.KeyReads), ExceptCode: exceptCode, Most: limit(f.Most),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return each(rows, auditLineOf), nil
}

func auditLineOf(row query.Audit) chancery.AuditLine {
	return chancery.AuditLine{
		AccountID: chancery.AccountID(row.AccountID), Seq: row.Seq, At: fromMillis(row.At), RequestID: row.RequestID,
		Principal: row.Principal, AccessKeyID: row.AccessKeyID, Address: row.Address, Action: row.Action, Resource: row.Resource,
		Code: chancery.Code(row.Code), KeyRead: row.KeyRead != 0, Hash: row.Hash,
	}
}

func (t *tx) ForgetAudit(account chancery.AccountID, before time.Time, most int64) (int64, error) {
	first, err := t.sql.FirstAuditLine(t.ctx, int64(account))
	if err = found("finding the oldest audit line", err); err != nil {
		return 0, noneIsFine(err)
	}
	last, err := t.sql.LastAuditLineBefore(t.ctx, query.LastAuditLineBeforeParams{
		AccountID: int64(account), Before: toMillis(before), Upto: first + most - 1,
	})
	if err = found("finding audit lines that ran out", err); err != nil {
		return 0, noneIsFine(err)
	}
	end, err := t.sql.AuditEnd(t.ctx, int64(account))
	if err != nil {
		return 0, fmt.Errorf("reading the end of an audit log: %w", err)
	}
	chain, err := t.openChain(account, end.Sealed)
	if err != nil {
		return 0, err
	}
	removed, err := t.sql.DeleteAuditLines(t.ctx, query.DeleteAuditLinesParams{AccountID: int64(account), Seq: last.Seq})
	if err != nil {
		return 0, fmt.Errorf("removing audit lines: %w", err)
	}
	chain.First, chain.Before = last.Seq+1, last.Hash
	return removed, t.sealChain(account, chain)
}

func noneIsFine(err error) error {
	if errors.Is(err, chancery.ErrNotFound) {
		return nil
	}
	return err
}
