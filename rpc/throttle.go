package rpc

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"chancery"
)

// Rate is how often an account may call an operation: so many a second for long,
// and a burst of so many at once. The zero value is no limit.
type Rate struct {
	PerSecond float64 `yaml:"rate"`
	Burst     int     `yaml:"burst"`
}

// Rates gives the rate of an operation.
type Rates func(chancery.Operation) Rate

// throttle has a token bucket for each account and operation that was called of
// late. Nodes count each for themselves.
type throttle struct {
	mu      sync.Mutex // guards buckets
	buckets map[bucket]*rate.Limiter
}

type bucket struct {
	account   chancery.AccountID
	operation string
}

// maxBuckets is when full buckets, which say no more than none, are cleared away.
const maxBuckets = 10_000

// take takes a token, or is Throttling.User with when there will be one.
func (t *throttle) take(rates Rates, account chancery.AccountID, operation chancery.Operation, now time.Time) error {
	if rates == nil {
		return nil
	}
	allowed := rates(operation)
	if allowed.PerSecond <= 0 {
		return nil
	}
	reservation := t.limiter(bucket{account, operation.Name}, allowed, now).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	err := chancery.Errorf(ThrottlingUser, "the account has called %s more often than %g times a second; try again in %d ms",
		operation.Name, allowed.PerSecond, wait.Milliseconds()+1)
	err.RetryAfter = wait.Truncate(time.Millisecond) + time.Millisecond
	return err
}

func (t *throttle) limiter(b bucket, allowed Rate, now time.Time) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if limiter, ok := t.buckets[b]; ok {
		return limiter
	}
	if len(t.buckets) >= maxBuckets {
		for other, limiter := range t.buckets {
			if limiter.TokensAt(now) >= float64(limiter.Burst()) {
				delete(t.buckets, other)
			}
		}
	}
	if t.buckets == nil {
		t.buckets = map[bucket]*rate.Limiter{}
	}
	limiter := rate.NewLimiter(rate.Limit(allowed.PerSecond), max(1, allowed.Burst))
	t.buckets[b] = limiter
	return limiter
}
