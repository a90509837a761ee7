package pipeline

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// outside is how PostgreSQL says that a session is in no transaction.
const outside = 'I'

// most statements wait at a time: values take memory.
const most = 100

// transaction implements driver.Tx.
type transaction struct {
	conn  *conn
	ctx   context.Context // of BeginTx, which Commit and Rollback go by
	queue []*statement    // what is not sent
	sent  bool            // something was
	err   error           // what failed first; nothing more is sent then
}

// statement is one of a transaction. Of one that is an Exec it is the Result.
type statement struct {
	tx     *transaction
	ctx    context.Context
	text   string
	values []any
	query  bool // its rows are wanted

	answered bool // what follows is final
	tag      pgconn.CommandTag
	rows     *rows
	err      error
}

var errOver = errors.New("the transaction ended before this was sent")

func (t *transaction) enqueue(s *statement) *statement {
	s.tx = t
	t.queue = append(t.queue, s)
	return s
}

// add puts a statement of the caller's into the queue. Bytes are copied: who gave them
// may use the memory again before they are sent.
func (t *transaction) add(ctx context.Context, text string, given []driver.NamedValue, query bool) (*statement, error) {
	if t.err != nil {
		return nil, t.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	values := make([]any, len(given))
	for i, value := range given {
		values[i] = value.Value
		if text, isBytes := value.Value.([]byte); isBytes {
			values[i] = bytes.Clone(text)
		}
	}
	return t.enqueue(&statement{ctx: ctx, text: text, values: values, query: query}), nil
}

func (t *transaction) exec(ctx context.Context, text string, values []driver.NamedValue) (driver.Result, error) {
	s, err := t.add(ctx, text, values, false)
	if err != nil {
		return nil, err
	}
	if len(t.queue) >= most {
		if err := t.send(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (t *transaction) query(ctx context.Context, text string, values []driver.NamedValue) (driver.Rows, error) {
	s, err := t.add(ctx, text, values, true)
	if err != nil {
		return nil, err
	}
	if err := t.send(ctx); err != nil {
		return nil, err
	}
	return s.rows, nil
}

// RowsAffected implements driver.Result; it has the statement sent if it was not.
func (s *statement) RowsAffected() (int64, error) {
	if !s.answered {
		_ = s.tx.send(s.ctx) // answers all
	}
	return s.tag.RowsAffected(), s.err
}

// LastInsertId implements driver.Result; PostgreSQL has RETURNING for that.
func (*statement) LastInsertId() (int64, error) {
	return 0, errors.New("PostgreSQL does not tell the last id")
}

// send sends what waits in one round trip and takes in all answers. What fails first is
// its error, and that of the transaction from now on.
//
// It is never driver.ErrBadConn, for which database/sql would run the last statement
// again on its own.
func (t *transaction) send(ctx context.Context) error {
	if t.err != nil || len(t.queue) == 0 {
		return t.err
	}
	queue := t.queue
	t.queue, t.sent = nil, true
	var batch pgx.Batch
	for _, s := range queue {
		batch.Queue(s.text, s.values...)
	}
	pg := t.conn.plain.Conn()
	results := pg.SendBatch(ctx, &batch)
	for _, s := range queue {
		if t.err = s.receive(pg, results); t.err != nil {
			break
		}
	}
	if err := results.Close(); t.err == nil {
		t.err = err
	}
	for _, s := range queue {
		s.fail(t.err)
	}
	return t.err
}

// receive reads a statement's answer.
func (s *statement) receive(pg *pgx.Conn, results pgx.BatchResults) (err error) {
	if s.query {
		s.rows, err = readRows(pg.TypeMap(), results)
	} else {
		s.tag, err = results.Exec()
	}
	s.answered = err == nil
	s.fail(err)
	return err
}

// fail answers a statement that has no answer.
func (s *statement) fail(err error) {
	if !s.answered && err != nil {
		s.answered, s.err = true, err
	}
}

// Commit implements driver.Tx. It goes with what still waits; of a transaction that said
// nothing there is nothing to commit.
func (t *transaction) Commit() error {
	defer t.end()
	if !t.sent && len(t.queue) == 1 {
		return nil
	}
	commit := t.enqueue(&statement{ctx: t.ctx, text: "commit"})
	err := t.send(t.ctx)
	switch {
	case commit.tag.String() == "COMMIT": // that is so, whatever became of the connection since
		return nil
	case err == nil:
		err = fmt.Errorf("the database answered COMMIT by %s", commit.tag)
	}
	return errors.Join(err, t.undo())
}

// Rollback implements driver.Tx. What waits is not sent.
func (t *transaction) Rollback() error {
	defer t.end()
	return t.undo()
}

// undo leaves the session without a transaction, or closes the connection.
func (t *transaction) undo() error {
	pg := t.conn.plain.Conn()
	if pg.IsClosed() || pg.PgConn().TxStatus() == outside {
		return nil
	}
	if _, err := pg.Exec(t.ctx, "rollback"); err != nil {
		gone, cancel := context.WithCancel(context.Background())
		cancel() // it waits for nothing
		return errors.Join(err, pg.Close(gone))
	}
	return nil
}

// end answers what was never sent, and frees the connection for the next transaction.
func (t *transaction) end() {
	for _, s := range t.queue {
		s.fail(errOver)
	}
	if t.queue = nil; t.err == nil {
		t.err = errOver
	}
	if t.conn.tx == t {
		t.conn.tx = nil
	}
}
