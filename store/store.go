// Package store keeps Chancery's data in SQLite or PostgreSQL. One set of SQL, read
// by sqlc as PostgreSQL and kept to what both engines understand, is all there is;
// what an engine needs of its own stands apart (sqlite.go with writer.go, and
// postgres.go with postgres_writes.go, postgres_queues.go, postgres_answers.go and the
// package pipeline).
//
// The order of opening is Open or OpenPostgres, which migrate, then Unlock, since the
// keyset that seals secrets is kept (wrapped) in the database itself.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"chancery"
	"chancery/store/query"
)

// Store implements chancery.Store. It is safe for
// concurrent use after Unlock.
type Store struct {
	writes, reads *sql.DB
	slow          *sql.DB // for what may take long and changes nothing; reads, on SQLite
	writeSQL      *query.Queries
	readSQL       *query.Queries
	keyring       *heldKeyring // filled by Unlock, before any other use
	texts         *textCache   // for reading transactions; locks itself
	backend       backend
	closed        chan struct{} // Close is called
}

// backend is what each engine does in its own way.
type backend interface {
	read(ctx context.Context, fn func(chancery.Tx) error) error
	write(ctx context.Context, fn func(chancery.Tx) error) error
	// skipLocked ends a SELECT of rows to change that leaves out those that other
	// transactions hold; empty where there are no others.
	skipLocked() string
	// claimSteps runs ClaimSteps, or what takes its place.
	claimSteps(t *tx, claim query.ClaimStepsParams) ([]query.Step, error)
	// takeReadyKey runs TakeReadyKey, or what takes its place.
	takeReadyKey(t *tx, algorithm chancery.KeyAlgorithm) (query.ReadyKey, error)
	// alone runs fn while no other process does so.
	alone(ctx context.Context, fn func() error) error
	// checks are the doctor's checks of the database itself.
	checks() []invariant
	// copy is Store.Copy.
	copy(ctx context.Context) (*os.File, error)
	// end waits for what runs in the background, before the connections are closed.
	end()
	// release comes last.
	release()
}

func newStore(writes, reads *sql.DB) *Store {
	return &Store{writes: writes, reads: reads, slow: reads, texts: newTextCache(textCacheSize), keyring: &heldKeyring{}, closed: make(chan struct{})}
}

// Close ends the writer and closes the database. No call may be under way.
func (s *Store) Close() error {
	close(s.closed)
	s.backend.end()
	err := errors.Join(s.readSQL.Close(), s.writeSQL.Close(), closed(s.reads.Close()), closed(s.writes.Close()))
	s.backend.release()
	return err
}

// closed forgives a connection that was closed before: one whose caller went away in the
// middle of a statement.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Alone runs fn, which may read and write, while no other process on this database
// runs another.
func (s *Store) Alone(ctx context.Context, fn func() error) error { return s.backend.alone(ctx, fn) }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.reads.PingContext(ctx) }

// Read implements chancery.Store.
func (s *Store) Read(ctx context.Context, fn func(chancery.Tx) error) error {
	return s.backend.read(ctx, fn)
}

// Write implements chancery.Store.
func (s *Store) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	return s.backend.write(ctx, fn)
}

// reader and writer are transactions as they are outside of any.
func (s *Store) reader() tx {
	return tx{sql: s.readSQL, keyring: s.keyring, texts: s.texts, backend: s.backend}
}

func (s *Store) writer() tx {
	return tx{sql: s.writeSQL, keyring: s.keyring, backend: s.backend}
}

// transact runs fn in a transaction of db, with t as it is outside of any.
func transact(ctx context.Context, db *sql.DB, t tx, fn func(chancery.Tx) error) error {
	sqlTx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	// After a commit this does nothing.
	defer func() { _ = sqlTx.Rollback() }()
	if err := t.within(ctx, sqlTx, fn); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// glance runs fn on a database or connection without a transaction.
func (t tx) glance(ctx context.Context, sql *query.Queries, exec query.DBTX, fn func(chancery.Tx) error) error {
	t.ctx, t.sql, t.exec, t.ends = ctx, sql, exec, auditEnds{}
	return fn(&t)
}

// within does all of a transaction but its beginning and its end.
func (t tx) within(ctx context.Context, sqlTx *sql.Tx, fn func(chancery.Tx) error) error {
	t.ctx, t.sql, t.ends = ctx, t.sql.WithTx(sqlTx), auditEnds{}
	t.exec = sqlTx
	if err := fn(&t); err != nil {
		return err
	}
	return t.sealEnds()
}

// tx implements chancery.Tx; its methods stand in the files of their nouns.
type tx struct {
	ctx     context.Context // of the one Read or Write that made it
	sql     *query.Queries
	exec    query.DBTX // what sql runs on, for statements of one engine alone
	backend backend
	keyring *heldKeyring
	old     bool       // the keyring is, and cannot be brought up to date
	ends    auditEnds  // what is to be sealed before the commit
	texts   *textCache // nil in one that writes: it sees what is not committed
}

// seal binds a secret to its row; an empty one is stored as null.
func (t *tx) seal(secret chancery.Secret, table string, account chancery.AccountID, row any) ([]byte, error) {
	if secret.Empty() {
		return nil, nil
	}
	sealed, err := t.keyring.held().Seal(secret, place(table, account, row))
	if err != nil {
		return nil, fmt.Errorf("sealing %s %v: %w", table, row, err)
	}
	return sealed, nil
}

func (t *tx) open(sealed []byte, table string, account chancery.AccountID, row any) (chancery.Secret, error) {
	if len(sealed) == 0 {
		return chancery.Secret{}, nil
	}
	secret, err := t.keyring.open(sealed, place(table, account, row), func() error { return t.keyring.learn(t.ctx, t.sql) })
	if err != nil {
		return chancery.Secret{}, fmt.Errorf("opening %s %v: %w", table, row, err)
	}
	return secret, nil
}

// place is the associated data of a sealed value.
func place(table string, account chancery.AccountID, row any) string {
	return fmt.Sprintf("%s|%d|%v", table, account, row)
}

// found turns the driver's "no rows" into ErrNotFound.
func found(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return chancery.ErrNotFound
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// changed is otherwise when a statement that must change one row changed none.
func changed(doing string, rows int64, err, otherwise error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", doing, err)
	case rows == 0:
		return otherwise
	}
	return nil
}

// toMillis stores the zero time as 0.
func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func toFlag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
