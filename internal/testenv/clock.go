package testenv

import (
	"sync"
	"time"
)

// Clock is a chancery.Clock that stands still until a test moves it, so that
// nothing becomes due, late or expired by itself.
type Clock struct {
	mu    sync.Mutex // guards what follows
	now   time.Time
	moved func() // wakes the worker, which may have rested until a time that is past now
}

// newClock starts at the machine's time, to the second as requests are dated, so
// that real clients get along with it until it is moved.
func newClock() *Clock { return &Clock{now: time.Now().UTC().Truncate(time.Second), moved: func() {}} }

// Now implements chancery.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on and wakes the worker.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Set moves the clock to a time, perhaps back, and wakes the worker.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	c.now = now.UTC()
	moved := c.moved
	c.mu.Unlock()
	moved()
}
