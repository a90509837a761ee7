package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"chancery"
)

// groupWriter runs all writes of the process, one after another, on the one
// connection that writes. A commit costs a disk flush, and every request has at
// least its nonce to commit; so writes that arrive while a flush is under way
// share the next transaction, and all are answered after the one commit. Nobody
// waits for company: a write that is alone is committed alone.
type groupWriter struct {
	store    *Store
	requests chan *writeRequest
}

type writeRequest struct {
	ctx      context.Context
	fn       func(chancery.Tx) error
	late     time.Time // when it must be answered, on PostgreSQL; zero: nobody waits
	err      error
	panicked any
	done     chan struct{} // closed when err and panicked are final
}

const maxWriteGroup = 64

func (w *groupWriter) write(ctx context.Context, fn func(chancery.Tx) error) error {
	if ctx.Err() != nil { // select would draw lots between this and a writer that is free
		return fmt.Errorf("waiting to write: %w", ctx.Err())
	}
	request := &writeRequest{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case w.requests <- request:
	case <-ctx.Done():
		return fmt.Errorf("waiting to write: %w", ctx.Err())
	case <-w.store.closed:
		return errors.New("the store is closed")
	}
	// From here on the outcome is awaited, whatever becomes of ctx: fn may still
	// use what its caller owns.
	<-request.done
	if request.panicked != nil {
		panic(request.panicked)
	}
	return roomless(request.err)
}

func (w *groupWriter) run() {
	for {
		select {
		case first := <-w.requests:
			w.serve(w.gather(first))
		case <-w.store.closed:
			return
		}
	}
}

// gather takes what is waiting by now, without waiting for more. Before that it lets
// others run for some turns: where processors are busy, those who are about to write have
// not had one. Where they are not, that is over at once.
func (w *groupWriter) gather(first *writeRequest) []*writeRequest {
	const turns = 8 // measured with 16 clients; more bring nothing
	group := []*writeRequest{first}
	for range turns {
		runtime.Gosched()
	}
	for len(group) < maxWriteGroup {
		select {
		case next := <-w.requests:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

// serve commits the group together or, when the database itself failed one of
// them, each alone: after such an error SQLite may have ended the transaction,
// and nothing that ran in it counts.
func (w *groupWriter) serve(group []*writeRequest) {
	if len(group) > 1 && w.together(group) {
		return
	}
	// Where the disk is full the rest would fail too, and whoever comes now wait for all
	// of it.
	const enough = 2
	for failed := 0; len(group) > 0; group = group[1:] {
		if failed == enough {
			group[0].err = errNoRoom
			close(group[0].done)
			continue
		}
		w.alone(group[0])
		if full(group[0].err) {
			failed++
		} else {
			failed = 0
		}
	}
}

func (w *groupWriter) alone(request *writeRequest) {
	defer close(request.done)
	request.err = transact(context.WithoutCancel(request.ctx), w.store.writes, w.store.writer(), request.call)
}

// together reports false when nothing was committed and each must be tried alone.
func (w *groupWriter) together(group []*writeRequest) bool {
	err := w.commit(group, tx.shareAll)
	if errors.Is(err, errOneFailed) {
		err = w.commit(group, tx.shareEach)
	}
	if err != nil {
		return false
	}
	for _, request := range group {
		close(request.done)
	}
	return true
}

// share is shareAll or shareEach.
type share func(t tx, ctx context.Context, sqlTx *sql.Tx, group []*writeRequest) error

func (w *groupWriter) commit(group []*writeRequest, run share) error {
	// The transaction belongs to many requests: none of their contexts may end it.
	ctx := context.Background()
	sqlTx, err := w.store.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = sqlTx.Rollback() }()
	if err := run(w.store.writer(), ctx, sqlTx, group); err != nil {
		return err
	}
	return sqlTx.Commit()
}

// errOneFailed means that a write of a group failed, and none counts.
var errOneFailed = errors.New("a write of a group failed")

// shareAll runs a group's writes in one transaction, as few fail. It is errOneFailed
// when one did, and else an error of the database.
func (t tx) shareAll(ctx context.Context, sqlTx *sql.Tx, group []*writeRequest) error {
	t.sql, t.exec, t.ends = t.sql.WithTx(sqlTx), sqlTx, auditEnds{}
	for _, request := range group {
		t.ctx = context.WithoutCancel(request.ctx)
		request.err = request.call(&t)
		switch {
		case fromDatabase(request.err):
			return request.err
		case request.err != nil:
			return errOneFailed
		}
	}
	t.ctx = ctx
	return t.sealEnds()
}

// shareEach runs a group's writes in one transaction, each in a savepoint of its own, so
// that those that fail leave the others alone. It is the error of the database that one
// of them came to, and then none counts.
func (t tx) shareEach(ctx context.Context, sqlTx *sql.Tx, group []*writeRequest) error {
	t.sql, t.exec, t.ends = t.sql.WithTx(sqlTx), sqlTx, auditEnds{}
	for _, request := range group {
		if _, err := sqlTx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
			return err
		}
		one := t
		one.ctx, one.ends = requestContext{ctx, request.ctx}, maps.Clone(t.ends)
		if request.err = request.call(&one); request.err == nil {
			t.ends = one.ends
		} else if fromDatabase(request.err) {
			return request.err
		} else if _, err := sqlTx.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
			return err
		}
		if _, err := sqlTx.ExecContext(ctx, "RELEASE one"); err != nil {
			return err
		}
	}
	t.ctx = ctx
	return t.sealEnds()
}

// requestContext ends with the transaction that a request shares, and has the request's values.
type requestContext struct {
	context.Context
	values context.Context
}

// Value implements context.Context.
func (c requestContext) Value(key any) any { return c.values.Value(key) }

// call runs fn; a panic is kept for the goroutine that asked, and undoes the write.
func (r *writeRequest) call(t chancery.Tx) (err error) {
	r.panicked = nil
	defer func() {
		if r.panicked = recover(); r.panicked != nil {
			err = errors.New("panic in a write")
		}
	}()
	return r.fn(t)
}

func fromDatabase(err error) bool {
	var failure *sqlite.Error
	var other *pgconn.PgError
	return errors.As(err, &failure) || errors.As(err, &other) || lost(err)
}
