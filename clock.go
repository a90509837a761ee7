package chancery

import "time"

// Clock tells the time. Every rule that depends on time takes one, so that a
// test can move it; leases alone use the database's time.
type Clock interface {
	Now() time.Time
}

// SystemClock is the machine's clock, in UTC.
type SystemClock struct{}

// Now is the current time in UTC, to the millisecond, which is what is stored.
func (SystemClock) Now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
