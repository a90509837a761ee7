package work

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"chancery"
)

// A step is ours for leaseTime after each renewal, of which several may fail before it
// is lost. What a node had in hand that died, or stands still, is free after that, and
// another finds it idlePause later at the latest: within 10 s in all.
const (
	leaseTime = 8 * time.Second
	// renewals is how often a lease is renewed in its time.
	renewals = 4
)

// leases are those of the steps in hand.
type leases struct {
	mu   sync.Mutex // guards held
	held map[chancery.Step]context.CancelCauseFunc
}

// hold has the step's lease renewed until release is called, which whoever works on it
// does. The context ends with chancery.ErrLeaseLost when somebody else has the step.
func (l *leases) hold(ctx context.Context, step chancery.Step) (held context.Context, release func()) {
	held, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[chancery.Step]context.CancelCauseFunc{}
	}
	l.held[step] = cancel
	return held, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, step)
		cancel(nil)
	}
}

func (l *leases) steps() []chancery.Step {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.held))
}

// lose ends the work on a step, if it is still in hand.
func (l *leases) lose(step chancery.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cancel := l.held[step]; cancel != nil {
		cancel(chancery.ErrLeaseLost)
	}
}

// keepLeases renews the leases of the steps in hand until ctx ends.
func (w *Worker) keepLeases(ctx context.Context) {
	ticker := time.NewTicker(w.Lease / renewals)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.renew(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// renew needs one statement, however many steps are in hand. Should it fail, leases run
// out at worst, and whoever lost one finds that its commit is refused.
func (w *Worker) renew(ctx context.Context) {
	held := w.leases.steps()
	if len(held) == 0 {
		return
	}
	var ours []chancery.Step
	err := w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) (err error) {
		ours, err = tx.RenewSteps(held, w.Lease)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			w.Log.Error("renewing the leases of background steps failed", "error", err)
		}
		return
	}
	for _, step := range held {
		if !slices.Contains(ours, step) {
			w.leases.lose(step)
		}
	}
}
