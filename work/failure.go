package work

import (
	"context"
	"errors"
	"time"

	"chancery"
)

const (
	// maxAttempts is how often a step is begun without going well before it is parked.
	// With the pauses between them that takes about an hour.
	maxAttempts = 20
	// unknownPause is how long a step waits that another version added. Waiting is no
	// failure: it is never parked, and a node that knows it begins with its first attempt.
	unknownPause = 30 * time.Second
)

// fail has a step that failed tried again later, or parks it when it failed too often,
// unless somebody else has it by now. A database that is away is nobody's failure.
func (w *Worker) fail(ctx context.Context, step chancery.Step, err error) (outcome string) {
	if errors.Is(err, chancery.ErrStoreAway) {
		w.Log.Warn("the database went away from a background step, which will be tried again", "step", step.Kind, "order", step.OrderID, "error", err)
		if w.wait(ctx, step, &chancery.WaitError{Until: w.Clock.Now().Add(backoff(1)), Reason: retryText}) {
			return "overtaken"
		}
		return "failed"
	}
	now := w.Clock.Now()
	failure := chancery.StepFailure{Due: now.Add(backoff(step.Attempts)), Reason: publicText(err, retryText), Cause: shortened(err.Error())}
	outcome = "failed"
	if step.Attempts >= maxAttempts {
		outcome = "parked"
		failure.ParkedAt = now
		failure.Reason = publicText(err, parkedText)
	}
	switch {
	case w.settle(ctx, step, func(tx chancery.Tx) error { return tx.FailStep(step, failure) }):
		return "overtaken"
	case outcome == "parked":
		w.Log.Error("background step failed too often and is parked; mend the cause, then run `chancery steps retry` with its id",
			"id", step.ID, "step", step.Kind, "order", step.OrderID, "attempts", step.Attempts, "error", err)
	default:
		w.Log.Warn("background step failed and will be tried again", "step", step.Kind, "order", step.OrderID, "attempt", step.Attempts, "error", err)
	}
	return outcome
}

const (
	retryText  = "the service will try again; its log tells the operator why"
	parkedText = "the service has stopped trying, since it failed too often; its operator has to look into it"
)

// publicText is what an applicant may read of why work waits, and what comes next.
func publicText(err error, next string) string {
	var e *chancery.Error
	switch {
	case !errors.As(err, &e):
		return next
	case next == retryText:
		return e.Message
	}
	return e.Message + "; " + next
}

// shortened cuts a text to what a row should hold.
func shortened(text string) string {
	const most = 500
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}
