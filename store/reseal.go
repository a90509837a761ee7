package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chancery"
	"chancery/store/query"
)

// resealed are all columns of sealed values. That of the audit log is no secret, but
// opens with the same keys.
var resealed = append(slices.Clone(sealedColumns), sealedColumn{auditTable, "account_id", "account_id", "sealed", auditTable, false})

func (t *tx) StaleSecrets(after chancery.SealedPlace, most int) (values []chancery.SealedValue, err error) {
	if err := t.mustBeNew(); err != nil {
		return nil, err
	}
	for ; after.Column < len(resealed) && len(values) < most; after = (chancery.SealedPlace{Column: after.Column + 1}) {
		found, err := t.staleIn(after, most-len(values))
		if err != nil {
			return nil, fmt.Errorf("looking for what is sealed with an older key: %w", err)
		}
		values = append(values, found...)
	}
	return values, nil
}

// mustBeNew has a node that cannot follow a rotation seal nothing back to an older key.
func (t *tx) mustBeNew() error {
	row, err := t.sql.Keyset(t.ctx)
	if err != nil {
		return fmt.Errorf("reading the keyset: %w", err)
	}
	if err := t.renew(chancery.SealingKey(row.PrimaryKeyID)); err != nil { //nolint:gosec // ids have 32 bits
		return err
	}
	if t.old {
		return errOldKeyring
	}
	return nil
}

func (t *tx) staleIn(after chancery.SealedPlace, most int) (values []chancery.SealedValue, err error) {
	c := resealed[after.Column]
	var start any = after.ID
	if c.named {
		start = after.Name
	}
	rows, err := t.exec.QueryContext(t.ctx, fmt.Sprintf(`SELECT %s, %s, %s FROM %s
		WHERE %[1]s > $1 AND %[3]s IS NOT NULL AND substr(%[3]s, 1, 5) <> $2 ORDER BY %[1]s LIMIT $3`, c.id, c.account, c.column, c.table),
		start, t.keyring.held().Keys()[0].Prefix(), most)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		v := chancery.SealedValue{Place: chancery.SealedPlace{Column: after.Column}}
		var id any = &v.Place.ID
		if c.named {
			id = &v.Place.Name
		}
		if err := rows.Scan(id, &v.AccountID, &v.Sealed); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

func (t *tx) Reseal(v chancery.SealedValue) error {
	if t.old {
		return errOldKeyring
	}
	c := resealed[v.Place.Column]
	var id any = v.Place.ID
	if c.named {
		id = v.Place.Name
	}
	secret, err := t.open(v.Sealed, c.place, v.AccountID, id)
	if err != nil {
		return fmt.Errorf("%w: %w", chancery.ErrDoesNotOpen, err)
	}
	// An empty secret is null where it is written, but an empty one that was sealed stays one.
	sealed, err := t.keyring.held().Seal(secret, place(c.place, v.AccountID, id))
	if err != nil {
		return err
	}
	// What was read is compared: whoever wrote meanwhile has sealed as new, or is
	// found by the next look. So is a row that somebody holds: they may want one that is
	// held here, and to wait for each other would cost both a second.
	_, err = t.exec.ExecContext(t.ctx, fmt.Sprintf("UPDATE %s SET %s = $1 WHERE %s = (SELECT %[3]s FROM %[1]s WHERE %[3]s = $2 AND %[2]s = $3%[4]s)",
		c.table, c.column, c.id, t.backend.skipLocked()), sealed, id, v.Sealed)
	if err != nil {
		return fmt.Errorf("sealing %s %v anew: %w", c.table, id, err)
	}
	return nil
}

// retiredFor is how long a key has been an old one before it is dropped. Whoever
// still seals with it began to write before it was that, and has ended long since.
const retiredFor = time.Minute

// ErrResealing means that values are still being sealed anew after the last rotation.
var ErrResealing = errors.New("secrets are still being sealed anew after the last rotation")

// RotateKeyring adds a fresh key to the keyset, with which secrets are sealed from now
// on, and a step that seals the others anew. Old keys with which nothing is sealed any
// more, and which were old for a while, are dropped. It is ErrResealing while such a step
// is under way.
func (s *Store) RotateKeyring(ctx context.Context, now time.Time) (fresh chancery.SealingKey, dropped []chancery.SealingKey, err error) {
	if dropped, err = s.unusedKeys(ctx); err != nil {
		return 0, nil, err
	}
	err = s.Write(ctx, func(some chancery.Tx) error {
		if step, err := resealStep(some); err != nil || step != nil {
			return errors.Join(err, ErrResealing)
		}
		fresh, err = s.changeKeyset(some, func(wrapped []byte) ([]byte, error) { return s.keyring.keysets.Rotate(wrapped, dropped) })
		if err != nil {
			return err
		}
		t := some.(*tx) //nolint:forcetypeassert // it is this store's own
		for _, key := range dropped {
			err = errors.Join(err, t.sql.DropSealingKey(t.ctx, int64(key)))
		}
		err = errors.Join(err, t.sql.AddSealingKey(t.ctx, int64(fresh)), t.sql.RetireSealingKeys(t.ctx, int64(fresh)))
		if err != nil {
			return fmt.Errorf("listing the keys of the keyset: %w", err)
		}
		return some.AddStep(chancery.Step{Kind: chancery.Reseal, DueAt: now})
	})
	if err != nil {
		return 0, nil, err
	}
	return fresh, dropped, s.LearnKeyring(ctx)
}

// RewrapKeyring wraps the keyset with another key-encryption key.
func (s *Store) RewrapKeyring(ctx context.Context, kek chancery.Secret) error {
	err := s.Write(ctx, func(some chancery.Tx) error {
		_, err := s.changeKeyset(some, func(wrapped []byte) ([]byte, error) { return s.keyring.keysets.Rewrap(wrapped, kek) })
		return err
	})
	if err != nil {
		return err
	}
	return s.LearnKeyring(ctx)
}

// changeKeyset writes the next generation of the keyset and gives its primary key.
func (s *Store) changeKeyset(some chancery.Tx, change func(wrapped []byte) ([]byte, error)) (primary chancery.SealingKey, err error) {
	t := some.(*tx) //nolint:forcetypeassert // it is this store's own
	row, err := t.sql.Keyset(t.ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the keyset: %w", err)
	}
	changedSet, err := change(row.Wrapped)
	if err != nil {
		return 0, err
	}
	opened, err := s.keyring.keysets.Open(changedSet)
	if err != nil {
		return 0, fmt.Errorf("checking the changed keyset: %w", err)
	}
	primary = opened.Keys()[0]
	rows, err := t.sql.ChangeKeyset(t.ctx, query.ChangeKeysetParams{Wrapped: changedSet, PrimaryKeyID: int64(primary), Generation: row.Generation})
	return primary, changed("storing the keyset", rows, err, chancery.ErrConflict)
}

func resealStep(tx chancery.Tx) (*chancery.Step, error) {
	steps, err := tx.OrderSteps(0, 0)
	for _, step := range steps {
		if step.Kind == chancery.Reseal {
			return &step, err
		}
	}
	return nil, err
}

// unusedKeys are the old keys with which nothing is sealed, and nobody seals any more.
func (s *Store) unusedKeys(ctx context.Context) (unused []chancery.SealingKey, err error) {
	old, err := s.readSQL.SealingKeysRetired(ctx, retiredFor.Milliseconds())
	if err != nil {
		return nil, unavailable(fmt.Errorf("listing old keys: %w", err))
	}
	if len(old) == 0 {
		return nil, nil
	}
	// Every Write that began before this one has then ended.
	if err := s.Write(ctx, func(chancery.Tx) error { return nil }); err != nil {
		return nil, err
	}
	values, err := s.countSealed(ctx)
	for _, key := range old {
		if id := chancery.SealingKey(key); values[id] == 0 { //nolint:gosec // ids have 32 bits
			unused = append(unused, id)
		}
	}
	return unused, err
}

// countSealed counts all sealed values by key. It reads all of them.
func (s *Store) countSealed(ctx context.Context) (map[chancery.SealingKey]int64, error) {
	counts := map[chancery.SealingKey]int64{}
	for _, c := range resealed {
		if err := s.countColumn(ctx, c, counts); err != nil {
			return nil, unavailable(fmt.Errorf("counting sealed values of %s: %w", c.table, err))
		}
	}
	return counts, nil
}

func (s *Store) countColumn(ctx context.Context, c sealedColumn, counts map[chancery.SealingKey]int64) error {
	rows, err := s.slow.QueryContext(ctx, fmt.Sprintf("SELECT substr(%s, 1, 5), COUNT(*) FROM %s WHERE %[1]s IS NOT NULL GROUP BY 1", c.column, c.table))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var prefix []byte
		var values int64
		if err := rows.Scan(&prefix, &values); err != nil {
			return err
		}
		counts[chancery.SealedWith(prefix)] += values
	}
	return rows.Err()
}

// KeyringStatus is what secrets are sealed with.
type KeyringStatus struct {
	Keys []KeyStatus // the oldest first
	// Unknown counts values that are sealed with none of the keys: damaged ones.
	Unknown int64
	// Resealing is the step that seals values anew, nil when none is under way.
	Resealing *chancery.Step
}

// KeyStatus is one key of the keyset.
type KeyStatus struct {
	ID        chancery.SealingKey
	AddedAt   time.Time // zero for one from before this was kept
	RetiredAt time.Time // zero for the one that is sealed with
	Values    int64     // how many are sealed with it
}

// Keyring counts the sealed values by their keys.
func (s *Store) Keyring(ctx context.Context) (status KeyringStatus, err error) {
	counts, err := s.countSealed(ctx)
	if err != nil {
		return status, err
	}
	err = s.Read(ctx, func(tx chancery.Tx) error {
		status = KeyringStatus{}
		status.Resealing, err = resealStep(tx)
		return err
	})
	if err != nil {
		return status, err
	}
	rows, err := s.readSQL.SealingKeys(ctx)
	if err != nil {
		return status, unavailable(fmt.Errorf("listing the keys of the keyset: %w", err))
	}
	for _, row := range rows {
		id := chancery.SealingKey(row.ID) //nolint:gosec // ids have 32 bits
		status.Keys = append(status.Keys, KeyStatus{id, fromMillis(row.AddedAt), fromMillis(row.RetiredAt), counts[id]})
		delete(counts, id)
	}
	for _, values := range counts {
		status.Unknown += values
	}
	return status, nil
}
