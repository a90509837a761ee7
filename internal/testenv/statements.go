package testenv

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// recorder is a database driver that keeps what the store says to SQLite, and
// says it.
type recorder struct {
	driver.Driver

	mu   sync.Mutex // guards what follows
	said []string
}

var (
	recording     sync.Mutex // one environment at a time has the driver
	recorderOnce  sync.Once
	theRecorder   *recorder
	recorderNamed = "sqlite, recorded"
)

// WithStatements lets Statements tell what a call says to the database. One such
// environment runs at a time: others wait until its test has ended.
func WithStatements(t testing.TB) Option {
	recorderOnce.Do(func() {
		plain, err := sql.Open("sqlite", "")
		if err != nil {
			panic(err)
		}
		theRecorder = &recorder{Driver: plain.Driver()}
		_ = plain.Close()
		sql.Register(recorderNamed, theRecorder)
	})
	recording.Lock()
	t.Cleanup(recording.Unlock)
	return func(o *options) { o.driver = recorderNamed }
}

// Statements gives the statements that the store executes while call runs, without
// their values. Nothing else may be at work meanwhile.
func (*Env) Statements(call func()) []string {
	theRecorder.take()
	call()
	return theRecorder.take()
}

func (r *recorder) say(statement string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, statement)
}

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := slices.Clone(r.said)
	r.said = nil
	return said
}

// Open implements driver.Driver.
func (r *recorder) Open(name string) (driver.Conn, error) {
	c, err := r.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	whole, ok := c.(wholeConn)
	if !ok {
		return nil, fmt.Errorf("the driver's connections are %T, which can do less than is needed here", c)
	}
	return recordedConn{whole, r}, nil
}

// wholeConn is what SQLite's connections can do.
type wholeConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

type recordedConn struct {
	wholeConn

	to *recorder
}

// BeginTx implements driver.ConnBeginTx.
func (c recordedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	c.to.say("BEGIN")
	return c.wholeConn.BeginTx(ctx, options)
}

// ExecContext implements driver.ExecerContext.
func (c recordedConn) ExecContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Result, error) {
	c.to.say(query)
	return c.wholeConn.ExecContext(ctx, query, values)
}

// QueryContext implements driver.QueryerContext.
func (c recordedConn) QueryContext(ctx context.Context, query string, values []driver.NamedValue) (driver.Rows, error) {
	c.to.say(query)
	return c.wholeConn.QueryContext(ctx, query, values)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c recordedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.wholeConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	whole, ok := s.(wholeStmt)
	if !ok {
		return nil, fmt.Errorf("the driver's statements are %T, which can do less than is needed here", s)
	}
	return recordedStmt{whole, query, c.to}, nil
}

// wholeStmt is what SQLite's statements can do.
type wholeStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type recordedStmt struct {
	wholeStmt

	query string
	to    *recorder
}

// ExecContext implements driver.StmtExecContext.
func (s recordedStmt) ExecContext(ctx context.Context, values []driver.NamedValue) (driver.Result, error) {
	s.to.say(s.query)
	return s.wholeStmt.ExecContext(ctx, values)
}

// QueryContext implements driver.StmtQueryContext.
func (s recordedStmt) QueryContext(ctx context.Context, values []driver.NamedValue) (driver.Rows, error) {
	s.to.say(s.query)
	return s.wholeStmt.QueryContext(ctx, values)
}
