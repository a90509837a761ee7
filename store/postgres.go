package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"chancery"
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
	s := newStore(connectPostgres(quick, postgresWriters), connectPostgres(quick, postgresReaders))
	s.slow = connectPostgres(config, 2)
	// pgx prepares a statement the first time that a connection runs it.
	s.writeSQL, s.readSQL = query.New(s.writes), query.New(s.reads)
	s.backend = &postgres{store: s, queues: queues{waiting: map[chancery.AccountID][]*writeRequest{}}}
	if err := preparePostgres(ctx, s.slow); err != nil {
		return nil, errors.Join(err, s.slow.Close(), s.reads.Close(), s.writes.Close())
	}
	return s, nil
}

func connectPostgres(config *pgx.ConnConfig, connections int) *sql.DB {
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db
}

// impatient has connections fail when they wait for an answer for longer than answerTime.
func impatient(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &impatientConn{Conn: conn}, nil
	}
}

type impatientConn struct {
	net.Conn
	mu       sync.Mutex // guards deadline, and that the connection has the earlier one
	deadline time.Time  // that pgx has set: it ends what waits when a context ends
}

// Read implements net.Conn.
func (c *impatientConn) Read(b []byte) (int, error) {
	if err := c.limit(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline.IsZero() && errors.Is(err, os.ErrDeadlineExceeded) {
		// pgx takes a timeout for one of its own and reads on.
		return n, errors.Join(errNoAnswer, c.Close())
	}
	return n, err
}

var errNoAnswer = fmt.Errorf("the database gave no answer in %v: %w", answerTime, net.ErrClosed)

func (c *impatientConn) limit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	deadline := time.Now().Add(answerTime) //nolint:forbidigo // the network's clock
	if !c.deadline.IsZero() && c.deadline.Before(deadline) {
		deadline = c.deadline
	}
	return c.SetReadDeadline(deadline)
}

// SetDeadline implements net.Conn.
func (c *impatientConn) SetDeadline(deadline time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = deadline
	return c.Conn.SetDeadline(deadline)
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

// postgres is the engine of many nodes.
//
// A Write runs as READ COMMITTED under locks that it takes before anything else, so
// that whatever it reads afterwards was committed by those who had the locks before:
// a Write that keeps to an account (chancery.Confine) has that account alone, and one
// that does not has the whole database alone. See docs/decisions/20261125-postgresql.md
// for why not SERIALIZABLE.
type postgres struct {
	store  *Store
	queues queues
}

func (p *postgres) alone(ctx context.Context, fn func() error) error {
	return underLock(ctx, p.store.slow, aloneLock, func(*sql.Conn) error { return fn() })
}

func (p *postgres) end()     { p.queues.serving.Wait() }
func (p *postgres) release() { _ = p.store.slow.Close() }

func (*postgres) checks() []invariant {
	return []invariant{
		{"every reference leads to a row", `SELECT conrelid::regclass::text || ' ' || conname FROM pg_constraint WHERE NOT convalidated`},
		{"the indexes of the database are sound", `SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid`},
	}
}

func (p *postgres) read(ctx context.Context, fn func(chancery.Tx) error) error {
	options := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	return p.transact(ctx, p.store.reads, options, p.store.reader(), fn)
}

func (p *postgres) write(ctx context.Context, fn func(chancery.Tx) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("waiting to write: %w", ctx.Err())
	}
	account, confined := chancery.Confined(ctx)
	if account != 0 {
		return p.queues.write(ctx, account, fn, p.serve)
	}
	lock := lockOf{"SELECT pg_advisory_xact_lock($1)", []any{writersLock}}
	if confined {
		lock.statement = "SELECT pg_advisory_xact_lock_shared($1)"
	}
	return p.single(ctx, lock, fn)
}

// lockOf is what a Write takes before anything else.
type lockOf struct {
	statement string
	arguments []any
}

func (l lockOf) take(ctx context.Context, on query.DBTX) error {
	if _, err := on.ExecContext(ctx, l.statement, l.arguments...); err != nil {
		return fmt.Errorf("waiting for other writers: %w", err)
	}
	return nil
}

var readCommitted = &sql.TxOptions{Isolation: sql.LevelReadCommitted}

// single runs a Write in a transaction of its own. Once begun it is finished, whether or
// not the caller is still there.
func (p *postgres) single(ctx context.Context, lock lockOf, fn func(chancery.Tx) error) error {
	return p.transact(context.WithoutCancel(ctx), p.store.writes, readCommitted, p.store.writer(), func(some chancery.Tx) error {
		t := some.(*tx) //nolint:forcetypeassert // it is this store's own
		if err := lock.take(t.ctx, t.exec); err != nil {
			return err
		}
		return fn(some)
	})
}

// serve commits writes of one account together or, when the database failed one of
// them, each alone.
func (p *postgres) serve(account chancery.AccountID, group []*writeRequest) {
	lock := lockOf{"SELECT pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock($2)", []any{writersLock, int64(account)}}
	if len(group) > 1 {
		again, err := p.together(lock, group)
		if err != nil && !again {
			for _, request := range group {
				request.err = unavailable(err)
			}
		}
		if !again {
			return
		}
	}
	for _, request := range group {
		request.err = p.single(request.ctx, lock, request.call)
	}
}

// together reports again when nothing was committed, and the database answers.
func (p *postgres) together(lock lockOf, group []*writeRequest) (again bool, err error) {
	ctx := context.Background() // the transaction belongs to many
	acquiring, cancel := context.WithTimeout(ctx, acquireTime)
	conn, err := p.store.writes.Conn(acquiring)
	cancel()
	if err != nil {
		return false, fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = conn.Close() }()
	sqlTx, err := conn.BeginTx(ctx, readCommitted)
	if err != nil {
		return true, fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() { _ = sqlTx.Rollback() }()
	if err := lock.take(ctx, sqlTx); err != nil {
		return !lost(err), err
	}
	if err := p.store.writer().share(ctx, sqlTx, group); err != nil {
		return true, err
	}
	if err := sqlTx.Commit(); err != nil {
		return conflict(err), fmt.Errorf("committing: %w", err)
	}
	return false, nil
}

// transact runs fn in a transaction, again after a conflict with another one or a
// connection that was lost before the commit, unless that took long already. A connection that is lost while the
// commit is under way leaves open whether it took place; the caller is told that the
// database cannot be reached, as whenever it cannot.
func (p *postgres) transact(ctx context.Context, db *sql.DB, options *sql.TxOptions, t tx, fn func(chancery.Tx) error) error {
	late := time.Now().Add(acquireTime) //nolint:forbidigo // it bounds a wait
	for attempt := 0; ; attempt++ {
		again, err := p.attempt(ctx, db, options, t, fn)
		if err == nil {
			return nil
		}
		if !again || time.Now().After(late) || !pause(ctx, attempt) { //nolint:forbidigo // it bounds a wait
			return unavailable(err)
		}
	}
}

// attempt reports whether there is a point in another one, where nothing of this one
// was committed.
func (p *postgres) attempt(ctx context.Context, db *sql.DB, options *sql.TxOptions, t tx, fn func(chancery.Tx) error) (again bool, err error) {
	acquiring, cancel := context.WithTimeout(ctx, acquireTime)
	conn, err := db.Conn(acquiring)
	cancel()
	if err != nil {
		return false, fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = conn.Close() }()
	sqlTx, err := conn.BeginTx(ctx, options)
	if err != nil {
		return mayPass(err), fmt.Errorf("beginning a transaction: %w", err)
	}
	// After a commit this does nothing.
	defer func() { _ = sqlTx.Rollback() }()
	if err := t.within(ctx, sqlTx, fn); err != nil {
		return mayPass(err), err
	}
	if err := sqlTx.Commit(); err != nil {
		return conflict(err), fmt.Errorf("committing: %w", err)
	}
	return false, nil
}

// pause waits a little longer before each attempt; it is false when there is no
// time, or no attempt, left.
func pause(ctx context.Context, attempt int) bool {
	const attempts = 10
	if attempt+1 >= attempts {
		return false
	}
	wait := time.Millisecond << min(attempt, 8)
	select {
	case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // spreading load, not keeping a secret
		return true
	case <-ctx.Done():
		return false
	}
}

// conflict tells of errors by which PostgreSQL asks for another attempt.
func conflict(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && (failure.Code == "40001" || failure.Code == "40P01")
}

// mayPass is conflict, or a lost connection.
func mayPass(err error) bool { return conflict(err) || lost(err) }

// lost tells of errors that say nothing about what was asked, only that the database
// does not answer: refused, dropped and hanging connections, a database that shuts
// down, starts, has no connection to spare, only reads, or has others before us for too long.
func lost(err error) bool {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		switch failure.Code {
		case "57P01", "57P02", "57P03", "57P05", "25P03", "55P03", "53300", "53400", "25006", "08000", "08001", "08003", "08004", "08006":
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) ||
		pgconn.Timeout(err) || pgconn.SafeToRetry(err) || closedUnder(err)
}

// closedUnder finds what pgx gives when the other side hangs up.
func closedUnder(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// unavailable has callers try again where the database could not be reached; other
// errors stay as they are.
func unavailable(err error) error {
	var own *chancery.Error
	if errors.As(err, &own) || !mayPass(err) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &chancery.Error{
		Code: chancery.ServiceUnavailable, Message: "the database does not answer; try again",
		Err: fmt.Errorf("%w: %w", chancery.ErrStoreAway, err), RetryAfter: unavailableRetry,
	}
}

// claimSteps passes over steps that another transaction holds: nodes that claim at
// once, or while an order is being changed, wait for nobody and get different steps.
// SQLite has one writer and no such words, so the shared text does without.
func (*postgres) claimSteps(t *tx, claim query.ClaimStepsParams) ([]query.Step, error) {
	rows, err := t.exec.QueryContext(t.ctx, `UPDATE steps SET
			lease_until = now_ms() + $1, last_run_at = $2, attempts = attempts + 1, version = version + 1
		WHERE steps.id IN (
			SELECT s.id FROM steps s WHERE s.due_at <= $2 AND s.lease_until <= now_ms()
			ORDER BY s.due_at, s.id LIMIT $3 FOR UPDATE SKIP LOCKED
		)
		RETURNING id, kind, account_id, order_id, due_at, attempts, last_run_at, lease_until, last_error, version`,
		claim.Lease, claim.Now, claim.Most)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var steps []query.Step
	for rows.Next() {
		var s query.Step
		if err := rows.Scan(&s.ID, &s.Kind, &s.AccountID, &s.OrderID, &s.DueAt, &s.Attempts, &s.LastRunAt, &s.LeaseUntil, &s.LastError, &s.Version); err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, rows.Err()
}

// queues has the writes of an account wait for each other in this process, where they
// hold no connection meanwhile: a busy account would take all of them. Those that
// wait when a commit ends share the next. The locks in the database are for other nodes.
type queues struct {
	mu      sync.Mutex                             // guards waiting, and the slices in it
	waiting map[chancery.AccountID][]*writeRequest // an entry for every account that is served
	serving sync.WaitGroup
}

// write waits for its turn, and then for the outcome.
func (q *queues) write(ctx context.Context, account chancery.AccountID, fn func(chancery.Tx) error, serve func(chancery.AccountID, []*writeRequest)) error {
	request := &writeRequest{ctx: ctx, fn: fn, done: make(chan struct{})}
	q.mu.Lock()
	_, served := q.waiting[account]
	q.waiting[account] = append(q.waiting[account], request)
	q.mu.Unlock()
	if !served {
		q.serving.Go(func() { q.run(account, serve) })
	}
	late := time.NewTimer(answerTime)
	defer late.Stop()
	var gaveUp error
	select {
	case <-request.done:
	case <-ctx.Done():
		gaveUp = fmt.Errorf("waiting to write: %w", ctx.Err())
	case <-late.C:
		gaveUp = unavailable(fmt.Errorf("waiting to write for account %d: %w", account, context.DeadlineExceeded))
	}
	if gaveUp != nil && q.leave(account, request) {
		return gaveUp
	}
	<-request.done // it was begun: fn may still use what its caller owns
	if request.panicked != nil {
		panic(request.panicked)
	}
	return request.err
}

// leave takes a request out of the queue; it is false when its turn has come.
func (q *queues) leave(account chancery.AccountID, request *writeRequest) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting[account], request)
	if i < 0 {
		return false
	}
	q.waiting[account] = slices.Delete(q.waiting[account], i, i+1)
	return true
}

// run serves an account's queue until it is empty.
func (q *queues) run(account chancery.AccountID, serve func(chancery.AccountID, []*writeRequest)) {
	for {
		q.mu.Lock()
		all := q.waiting[account]
		if len(all) == 0 {
			delete(q.waiting, account)
			q.mu.Unlock()
			return
		}
		group := slices.Clone(all[:min(len(all), maxWriteGroup)])
		q.waiting[account] = slices.Delete(all, 0, len(group))
		q.mu.Unlock()
		serve(account, group)
		for _, request := range group {
			close(request.done)
		}
	}
}
