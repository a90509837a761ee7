package work

import (
	"context"
	"fmt"
	"time"

	"chancery"
)

const (
	// heedPause is how often steps are looked for that a clock which was ahead, perhaps
	// another node's, has put off.
	heedPause = time.Minute
	// wentBack is how far the clock may step back without anybody minding.
	wentBack = 10 * time.Second
	// suddenly is later than a busy or restarted service is with anything. What comes so
	// late after the time it was due may come from a clock that is wrong: it does
	// nothing yet that cannot be undone.
	suddenly = 30 * time.Minute
)

// clockWatch is what a worker knows of its clock. It is of the goroutine that claims.
type clockWatch struct {
	seen   time.Time // what the clock said last
	heeded time.Time // when heedClock last looked, by the time that passes
}

// heedClock takes back what was written while the clock was ahead: at the start, at
// once when the clock goes back, and now and then for what other nodes wrote.
func (w *Worker) heedClock(ctx context.Context) {
	now := w.Clock.Now()
	back := w.watch.seen.IsZero() || now.Before(w.watch.seen.Add(-wentBack))
	w.watch.seen = now
	if !back && time.Since(w.watch.heeded) < heedPause {
		return
	}
	w.watch.heeded = time.Now()
	if err := w.recall(ctx, now, back); err != nil && ctx.Err() == nil {
		w.watch.seen, w.watch.heeded = time.Time{}, time.Now().Add(idlePause-heedPause) // again soon
		w.Log.Error("taking back what a clock that was ahead has written failed", "error", err)
	}
}

func (w *Worker) recall(ctx context.Context, now time.Time, lists bool) error {
	var recalled int64
	err := w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) (err error) {
		recalled, err = tx.RecallSteps(now)
		return err
	})
	if err != nil {
		return err
	}
	if recalled > 0 {
		w.Log.Warn("a clock was ahead: background steps that it had put off are due now", "steps", recalled, "now", now)
	}
	if !lists {
		return nil
	}
	err = w.inBatches(ctx, func(tx chancery.Tx, most int64) (int, error) { return tx.UnsettleLists(now, most) })
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	return nil
}

// late tells whether a time is past so suddenly that the clock may be wrong.
func late(due, now time.Time) bool { return !due.IsZero() && now.Sub(due) > suddenly }
