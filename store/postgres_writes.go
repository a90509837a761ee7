package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"chancery"
	"chancery/store/query"
)

// postgres is the engine of many nodes.
//
// A Write runs as READ COMMITTED under locks that it takes before anything else, so
// that whatever it reads afterwards was committed by those who had the locks before:
// a Write that keeps to an account (chancery.Confine) has that account alone, and one
// that does not has the whole database alone. See docs/decisions/20261125-postgresql.md
// for why not SERIALIZABLE.
type postgres struct {
	store  *Store
	flags  string // of PostgreSQL's programs
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
	late, over := hurried(ctx)
	defer over()
	ctx, cancel := inTime(ctx, late)
	defer cancel()
	return p.transact(ctx, p.store.reads, options, p.store.reader(), fn)
}

// glance is attempt for a look without a transaction.
func (p *postgres) glance(ctx context.Context, conn *sql.Conn, t tx, fn func(chancery.Tx) error) (again bool, err error) {
	err = t.glance(ctx, query.New(conn), conn, fn)
	return mayPass(err), err
}

// hurried gives the time by which a Read or Write must be over, zero if nobody waits for
// it; over is called then.
func hurried(ctx context.Context) (late time.Time, over func()) {
	left, took, ok := chancery.Hurried(ctx)
	if !ok {
		return time.Time{}, func() {}
	}
	began := time.Now() //nolint:forbidigo // it bounds a wait
	return began.Add(left), func() { took(time.Since(began)) }
}

// inTime ends a context when it is late.
func inTime(ctx context.Context, late time.Time) (context.Context, context.CancelFunc) {
	if late.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, late)
}

func (p *postgres) write(ctx context.Context, fn func(chancery.Tx) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("waiting to write: %w", ctx.Err())
	}
	late, over := hurried(ctx)
	defer over()
	account, confined := chancery.Confined(ctx)
	if account != 0 {
		return p.queues.write(ctx, account, late, fn, p.serve)
	}
	lock := lockOf{"pg_advisory_xact_lock($1)", []any{writersLock}}
	if confined {
		lock.calls = "pg_advisory_xact_lock_shared($1)"
	}
	return p.single(ctx, late, lock, fn)
}

// lockOf is what a Write takes before anything else: calls in a SELECT.
type lockOf struct {
	calls     string
	arguments []any
}

// take has the same statement tell which key is the primary of the keyring, so that a
// node that was frozen while another rotated does not seal with a key that is dropped
// later. The answer may be older than the lock, by as long as the lock was waited for
// (lockTime); a key is dropped long after it became an old one.
func (l lockOf) take(ctx context.Context, on query.DBTX, t *tx) error {
	var primary int64
	row := on.QueryRowContext(ctx, "SELECT COALESCE((SELECT primary_key_id FROM keysets WHERE id = 1), 0) FROM (SELECT "+l.calls+") locked", l.arguments...)
	if err := row.Scan(&primary); err != nil {
		return fmt.Errorf("waiting for other writers: %w", err)
	}
	return t.renew(chancery.SealingKey(primary)) //nolint:gosec // ids have 32 bits
}

var readCommitted = &sql.TxOptions{Isolation: sql.LevelReadCommitted}

// single runs a Write in a transaction of its own. Once begun it is finished, whether or
// not the caller is still there.
func (p *postgres) single(ctx context.Context, late time.Time, lock lockOf, fn func(chancery.Tx) error) error {
	ctx, cancel := inTime(context.WithoutCancel(ctx), late)
	defer cancel()
	return p.transact(ctx, p.store.writes, readCommitted, p.store.writer(), func(some chancery.Tx) error {
		t := some.(*tx) //nolint:forcetypeassert // it is this store's own
		if err := lock.take(t.ctx, t.exec, t); err != nil {
			return err
		}
		return fn(some)
	})
}

// serve commits writes of one account together or, when the database failed one of
// them, each alone.
func (p *postgres) serve(account chancery.AccountID, group []*writeRequest) {
	lock := lockOf{"pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock($2)", []any{writersLock, int64(account)}}
	if len(group) > 1 {
		again, err := p.together(lock, group, tx.shareAll)
		if errors.Is(err, errOneFailed) {
			again, err = p.together(lock, group, tx.shareEach)
		}
		if !again {
			for _, request := range group {
				if err != nil {
					request.err = unavailable(err)
				}
				close(request.done)
			}
			return
		}
	}
	// Whoever is in a hurry is first: what nobody waits for may try again for seconds.
	slices.SortStableFunc(group, func(one, other *writeRequest) int { return compareLate(one.late, other.late) })
	for _, request := range group {
		request.err = p.single(request.ctx, request.late, lock, request.call)
		close(request.done)
	}
}

// compareLate has the earlier time first, and none last.
func compareLate(one, other time.Time) int {
	switch {
	case one.IsZero() && other.IsZero():
		return 0
	case one.IsZero():
		return 1
	case other.IsZero():
		return -1
	}
	return one.Compare(other)
}

// together reports again when nothing was committed, and the database answers.
func (p *postgres) together(lock lockOf, group []*writeRequest, run share) (again bool, err error) {
	ctx, leave := inTime(context.Background(), earliest(group)) // the transaction belongs to many
	defer leave()
	defer func() {
		if ctx.Err() != nil && err != nil { // whatever the driver made of that
			again, err = false, fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}()
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
	t := p.store.writer()
	t.ctx, t.sql = ctx, t.sql.WithTx(sqlTx)
	began := time.Now() //nolint:forbidigo // it bounds a wait
	if err := lock.take(ctx, sqlTx, &t); err != nil {
		// The connection may have been dead since long; or others have the lock.
		return !lost(err) || time.Since(began) < acquireTime, err
	}
	if err := run(t, ctx, sqlTx, group); err != nil {
		return true, err
	}
	if err := sqlTx.Commit(); err != nil {
		// It goes with what waited for it, and of that one may have failed.
		return fromDatabase(err) && !lost(err), fmt.Errorf("committing: %w", err)
	}
	return false, nil
}

// transact runs fn in a transaction, again after a conflict with another one or a
// connection that was lost before the commit, unless that took long already. A
// connection that is lost while the commit is under way leaves open whether it took
// place; the caller is told that the database cannot be reached, as whenever it cannot.
func (p *postgres) transact(ctx context.Context, db *sql.DB, options *sql.TxOptions, t tx, fn func(chancery.Tx) error) error {
	late := time.Now().Add(acquireTime) //nolint:forbidigo // it bounds a wait
	for attempt := 0; ; attempt++ {
		again, err := p.attempt(ctx, db, options, t, fn)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil { // whatever the driver made of that
			return unavailable(fmt.Errorf("%w: %w", ctx.Err(), err))
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
	if options.ReadOnly && chancery.Glances(ctx) {
		return p.glance(ctx, conn, t, fn)
	}
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

// skipLocked locks as an UPDATE does that changes no key: rows that refer to these may be
// added meanwhile.
func (*postgres) skipLocked() string { return " FOR NO KEY UPDATE SKIP LOCKED" }

// claimSteps passes over steps that another transaction holds: nodes that claim at
// once, or while an order is being changed, wait for nobody and get different steps.
// SQLite has one writer and no such words, so the shared text does without.
func (*postgres) claimSteps(t *tx, claim query.ClaimStepsParams) ([]query.Step, error) {
	// MATERIALIZED, or the plan may look for steps again for each that it finds, and
	// lease more than it was asked for.
	rows, err := t.exec.QueryContext(t.ctx, `WITH due AS MATERIALIZED (
			SELECT s.id FROM steps s WHERE s.due_at <= $2 AND s.lease_until <= now_ms()
			ORDER BY s.due_at, s.id LIMIT $3 FOR UPDATE SKIP LOCKED
		)
		UPDATE steps SET
			lease_until = now_ms() + $1, last_run_at = $2, parked_at = 0, attempts = attempts + 1, version = version + 1
		FROM due WHERE steps.id = due.id
		RETURNING steps.id, kind, account_id, order_id, due_at, attempts, last_run_at, lease_until, last_error, version, parked_at, cause, subject`,
		claim.Lease, claim.Now, claim.Most)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var steps []query.Step
	for rows.Next() {
		var s query.Step
		if err := rows.Scan(&s.ID, &s.Kind, &s.AccountID, &s.OrderID, &s.DueAt, &s.Attempts, &s.LastRunAt, &s.LeaseUntil, &s.LastError, &s.Version, &s.ParkedAt, &s.Cause, &s.Subject); err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, rows.Err()
}

// takeReadyKey passes over keys that another transaction is taking, as claimSteps does
// over steps.
func (*postgres) takeReadyKey(t *tx, algorithm chancery.KeyAlgorithm) (key query.ReadyKey, err error) {
	err = t.exec.QueryRowContext(t.ctx, `DELETE FROM ready_keys WHERE id = (
			SELECT r.id FROM ready_keys r WHERE r.algorithm = $1 ORDER BY r.created_at, r.id LIMIT 1 FOR UPDATE SKIP LOCKED
		)
		RETURNING id, algorithm, key, created_at`, string(algorithm)).Scan(&key.ID, &key.Algorithm, &key.Key, &key.CreatedAt)
	return key, err
}
