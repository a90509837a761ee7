package store

import (
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddAccount(a chancery.Account) error {
	err := t.sql.AddAccount(t.ctx, query.AddAccountParams{ID: int64(a.ID), Name: a.Name, CreatedAt: toMillis(a.CreatedAt), Operator: toFlag(a.Operator)})
	if err != nil {
		return fmt.Errorf("adding account %d: %w", a.ID, err)
	}
	return t.beginAudit(a.ID)
}

func (t *tx) Account(id chancery.AccountID) (chancery.Account, error) {
	row, err := t.sql.Account(t.ctx, int64(id))
	return accountOf(row), found("reading an account", err)
}

func (t *tx) Accounts() ([]chancery.Account, error) {
	rows, err := t.sql.Accounts(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("listing accounts: %w", err)
	}
	return each(rows, accountOf), nil
}

func accountOf(row query.Account) chancery.Account {
	return chancery.Account{ID: chancery.AccountID(row.ID), Name: row.Name, CreatedAt: fromMillis(row.CreatedAt), Operator: row.Operator != 0}
}

func each[From, To any](rows []From, convert func(From) To) []To {
	list := make([]To, len(rows))
	for i, row := range rows {
		list[i] = convert(row)
	}
	return list
}

const accessKeyTable = "access_keys"

func (t *tx) AddAccessKey(k chancery.AccessKey) error {
	sealed, err := t.seal(k.Secret, accessKeyTable, k.AccountID, k.ID)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddAccessKey(t.ctx, query.AddAccessKeyParams{
		ID: k.ID, AccountID: int64(k.AccountID), UserID: k.UserID, Secret: sealed,
		Disabled: toFlag(k.Disabled), CreatedAt: toMillis(k.CreatedAt),
	})
	return changed("adding an access key", rows, err, chancery.ErrConflict)
}

func (t *tx) AccessKey(id string) (chancery.AccessKey, error) {
	row, err := t.sql.AccessKey(t.ctx, id)
	if err != nil {
		return chancery.AccessKey{}, found("reading an access key", err)
	}
	return t.accessKeyOf(row)
}

func (t *tx) SigningKey(id, nonce string) (chancery.AccessKey, bool, error) {
	row, err := t.sql.SigningKey(t.ctx, query.SigningKeyParams{ID: id, Nonce: nonce})
	if err != nil {
		return chancery.AccessKey{}, false, found("reading an access key", err)
	}
	key, err := t.accessKeyOf(query.AccessKey{
		ID: row.ID, AccountID: row.AccountID, Secret: row.Secret, Disabled: row.Disabled, CreatedAt: row.CreatedAt, UserID: row.UserID,
	})
	return key, row.Uses > 0, err
}

func (t *tx) accessKeyOf(row query.AccessKey) (key chancery.AccessKey, err error) {
	key = chancery.AccessKey{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), UserID: row.UserID,
		Disabled: row.Disabled != 0, CreatedAt: fromMillis(row.CreatedAt),
	}
	key.Secret, err = t.open(row.Secret, accessKeyTable, key.AccountID, key.ID)
	return key, err
}

func (t *tx) AccessKeys(account chancery.AccountID) ([]chancery.AccessKey, error) {
	rows, err := t.sql.AccessKeys(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing access keys: %w", err)
	}
	return each(rows, func(row query.AccessKeysRow) chancery.AccessKey {
		return chancery.AccessKey{
			ID: row.ID, AccountID: chancery.AccountID(row.AccountID), UserID: row.UserID,
			Disabled: row.Disabled != 0, CreatedAt: fromMillis(row.CreatedAt),
		}
	}), nil
}

func (t *tx) DisableAccessKey(account chancery.AccountID, id string) error {
	rows, err := t.sql.DisableAccessKey(t.ctx, query.DisableAccessKeyParams{AccountID: int64(account), ID: id})
	return changed("disabling an access key", rows, err, chancery.ErrNotFound)
}

func (t *tx) UseNonce(accessKeyID, nonce string, until time.Time) error {
	rows, err := t.sql.UseNonce(t.ctx, query.UseNonceParams{AccessKeyID: accessKeyID, Nonce: nonce, Until: toMillis(until)})
	return changed("recording a nonce", rows, err, chancery.ErrConflict)
}

func (t *tx) NonceUsed(accessKeyID, nonce string) (bool, error) {
	n, err := t.sql.CountNonce(t.ctx, query.CountNonceParams{AccessKeyID: accessKeyID, Nonce: nonce})
	if err != nil {
		return false, fmt.Errorf("looking for a nonce: %w", err)
	}
	return n > 0, nil
}

func (t *tx) ForgetNonces(now time.Time) error {
	if err := t.sql.ForgetNonces(t.ctx, toMillis(now)); err != nil {
		return fmt.Errorf("forgetting nonces: %w", err)
	}
	return nil
}

func (t *tx) DeleteSubmissionsBefore(now time.Time) error {
	if err := t.sql.DeleteSubmissionsBefore(t.ctx, toMillis(now)); err != nil {
		return fmt.Errorf("removing old submissions: %w", err)
	}
	return nil
}

func (t *tx) Submission(account chancery.AccountID, key []byte, now time.Time) (chancery.Submission, error) {
	row, err := t.sql.Submission(t.ctx, query.SubmissionParams{AccountID: int64(account), Key: key, ExpiresAt: toMillis(now)})
	return chancery.Submission{
		AccountID: chancery.AccountID(row.AccountID), Key: row.Key, Content: row.Content,
		OrderID:   chancery.OrderID(row.OrderID),
		CreatedAt: fromMillis(row.CreatedAt), ExpiresAt: fromMillis(row.ExpiresAt),
	}, found("reading a submission", err)
}

func (t *tx) PutSubmission(s chancery.Submission) error {
	err := t.sql.PutSubmission(t.ctx, query.PutSubmissionParams{
		AccountID: int64(s.AccountID), Key: s.Key, Content: s.Content, OrderID: int64(s.OrderID),
		CreatedAt: toMillis(s.CreatedAt), ExpiresAt: toMillis(s.ExpiresAt),
	})
	if err != nil {
		return fmt.Errorf("recording a submission: %w", err)
	}
	return nil
}
