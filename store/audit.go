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

// auditEnds are the chains that one transaction extends or shortens, as they will
// be when it commits: sealing costs more than a line, and writes that share a
// commit share it.
type auditEnds map[chancery.AccountID]auditChain

// beginAudit gives a new account its chain, without a line.
func (t *tx) beginAudit(account chancery.AccountID) error {
	if err := t.sql.AddAuditEnd(t.ctx, int64(account)); err != nil {
		return fmt.Errorf("beginning an audit log: %w", err)
	}
	t.ends[account] = auditChain{First: 1}
	return nil
}

func (t *tx) AppendAudit(l chancery.AuditLine) error {
	chain, err := t.hold(l.AccountID)
	if err != nil {
		return err
	}
	l.Seq = chain.Last + 1
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
	t.ends[l.AccountID] = chain
	return nil
}

// hold gives an account's chain to this transaction alone.
func (t *tx) hold(account chancery.AccountID) (auditChain, error) {
	if chain, held := t.ends[account]; held {
		return chain, nil
	}
	sealed, err := t.sql.HoldAuditEnd(t.ctx, int64(account))
	if err != nil {
		return auditChain{}, fmt.Errorf("reading the end of the audit log of account %d: %w", account, err)
	}
	return t.openChain(account, sealed)
}

// sealEnds writes what the transaction made of the chains; it comes last.
func (t *tx) sealEnds() error {
	for account, chain := range t.ends {
		text, err := json.Marshal(chain)
		if err != nil {
			return fmt.Errorf("writing the end of an audit log: %w", err)
		}
		sealed, err := t.seal(chancery.NewSecret(text), auditTable, account, account)
		if err != nil {
			return err
		}
		err = t.sql.SealAuditEnd(t.ctx, query.SealAuditEndParams{AccountID: int64(account), Lines: chain.Last, Sealed: sealed})
		if err != nil {
			return fmt.Errorf("sealing the end of an audit log: %w", err)
		}
	}
	return nil
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

func (t *tx) AuditLines(account chancery.AccountID, f chancery.AuditFilter) ([]chancery.AuditLine, error) {
	until, upto, exceptCode := int64(math.MaxInt64), int64(math.MaxInt64), "-" // no line has that
	if f.Upto > 0 {
		upto = f.Upto
	}
	if f.Refused {
		exceptCode = ""
	}
	if !f.Until.IsZero() {
		until = toMillis(f.Until)
	}
	picked := query.AuditLinesParams{
		AccountID: int64(account), After: f.After, Upto: upto, Since: toMillis(f.Since), Until: until, Principal: f.Principal,
		AccessKeyID: f.AccessKeyID, Action: f.Action, Resource: f.Resource, RequestID: f.RequestID,
		KeyReads: toFlag(f.KeyReads), ExceptCode: exceptCode, Most: limit(f.Most),
	}
	var rows []query.Audit
	var err error
	if f.Before == 0 {
		rows, err = t.sql.AuditLines(t.ctx, picked)
	} else {
		rows, err = t.sql.AuditLinesBefore(t.ctx, query.AuditLinesBeforeParams{
			AccountID: picked.AccountID, Before: f.Before, Upto: upto, After: picked.After, Since: picked.Since, Until: picked.Until,
			Principal: picked.Principal, AccessKeyID: picked.AccessKeyID, Action: picked.Action, Resource: picked.Resource,
			RequestID: picked.RequestID, KeyReads: picked.KeyReads, ExceptCode: picked.ExceptCode, Most: picked.Most,
		})
	}
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
	chain, err := t.hold(account)
	if err != nil {
		return 0, err
	}
	removed, err := t.sql.DeleteAuditLines(t.ctx, query.DeleteAuditLinesParams{AccountID: int64(account), Seq: last.Seq})
	if err != nil {
		return 0, fmt.Errorf("removing audit lines: %w", err)
	}
	chain.First, chain.Before = last.Seq+1, last.Hash
	t.ends[account] = chain
	return removed, nil
}

func noneIsFine(err error) error {
	if errors.Is(err, chancery.ErrNotFound) {
		return nil
	}
	return err
}
