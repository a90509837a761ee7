package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"chancery"
)

// copying is the end of the name of a copy that is being made, beside the database.
const copying = ".copying"

// OwnToolsError means that the database is copied by its own programs; it says how
// they reach it.
type OwnToolsError struct {
	// Flags are those of PostgreSQL's programs, without a password.
	Flags string
}

// Error implements error.
func (e *OwnToolsError) Error() string {
	return "PostgreSQL has programs of its own for this: write\n\n" +
		"  pg_dump --format=custom --file=FILE " + e.Flags + "\n\n" +
		"It makes a consistent copy while nodes are at work. To restore it into an empty database, with no node running:\n\n" +
		"  pg_restore --exit-on-error --no-owner --dbname=EMPTY FILE\n" +
		"  chancery restore --database postgres://.../EMPTY\n\n" +
		"The copy holds secrets in sealed form alone; keep the key-encryption key apart from it"
}

// Copy makes a consistent copy of the database while others read and write, and gives it
// opened; its file is gone already. It takes as much room beside the database as that
// has itself. It is an OwnToolsError on PostgreSQL.
func (s *Store) Copy(ctx context.Context) (*os.File, error) { return s.backend.copy(ctx) }

// CanCopy is the OwnToolsError of Copy, or nil.
func (s *Store) CanCopy() error {
	if p, ok := s.backend.(*postgres); ok {
		return &OwnToolsError{p.flags}
	}
	return nil
}

func (e *sqlite3) copy(ctx context.Context) (*os.File, error) {
	e.copies.Lock()
	defer e.copies.Unlock()
	path := e.file + copying
	// One may be there of a process that was killed.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("making a copy: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making a copy: %w", err)
	}
	if err = errors.Join(e.vacuum(ctx, path), os.Remove(path)); err != nil {
		return nil, fmt.Errorf("making a copy: %w", errors.Join(err, file.Close()))
	}
	return file, nil
}

// vacuum copies into a file that is empty, and keeps its mode. It has a connection of its
// own: those that read may write nowhere, and the one that writes is not to wait.
func (e *sqlite3) vacuum(ctx context.Context, path string) (err error) {
	db, err := connect("sqlite", e.file, "", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", path)
	return err
}

func (p *postgres) copy(context.Context) (*os.File, error) { return nil, &OwnToolsError{p.flags} }

// CheckCopy refuses a file that is no sound copy of a database of this version or an
// older one. It changes nothing.
func CheckCopy(ctx context.Context, file string) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?mode=ro&_pragma=query_only(1)")
	if err != nil {
		return fmt.Errorf("opening the copy: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var version, keysets int64
	err = db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&version)
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM keysets").Scan(&keysets)
	}
	if err == nil && keysets != 1 {
		err = errors.New("it has no keyset")
	}
	if err != nil {
		return fmt.Errorf("the file is not a copy of a Chancery database: %w", err)
	}
	newest, err := newestSchema(db)
	if err != nil {
		return err
	}
	if version > newest {
		return fmt.Errorf("%w (schema %d, known %d)", ErrNewerSchema, version, newest)
	}
	var says string
	if err := db.QueryRowContext(ctx, "SELECT group_concat(integrity_check, '; ') FROM pragma_integrity_check").Scan(&says); err != nil {
		return fmt.Errorf("checking the copy: %w", err)
	}
	if says != "ok" {
		return fmt.Errorf("the copy is damaged: %s", strings.TrimSpace(says))
	}
	return nil
}

func newestSchema(db *sql.DB) (int64, error) {
	provider, err := newProvider(goose.DialectSQLite3, db)
	if err != nil {
		return 0, err
	}
	sources := provider.ListSources()
	return sources[len(sources)-1].Version, nil
}

// Restored prepares data that an older copy was made of for taking the place of newer
// data, which is lost: the next CRLs get numbers above those that others may have seen,
// requests from before now are refused, since their nonces may be lost, and steps that
// were being worked on are free. It needs no keyring, and no node may be running.
func (s *Store) Restored(ctx context.Context, now time.Time) error {
	return s.Write(ctx, func(some chancery.Tx) error {
		t := some.(*tx) //nolint:forcetypeassert // it is this store's own
		if _, err := t.sql.RaiseCRLs(t.ctx, now.Unix()); err != nil {
			return fmt.Errorf("raising the numbers of CRLs: %w", err)
		}
		if err := t.sql.FreeLeases(t.ctx); err != nil {
			return fmt.Errorf("freeing leases: %w", err)
		}
		if err := t.sql.AddRestore(t.ctx, toMillis(now)); err != nil {
			return fmt.Errorf("keeping when the data was restored: %w", err)
		}
		return nil
	})
}

// RestoredAt tells when the data was last restored; zero for never.
func (s *Store) RestoredAt(ctx context.Context) (time.Time, error) {
	at, err := s.readSQL.LastRestore(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("looking for when the data was restored: %w", err)
	}
	return fromMillis(at), nil
}

// NewestEntry tells when the newest line of any audit log was written: about the age of
// a copy. It is zero where there is none.
func (s *Store) NewestEntry(ctx context.Context) (time.Time, error) {
	var at int64
	if err := s.slow.QueryRowContext(ctx, "SELECT COALESCE(MAX(at), 0) FROM audit").Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("looking for the newest audit line: %w", err)
	}
	return fromMillis(at), nil
}

// Empty tells whether the database has no keyset, and so no data.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	_, err := s.readSQL.Keyset(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}
