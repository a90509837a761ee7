package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"chancery"
	"chancery/store/pipeline"
	"chancery/store/query"
)

// How many connections a node opens. More do not make PostgreSQL faster, and its
// usual hundred are to serve several nodes.
const (
	postgresWriters = 12
	postgresReaders = 8
)

const (
	// acquireTime bounds how long a transaction waits for a connection, so that callers
	// learn soon that the database is away.
	acquireTime = 2 * time.Second
	// answerTime bounds how long a connection waits for an answer: it may hang.
	answerTime = 4 * time.Second
	// lockTime bounds how long the database has a statement wait for others.
	lockTime = 3 * time.Second
	// holdTime bounds how long a transaction goes on that says nothing: its node may have
	// been stopped, and others wait for what it holds.
	holdTime = 5 * time.Second
	// unavailableRetry is when a caller may try again.
	unavailableRetry = time.Second
)

// OpenPostgres opens the PostgreSQL database that a URL (postgres://...) or a list of
// key=value settings names, and brings its schema up to date; of several nodes that
// start at once one does. Any number of nodes may have the database open. It is
// ErrNewerSchema when a newer version of the program wrote the database.
func OpenPostgres(ctx context.Context, dsn string) (*Store, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the database's URL is not of the form postgres://user:password@host:port/name") // pgx's text may hold the password
	}
	config.ConnectTimeout = acquireTime
	if _, set := config.RuntimeParams["application_name"]; !set {
		config.RuntimeParams["application_name"] = "chancery"
	}
	quick := config.Copy()
	quick.DialFunc = impatient(config.DialFunc)
	for name, value := range map[string]string{
		"lock_timeout":                        fmt.Sprint(lockTime.Milliseconds()),
		"idle_in_transaction_session_timeout": fmt.Sprint(holdTime.Milliseconds()),
	} {
		if _, set := quick.RuntimeParams[name]; !set {
			quick.RuntimeParams[name] = value
		}
	}
	readOnly := quick.Copy()
	readOnly.DialFunc = quick.DialFunc
	readOnly.RuntimeParams["default_transaction_read_only"] = "on" // a glance is in no transaction that says so
	s := newStore(limited(pipeline.OpenDB(*quick), postgresWriters), limited(pipeline.OpenDB(*readOnly), postgresReaders))
	s.slow = limited(stdlib.OpenDB(*config), 2) // its answers may be long, and are read bit by bit
	// pgx prepares a statement the first time that a connection runs it.
	s.writeSQL, s.readSQL = query.New(s.writes), query.New(s.reads)
	s.backend = &postgres{store: s, flags: toolFlags(config), queues: queues{waiting: map[chancery.AccountID][]*writeRequest{}}}
	if err := preparePostgres(ctx, s.slow); err != nil {
		return nil, errors.Join(err, s.slow.Close(), s.reads.Close(), s.writes.Close())
	}
	return s, nil
}

// toolFlags are what PostgreSQL's own programs are to be given for a database.
func toolFlags(config *pgx.ConnConfig) string {
	return fmt.Sprintf("--host=%s --port=%d --username=%s --dbname=%s", config.Host, config.Port, config.User, config.Database)
}

// limited has a database hold no more connections than that.
func limited(db *sql.DB, connections int) *sql.DB {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db
}

// Keys of PostgreSQL's advisory locks. Those of accounts are their ids, which have
// 16 digits.
const (
	migrationLock = 7201
	writersLock   = 7202
	aloneLock     = 7203
)

// preparePostgres migrates under a lock of the session, which PostgreSQL gives back
// however the session ends.
func preparePostgres(ctx context.Context, db *sql.DB) error {
	return underLock(ctx, db, migrationLock, func(conn *sql.Conn) error {
		if err := checkPostgres(ctx, conn); err != nil {
			return err
		}
		return migrate(ctx, goose.DialectPostgres, db)
	})
}

func underLock(ctx context.Context, db *sql.DB, key int, fn func(*sql.Conn) error) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return fmt.Errorf("waiting for other nodes: %w", err)
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key)
		err = errors.Join(err, unlockErr)
	}()
	return fn(conn)
}

// checkPostgres refuses a database that could lose what it acknowledged, and gives
// it the clock that the shared SQL asks for.
func checkPostgres(ctx context.Context, conn *sql.Conn) error {
	for _, want := range []struct{ setting, value, why string }{
		{"server_encoding", "UTF8", "names of people and companies could not be stored"},
		{"fsync", "on", "an acknowledged order could be lost with the power"},
		{"full_page_writes", "on", "a page that was half written could be lost with the power"},
	} {
		var value string
		if err := conn.QueryRowContext(ctx, "SELECT current_setting($1)", want.setting).Scan(&value); err != nil {
			return fmt.Errorf("reading %s of the database: %w", want.setting, err)
		}
		if value != want.value {
			return fmt.Errorf("the database runs with %s=%s instead of %s, so that %s", want.setting, value, want.value, want.why)
		}
	}
	var exists bool
	if err := conn.QueryRowContext(ctx, "SELECT to_regproc('now_ms') IS NOT NULL").Scan(&exists); err != nil {
		return fmt.Errorf("looking for the database's clock: %w", err)
	}
	if exists {
		return nil
	}
	_, err := conn.ExecContext(ctx, `CREATE FUNCTION now_ms() RETURNS BIGINT LANGUAGE SQL STABLE
		AS 'SELECT (EXTRACT(EPOCH FROM statement_timestamp()) * 1000)::BIGINT'`)
	if err != nil {
		return fmt.Errorf("making the database's clock: %w", err)
	}
	return nil
}
