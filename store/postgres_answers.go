package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"chancery"
)

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
	if err = roomless(err); errors.As(err, &own) || !mayPass(err) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &chancery.Error{
		Code: chancery.ServiceUnavailable, Message: "the database does not answer; try again",
		Err: fmt.Errorf("%w: %w", chancery.ErrStoreAway, err), RetryAfter: unavailableRetry,
	}
}
