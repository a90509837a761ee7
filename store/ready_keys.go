package store

import (
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

const readyKeyTable = "ready_keys"

func (t *tx) AddReadyKey(k chancery.ReadyKey) error {
	sealed, err := t.seal(k.Key, readyKeyTable, 0, k.ID)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddReadyKey(t.ctx, query.AddReadyKeyParams{
		ID: k.ID, Algorithm: string(k.Algorithm), Key: sealed, CreatedAt: toMillis(k.CreatedAt),
	})
	return changed("adding a ready key", rows, err, chancery.ErrConflict)
}

// TakeReadyKey passes over a key that does not open: it is only a spare one, and else
// every order would come to a stop at it. It is gone with the others' commit.
func (t *tx) TakeReadyKey(algorithm chancery.KeyAlgorithm) (chancery.ReadyKey, error) {
	for {
		row, err := t.backend.takeReadyKey(t, algorithm)
		if err != nil {
			return chancery.ReadyKey{}, found("taking a ready key", err)
		}
		key, err := t.open(row.Key, readyKeyTable, 0, row.ID)
		if err != nil {
			continue
		}
		return chancery.ReadyKey{ID: row.ID, Algorithm: algorithm, Key: key, CreatedAt: fromMillis(row.CreatedAt)}, nil
	}
}

func (t *tx) CountReadyKeys() (map[chancery.KeyAlgorithm]int64, error) {
	rows, err := t.sql.CountReadyKeys(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("counting ready keys: %w", err)
	}
	counts := map[chancery.KeyAlgorithm]int64{}
	for _, row := range rows {
		counts[chancery.KeyAlgorithm(row.Algorithm)] = row.Count
	}
	return counts, nil
}

func (t *tx) ForgetReadyKeys(before time.Time) error {
	if err := t.sql.ForgetReadyKeys(t.ctx, toMillis(before)); err != nil {
		return fmt.Errorf("forgetting old ready keys: %w", err)
	}
	return nil
}
