package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chancery"
	"chancery/store/query"
)

// Keysets makes, opens and changes wrapped keysets: it has the key-encryption key.
type Keysets interface {
	// New makes the keyset of an empty database.
	New() (wrapped []byte, err error)
	Open(wrapped []byte) (chancery.Keyring, error)
	// Rotate gives the keyset with a fresh primary key, and without some of the others.
	Rotate(wrapped []byte, without []chancery.SealingKey) ([]byte, error)
	// Rewrap gives the keyset wrapped with another key-encryption key.
	Rewrap(wrapped []byte, kek chancery.Secret) ([]byte, error)
}

// Unlock gives the store what opens the keyset that seals secrets; on the first start
// there is none, and it is made.
func (s *Store) Unlock(ctx context.Context, keysets Keysets) error {
	_, err := s.readSQL.Keyset(ctx)
	made := errors.Is(err, sql.ErrNoRows)
	if made {
		wrapped, err := keysets.New()
		if err != nil {
			return fmt.Errorf("making the keyset: %w", err)
		}
		// Another node may be first: what is stored counts.
		if _, err := s.writeSQL.AddKeyset(ctx, wrapped); err != nil {
			return fmt.Errorf("storing the keyset: %w", err)
		}
	} else if err != nil {
		return fmt.Errorf("reading the keyset: %w", err)
	}
	s.keyring.keysets = keysets
	if err := s.keyring.learn(ctx, s.readSQL); err != nil {
		return err
	}
	return s.listKeys(ctx, made)
}

// listKeys lists the keys of a keyset that no version with such a list has seen.
func (s *Store) listKeys(ctx context.Context, made bool) error {
	row, err := s.readSQL.Keyset(ctx)
	if err != nil || row.PrimaryKeyID != 0 {
		return err
	}
	keys := s.keyring.held().Keys()
	add := s.writeSQL.KeepSealingKey
	if made {
		add = s.writeSQL.AddSealingKey
	}
	for _, key := range keys {
		if err := add(ctx, int64(key)); err != nil {
			return fmt.Errorf("listing the keys of the keyset: %w", err)
		}
	}
	if err := s.writeSQL.NamePrimaryKey(ctx, int64(keys[0])); err != nil {
		return fmt.Errorf("listing the keys of the keyset: %w", err)
	}
	return nil
}

// LearnKeyring looks whether another node has changed the keyset, and takes it over. A
// node learns of it anyway when it writes, or meets a value that it cannot open. An
// error that is no ServiceUnavailable means that this node has another key-encryption
// key than the one that changed the keyset.
func (s *Store) LearnKeyring(ctx context.Context) error { return s.keyring.learn(ctx, s.readSQL) }

// heldKeyring is the keyring as this node has last read it.
type heldKeyring struct {
	keysets Keysets // set once by Unlock
	now     atomic.Pointer[heldGeneration]

	mu   sync.Mutex                        // guards what follows, and changes of now
	vain map[chancery.SealingKey]time.Time // when the database was last asked for a key that it did not have
}

// heldGeneration never changes.
type heldGeneration struct {
	chancery.Keyring
	generation int64
}

func (h *heldKeyring) held() chancery.Keyring { return h.now.Load() }

// learn reads the keyset and takes it over if it is newer; an old snapshot of the
// database may hold an older one.
func (h *heldKeyring) learn(ctx context.Context, q *query.Queries) error {
	row, err := q.Keyset(ctx)
	if err != nil {
		return unavailable(fmt.Errorf("reading the keyset: %w", err))
	}
	if now := h.now.Load(); now != nil && now.generation >= row.Generation {
		return nil
	}
	opened, err := h.keysets.Open(row.Wrapped)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.now.Load(); now == nil || now.generation < row.Generation {
		h.now.Store(&heldGeneration{opened, row.Generation})
		h.vain = map[chancery.SealingKey]time.Time{}
	}
	return nil
}

// open opens a value. Before it fails for one that another node has sealed with a key
// that is newer than what this node has read, it looks into the database with learn:
// whoever sees the value there sees the keyset that has its key.
func (h *heldKeyring) open(sealed []byte, place string, learn func() error) (chancery.Secret, error) {
	key := chancery.SealedWith(sealed)
	if h.worthAsking(key) {
		if err := learn(); err != nil {
			return chancery.Secret{}, fmt.Errorf("looking for key %s of the keyset: %w", key, err)
		}
		if !slices.Contains(h.held().Keys(), key) {
			h.mu.Lock()
			h.vain[key] = time.Now() //nolint:forbidigo // it bounds a pause
			h.mu.Unlock()
		}
	}
	return h.held().Open(sealed, place)
}

// worthAsking tells whether the database is asked for a key: not for one that is held,
// nor again within a second, so that a damaged value costs little.
func (h *heldKeyring) worthAsking(key chancery.SealingKey) bool {
	const pause, many = time.Second, 64
	if key == 0 || slices.Contains(h.held().Keys(), key) {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.vain) > many {
		h.vain = map[chancery.SealingKey]time.Time{}
	}
	asked, before := h.vain[key]
	return !before || time.Since(asked) > pause
}

// open is that of a transaction, for what runs in none.
func (s *Store) open(ctx context.Context, sealed []byte, place string) (chancery.Secret, error) {
	return s.keyring.open(sealed, place, func() error { return s.keyring.learn(ctx, s.readSQL) })
}

// errOldKeyring means that another node rotated the keyset after it was rewrapped, and
// that this node has the key-encryption key from before.
var errOldKeyring = errors.New("this node's keys are older than the database's, and its key-encryption key does not open those; give it the one that the other nodes have, and restart it")

// renew brings the keyring up to date for a transaction that writes, where the database
// says that another key is the primary. A node that cannot follow may go on sealing
// with what it has as long as the database lists that.
func (t *tx) renew(primary chancery.SealingKey) error {
	if t.keyring.now.Load() == nil || primary == 0 || t.keyring.held().Keys()[0] == primary {
		return nil
	}
	learnt := t.keyring.learn(t.ctx, t.sql)
	mine := t.keyring.held().Keys()[0]
	if learnt == nil {
		return nil
	}
	listed, err := t.sql.SealingKeyListed(t.ctx, int64(mine))
	if err != nil {
		return fmt.Errorf("looking for key %s of the keyset: %w", mine, err)
	}
	if t.old = true; listed == 0 {
		return fmt.Errorf("%w: %w", errOldKeyring, learnt)
	}
	return nil
}
