// Package pipeline is a driver of database/sql that has PostgreSQL asked less often.
//
// Each statement of a transaction is a round trip, and its answer is seldom needed at
// once. So BEGIN and what Exec is given wait here, and go together with the next
// statement whose answer somebody waits for: a query, an Exec whose Result is asked, or
// COMMIT. PostgreSQL runs them in order, one after another as always, each with what the ones before it
// wrote and, under READ COMMITTED, with what others committed meanwhile. After one that
// fails it runs none.
//
// What that changes for whoever uses it: an Exec that fails says so when its Result is
// asked, at the next query, or from Commit at the latest; whatever comes first, and all
// that comes after it. Only Rollback is left then, also of what was before a savepoint. A
// statement that waits is sent under the context of the one that it goes with.
//
// Outside a transaction all is as github.com/jackc/pgx/v5/stdlib has it, which is beneath.
package pipeline

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// OpenDB gives a database whose transactions say several statements at once.
func OpenDB(config pgx.ConnConfig) *sql.DB {
	return sql.OpenDB(connector{stdlib.GetConnector(config)})
}

type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	plain, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{plain: plain.(*stdlib.Conn)}, nil //nolint:forcetypeassert // stdlib has no other
}

// conn is a connection; database/sql has one goroutine at a time use it.
type conn struct {
	plain *stdlib.Conn
	tx    *transaction // nil: none is open
}

var errPrepare = errors.New("statements are prepared the first time that they are run")

// Prepare implements driver.Conn; nobody needs it.
func (*conn) Prepare(string) (driver.Stmt, error) { return nil, errPrepare }

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	if c.tx != nil {
		c.tx.end()
	}
	return c.plain.Close()
}

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error { return c.plain.Ping(ctx) }

// ResetSession implements driver.SessionResetter.
func (c *conn) ResetSession(ctx context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	return c.plain.ResetSession(ctx)
}

// IsValid implements driver.Validator: nothing of a transaction may be left for the next.
func (c *conn) IsValid() bool {
	pg := c.plain.Conn()
	return c.tx == nil && !pg.IsClosed() && pg.PgConn().TxStatus() == outside
}

// CheckNamedValue implements driver.NamedValueChecker: pgx takes values as they are.
func (c *conn) CheckNamedValue(value *driver.NamedValue) error { return c.plain.CheckNamedValue(value) }

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, text string, values []driver.NamedValue) (driver.Result, error) {
	if c.tx == nil {
		return c.plain.ExecContext(ctx, text, values)
	}
	return c.tx.exec(ctx, text, values)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, text string, values []driver.NamedValue) (driver.Rows, error) {
	if c.tx == nil {
		return c.plain.QueryContext(ctx, text, values)
	}
	return c.tx.query(ctx, text, values)
}

// BeginTx implements driver.ConnBeginTx. It sends nothing.
func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if c.plain.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	if c.tx != nil {
		return nil, errors.New("a transaction is open on this connection")
	}
	begin, err := beginning(options)
	if err != nil {
		return nil, err
	}
	c.tx = &transaction{conn: c, ctx: ctx}
	c.tx.enqueue(&statement{ctx: ctx, text: begin})
	return c.tx, nil
}

// beginning is the statement that begins a transaction.
func beginning(options driver.TxOptions) (string, error) {
	text := "begin"
	switch level := sql.IsolationLevel(options.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadCommitted:
		text += " isolation level read committed"
	case sql.LevelRepeatableRead:
		text += " isolation level repeatable read"
	case sql.LevelSerializable:
		text += " isolation level serializable"
	default:
		return "", fmt.Errorf("there are no transactions of isolation level %s here", level)
	}
	if options.ReadOnly {
		text += " read only"
	}
	return text, nil
}
