package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"chancery"
	"chancery/store/query"
)

// ErrInUse means that another process has the database open.
var ErrInUse = errors.New("another process uses this data directory")

func init() {
	// The database's clock, under the name that PostgreSQL gets as a function too.
	sqlite.MustRegisterScalarFunction("now_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return began.Add(time.Since(began)).UnixMilli(), nil
	})
}

// began is when this process did. The database's clock of one process goes on from there
// by the time that passes, so that no lease is lost, or kept for ever, when
// somebody sets the machine's clock.
var began = time.Now() //nolint:forbidigo // it is the database's clock

// Open opens the SQLite database in the file, made with mode 0600 if there is
// none, brings its schema up to date and checks that it runs as it must: WAL and
// synchronous=FULL. It is ErrInUse when another process has the file, and
// ErrNewerSchema when the file was written by a newer version of the program.
func Open(ctx context.Context, file string) (*Store, error) { return OpenThrough(ctx, "sqlite", file) }

// OpenThrough is Open through another database/sql driver: one that wraps SQLite's,
// for a test that looks at the statements.
func OpenThrough(ctx context.Context, driver, file string) (*Store, error) {
	release, err := lock(file + ".lock")
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, driver, file, release)
	if err != nil {
		release()
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, driver, file string, release func()) (*Store, error) {
	if err := createPrivate(file); err != nil {
		return nil, err
	}
	_ = os.Remove(file + copying) // of a process that was killed
	// One connection writes: SQLite takes one writer at a time, and a queue here is
	// fairer and quicker than its busy handler. Where the disk is full, pages cannot go
	// from the log to the database and it grows: it is cut short again once they can, or
	// it would keep the room for ever.
	writes, err := connect(driver, file, "&_txlock=immediate&_pragma=cache_size(-16000)&_pragma=journal_size_limit(4194304)", 1)
	if err != nil {
		return nil, err
	}
	reads, err := connect(driver, file, "&_pragma=query_only(1)", max(4, 2*runtime.NumCPU()))
	if err != nil {
		return nil, errors.Join(err, writes.Close())
	}
	s := newStore(writes, reads)
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, reads.Close(), writes.Close())
	}
	s.backend = newSQLite(s, file, release)
	return s, nil
}

// sqlite3 is the engine of one process: it reads on many connections and writes on
// one, in groups.
type sqlite3 struct {
	*groupWriter
	file    string
	copies  sync.Mutex    // held while a copy is made
	unlock  func()        // gives the lock on the file back
	stopped chan struct{} // the writer has ended
}

func newSQLite(s *Store, file string, unlock func()) *sqlite3 {
	e := &sqlite3{
		groupWriter: &groupWriter{store: s, requests: make(chan *writeRequest)},
		file:        file, unlock: unlock, stopped: make(chan struct{}),
	}
	go func() {
		defer close(e.stopped)
		e.run()
	}()
	return e
}

func (e *sqlite3) read(ctx context.Context, fn func(chancery.Tx) error) error {
	if chancery.Glances(ctx) {
		return roomless(e.store.reader().glance(ctx, e.store.readSQL, e.store.reads, fn))
	}
	return roomless(transact(ctx, e.store.reads, e.store.reader(), fn))
}

func (*sqlite3) skipLocked() string { return "" }

func (*sqlite3) claimSteps(t *tx, claim query.ClaimStepsParams) ([]query.Step, error) {
	return t.sql.ClaimSteps(t.ctx, claim)
}

func (*sqlite3) takeReadyKey(t *tx, algorithm chancery.KeyAlgorithm) (query.ReadyKey, error) {
	return t.sql.TakeReadyKey(t.ctx, string(algorithm))
}

func (*sqlite3) checks() []invariant {
	return []invariant{
		{"every reference leads to a row", `SELECT "table" || ' row ' || rowid FROM pragma_foreign_key_check`},
		{"the database file is sound", `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`},
	}
}

func (*sqlite3) alone(_ context.Context, fn func() error) error { return fn() }

func (e *sqlite3) end()     { <-e.stopped }
func (e *sqlite3) release() { e.unlock() }

func (s *Store) prepare(ctx context.Context) error {
	if err := checkMode(ctx, s.writes); err != nil {
		return err
	}
	if err := migrate(ctx, goose.DialectSQLite3, s.writes); err != nil {
		return err
	}
	// This process is alone on the file, so whoever held a lease is dead.
	if _, err := s.writes.ExecContext(ctx, "UPDATE steps SET lease_until = 0, version = version + 1 WHERE lease_until > 0"); err != nil {
		return fmt.Errorf("freeing leases: %w", err)
	}
	var err error
	if s.writeSQL, err = query.Prepare(ctx, s.writes); err != nil {
		return fmt.Errorf("preparing statements: %w", err)
	}
	if s.readSQL, err = query.Prepare(ctx, s.reads); err != nil {
		return fmt.Errorf("preparing statements: %w", err)
	}
	return nil
}

func connect(driver, file, options string, connections int) (*sql.DB, error) {
	name := "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)" + options
	db, err := sql.Open(driver, name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// checkMode trusts nothing: some file systems and builds refuse WAL silently.
func checkMode(ctx context.Context, db *sql.DB) error {
	for _, want := range []struct{ pragma, value, why string }{
		{"journal_mode", "wal", "readers would wait for writers"},
		{"synchronous", "2", "an acknowledged order could be lost with the power"},
		{"foreign_keys", "1", "rows could lose what they belong to"},
	} {
		var value string
		if err := db.QueryRowContext(ctx, "PRAGMA "+want.pragma).Scan(&value); err != nil {
			return fmt.Errorf("reading %s of the database: %w", want.pragma, err)
		}
		if value != want.value {
			return fmt.Errorf("the database runs with %s=%s instead of %s, so that %s; is the data directory on a network file system?",
				want.pragma, value, want.value, want.why)
		}
	}
	return nil
}

func createPrivate(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	return f.Close()
}

// Lock takes a lock on a file, which is made if there is none; ErrInUse while another
// process has it.
func Lock(file string) (release func(), err error) { return lock(file) }

// lock takes the file lock that keeps a second process out. The kernel gives it
// back when the process ends, however it ends.
func lock(file string) (release func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("locking %s: %w", file, err)
	}
	return func() { _ = f.Close() }, nil
}
