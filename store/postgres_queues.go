package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"chancery"
)

// queues has the writes of an account wait for each other in this process, where they
// hold no connection meanwhile: a busy account would take all of them. Those that
// wait when a commit ends share the next. The locks in the database are for other nodes.
type queues struct {
	mu      sync.Mutex                             // guards waiting, and the slices in it
	waiting map[chancery.AccountID][]*writeRequest // an entry for every account that is served
	serving sync.WaitGroup
}

// write waits for its turn, and then for the outcome. serve ends every request.
func (q *queues) write(ctx context.Context, account chancery.AccountID, late time.Time, fn func(chancery.Tx) error, serve func(chancery.AccountID, []*writeRequest)) error {
	request := &writeRequest{ctx: ctx, fn: fn, late: late, done: make(chan struct{})}
	q.mu.Lock()
	_, served := q.waiting[account]
	q.waiting[account] = append(q.waiting[account], request)
	q.mu.Unlock()
	if !served {
		q.serving.Go(func() { q.run(account, serve) })
	}
	tired := time.NewTimer(request.turnTime())
	defer tired.Stop()
	var gaveUp error
	select {
	case <-request.done:
	case <-ctx.Done():
		gaveUp = fmt.Errorf("waiting to write: %w", ctx.Err())
	case <-tired.C:
		gaveUp = unavailable(fmt.Errorf("waiting to write for account %d: %w", account, context.DeadlineExceeded))
	}
	if gaveUp != nil && q.leave(account, request) {
		return gaveUp
	}
	<-request.done // it was begun: fn may still use what its caller owns
	if request.panicked != nil {
		panic(request.panicked)
	}
	return request.err
}

// leave takes a request out of the queue; it is false when its turn has come.
func (q *queues) leave(account chancery.AccountID, request *writeRequest) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting[account], request)
	if i < 0 {
		return false
	}
	q.waiting[account] = slices.Delete(q.waiting[account], i, i+1)
	return true
}

// run serves an account's queue until it is empty.
func (q *queues) run(account chancery.AccountID, serve func(chancery.AccountID, []*writeRequest)) {
	for {
		q.mu.Lock()
		all := q.waiting[account]
		if len(all) == 0 {
			delete(q.waiting, account)
			q.mu.Unlock()
			return
		}
		group := slices.Clone(all[:min(len(all), maxWriteGroup)])
		q.waiting[account] = slices.Delete(all, 0, len(group))
		q.mu.Unlock()
		serve(account, group)
	}
}

// turnTime is how long a request waits for its turn: whoever is in a hurry needs the
// other half for the transaction.
func (r *writeRequest) turnTime() time.Duration {
	if r.late.IsZero() {
		return answerTime
	}
	return min(answerTime, time.Until(r.late)/2)
}

// earliest is when the first of a group must be answered; zero when nobody waits.
func earliest(group []*writeRequest) (late time.Time) {
	for _, request := range group {
		if !request.late.IsZero() && (late.IsZero() || request.late.Before(late)) {
			late = request.late
		}
	}
	return late
}
