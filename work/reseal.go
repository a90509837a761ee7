package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
)

const (
	// resealBatch is how many values are sealed anew in one transaction: it holds
	// their rows for some milliseconds, and on a busy machine for many.
	resealBatch = 25
	// resealTime ends a run well before its lease; the next goes on where it stopped,
	// since what is sealed anew is passed over.
	resealTime = 20 * time.Second
	// resealPause comes before another look: somebody may hold the rows that are left.
	resealPause = 50 * time.Millisecond
)

// reseal seals every secret anew that is sealed with an older key than the keyring's
// newest, until a look at all of them finds none. Each is exchanged only if it is still
// what was read, so orders go on meanwhile, and a run that is killed or comes late does
// no harm.
func (w *Worker) reseal(ctx context.Context, step chancery.Step) error {
	late := w.Clock.Now().Add(resealTime)
	var after chancery.SealedPlace
	resealed, damaged := 0, 0
	for {
		values, err := w.staleSecrets(ctx, after)
		if err != nil {
			return fmt.Errorf("sealing secrets anew: %w", err)
		}
		if len(values) == 0 && resealed == 0 {
			break
		}
		if len(values) == 0 { // another look: nodes may have sealed with the older key behind us
			after, resealed, damaged = chancery.SealedPlace{}, 0, 0
			if !sleep(ctx, resealPause) {
				return ctx.Err()
			}
			continue
		}
		bad, err := w.resealAll(ctx, values)
		if err != nil {
			return fmt.Errorf("sealing secrets anew: %w", err)
		}
		after, damaged, resealed = values[len(values)-1].Place, damaged+bad, resealed+len(values)-bad
		if w.Clock.Now().After(late) {
			return w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error { return tx.PostponeStep(step, w.Clock.Now(), "") })
		}
	}
	if damaged > 0 {
		w.Log.Error("sealed values do not open and stay as they are; `chancery doctor` names them", "values", damaged)
	}
	return w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error { return tx.FinishStep(step) })
}

func (w *Worker) staleSecrets(ctx context.Context, after chancery.SealedPlace) (values []chancery.SealedValue, err error) {
	err = w.Store.Read(ctx, func(tx chancery.Tx) error {
		values, err = tx.StaleSecrets(after, resealBatch)
		return err
	})
	return values, err
}

// resealAll tells how many do not open.
func (w *Worker) resealAll(ctx context.Context, values []chancery.SealedValue) (damaged int, err error) {
	err = w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error {
		damaged = 0
		for _, value := range values {
			err := tx.Reseal(value)
			if errors.Is(err, chancery.ErrDoesNotOpen) {
				damaged++
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return damaged, err
}
