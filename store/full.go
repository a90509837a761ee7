package store

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3errors "modernc.org/sqlite/lib"

	"chancery"
)

// roomless has callers try again later when what was asked failed because the disk is
// full or cannot be written: nothing of it was stored, and the operator can mend
// that while the service runs. Other errors stay as they are.
func roomless(err error) error {
	var own *chancery.Error
	if err == nil || errors.As(err, &own) || !full(err) {
		return err
	}
	return &chancery.Error{
		Code: chancery.ServiceUnavailable, Message: "the service has no room to store anything; try again later",
		Err: fmt.Errorf("%w: %w", chancery.ErrStoreAway, err), RetryAfter: unavailableRetry,
	}
}

// errNoRoom is what a write is told that was not tried, since others before it had no room.
var errNoRoom = fmt.Errorf("others before it had no room: %w", syscall.ENOSPC)

// full tells of a disk without room. SQLite says of some system calls only that they
// failed.
func full(err error) bool {
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		primary := failure.Code() & 0xff
		return primary == sqlite3errors.SQLITE_FULL || primary == sqlite3errors.SQLITE_IOERR
	}
	var other *pgconn.PgError
	if errors.As(err, &other) {
		return other.Code == "53100"
	}
	return errors.Is(err, syscall.ENOSPC)
}
