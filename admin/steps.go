package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
)

// Step is a piece of background work as the command line shows it.
type Step struct {
	ID        int64              `json:"stepId"`
	Kind      chancery.StepKind  `json:"kind"`
	AccountID chancery.AccountID `json:"accountId,omitempty"` // absent: of no account
	OrderID   chancery.OrderID   `json:"orderId,omitempty"`   // absent: of no order
	DueAt     *time.Time         `json:"dueAt,omitempty"`     // absent: it is parked
	// Attempts is how often it was begun since it last went well.
	Attempts int64 `json:"attempts"`
	// LastError is why it failed or waits, in full.
	LastError string     `json:"lastError,omitempty"`
	ParkedAt  *time.Time `json:"parkedAt,omitempty"`
}

// StepQuery asks for steps, the parked ones parked longest first, others due first.
type StepQuery struct {
	Parked  bool             `json:"parked,omitempty"`
	OrderID chancery.OrderID `json:"orderId,omitempty"` // 0: of all
	Limit   int              `json:"limit"`
}

// StepList is what a query found. More: there are others.
type StepList struct {
	Steps []Step `json:"steps"`
	More  bool   `json:"more"`
}

// StepNames names the steps to try again: by id, or all that are parked.
type StepNames struct {
	IDs    []int64 `json:"stepIds,omitempty"`
	Parked bool    `json:"parked,omitempty"`
}

// ListSteps lists background work of all accounts.
func (a *Admin) ListSteps(ctx context.Context, in StepQuery) (list StepList, err error) {
	if in.Limit < 1 {
		return list, fmt.Errorf("a list has at least one step, not %d", in.Limit)
	}
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		steps, err := tx.Steps(chancery.StepFilter{Parked: in.Parked, Order: in.OrderID}, in.Limit+1)
		list.More = len(steps) > in.Limit
		list.Steps = stepsOf(steps[:min(len(steps), in.Limit)])
		return err
	})
	return list, err
}

func stepsOf(steps []chancery.Step) []Step {
	list := make([]Step, len(steps))
	for i, s := range steps {
		list[i] = Step{ID: s.ID, Kind: s.Kind, AccountID: s.AccountID, OrderID: s.OrderID, Attempts: s.Attempts, LastError: s.LastError}
		if s.Cause != "" {
			list[i].LastError = s.Cause
		}
		if s.ParkedAt.IsZero() {
			list[i].DueAt = &s.DueAt
		} else {
			list[i].ParkedAt = &s.ParkedAt
		}
	}
	return list
}

// RetrySteps makes steps due now, with attempts counted anew, and gives them as they
// were before.
func (a *Admin) RetrySteps(ctx context.Context, in StepNames) (retried []Step, err error) {
	if in.Parked == (len(in.IDs) > 0) {
		return nil, errors.New("name either steps or those that are parked")
	}
	retried = []Step{}
	err = a.retry(ctx, in, &retried)
	if len(retried) > 0 && a.Wake != nil {
		a.Wake()
	}
	return retried, err
}

func (a *Admin) retry(ctx context.Context, in StepNames, retried *[]Step) error {
	if !in.Parked {
		return a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
			*retried, err = a.retryNamed(tx, in.IDs)
			return err
		})
	}
	// In transactions that keep other writers waiting for a fraction of a second. What is
	// parked again meanwhile is left for the next call.
	const batch = 500
	began := a.Clock.Now()
	for {
		var done []Step
		err := a.Store.Write(ctx, func(tx chancery.Tx) error {
			steps, err := tx.Steps(chancery.StepFilter{Parked: true}, batch)
			if err != nil {
				return err
			}
			done = nil
			for _, s := range steps {
				if s.ParkedAt.After(began) {
					continue
				}
				if err := a.retryOne(tx, s); err != nil {
					return err
				}
				done = append(done, stepsOf([]chancery.Step{s})...)
			}
			return nil
		})
		*retried = append(*retried, done...)
		if err != nil || len(done) < batch {
			return err
		}
	}
}

func (a *Admin) retryNamed(tx chancery.Tx, ids []int64) ([]Step, error) {
	var steps []chancery.Step
	for _, id := range ids {
		step, err := tx.Step(id)
		if errors.Is(err, chancery.ErrNotFound) {
			return nil, fmt.Errorf("there is no step %d; it may be done by now. `chancery steps list` shows those there are; nothing was changed", id)
		}
		if err != nil {
			return nil, err
		}
		if err := a.retryOne(tx, step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return stepsOf(steps), nil
}

func (a *Admin) retryOne(tx chancery.Tx, step chancery.Step) error {
	err := tx.RetryStep(step.ID, a.Clock.Now())
	if errors.Is(err, chancery.ErrConflict) {
		return fmt.Errorf("step %d is being worked on at this moment; nothing was changed", step.ID)
	}
	if err != nil || step.AccountID == 0 { // the service's own, which is in no account's log
		return err
	}
	return a.record(tx, step.AccountID, "RetryStep", orderName(step.OrderID)+"/step/"+string(step.Kind))
}
