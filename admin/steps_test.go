package admin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
)

// addStep makes a step of an order of the account, parked after an hour if so said.
func (i *instance) addStep(t *testing.T, account chancery.AccountID, order chancery.OrderID, parked bool) (id int64) {
	t.Helper()
	err := i.Store.Write(ctx, func(tx chancery.Tx) error {
		if err := tx.AddStep(chancery.Step{Kind: chancery.AdvanceOrder, AccountID: account, OrderID: order, DueAt: noon.Add(time.Minute)}); err != nil {
			return err
		}
		steps, err := tx.OrderSteps(account, order)
		if err != nil {
			return err
		}
		if id = steps[0].ID; !parked {
			return nil
		}
		return tx.FailStep(steps[0], chancery.StepFailure{ParkedAt: noon.Add(-time.Hour), Reason: "ask the operator", Cause: "no answer\nfrom 192.0.2.1"})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// theSteps makes the calls about steps.
func theSteps(t *testing.T, i *instance, caller Caller, account chancery.AccountID, call func(string) string) {
	t.Helper()
	due, parkedAt := noon.Add(time.Minute), noon.Add(-time.Hour)
	waits := Step{ID: i.addStep(t, account, 7, false), Kind: chancery.AdvanceOrder, AccountID: account, OrderID: 7, DueAt: &due}
	parked := Step{
		ID: i.addStep(t, account, 8, true), Kind: chancery.AdvanceOrder, AccountID: account, OrderID: 8,
		LastError: "no answer\nfrom 192.0.2.1", ParkedAt: &parkedAt,
	}
	list := func(query StepQuery) StepList { return must[StepList](t, caller, call("steps.list"), query) }
	same(t, "all steps", list(StepQuery{Limit: 2}), StepList{Steps: []Step{waits, parked}})
	same(t, "the first", list(StepQuery{Limit: 1}), StepList{Steps: []Step{waits}, More: true})
	same(t, "those parked", list(StepQuery{Parked: true, Limit: 9}), StepList{Steps: []Step{parked}})
	same(t, "those of an order", list(StepQuery{OrderID: 7, Limit: 9}), StepList{Steps: []Step{waits}})

	woken := 0
	i.Wake = func() { woken++ }
	defer func() { i.Wake = nil }()
	retry := func(names StepNames) []Step { return must[[]Step](t, caller, call("steps.retry"), names) }
	same(t, "retrying those parked", retry(StepNames{Parked: true}), []Step{parked})
	same(t, "retrying when none is", retry(StepNames{Parked: true}), []Step{})
	same(t, "retrying one by its id", retry(StepNames{IDs: []int64{waits.ID}}), []Step{waits})
	if woken != 2 {
		t.Errorf("the worker was woken %d times", woken)
	}
	now := noon
	waits.DueAt, parked.DueAt, parked.ParkedAt, parked.LastError = &now, &now, nil, ""
	after := list(StepQuery{Limit: 9}).Steps
	slices.SortFunc(after, func(a, b Step) int { return int(a.OrderID - b.OrderID) })
	same(t, "all steps afterwards", after, []Step{waits, parked})
	lines := must[AuditLines](t, caller, "audit.read", AuditQuery{AccountID: account, Action: "chancery:RetryStep"}).Lines
	if len(lines) != 2 || lines[0].Resource != "order/8/step/advance_order" || lines[1].Resource != "order/7/step/advance_order" {
		t.Errorf("the audit log has %+v", lines)
	}
	for _, order := range []chancery.OrderID{7, 8} {
		if err := i.Store.Write(ctx, func(tx chancery.Tx) error { return tx.DeleteOrderSteps(account, order) }); err != nil {
			t.Error(err)
		}
	}
}

// A retry that cannot be done in full changes nothing.
func TestStepsThatCannotBeRetried(t *testing.T) {
	i := newInstance(t)
	account, err := i.CreateAccount(ctx, NewAccount{})
	if err != nil {
		t.Fatal(err)
	}
	parked := i.addStep(t, account.ID, 7, true)
	leased := i.addStep(t, account.ID, 8, false)
	err = i.Store.Write(ctx, func(tx chancery.Tx) error {
		_, err := tx.ClaimSteps(noon.Add(time.Hour), time.Hour, 10)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names StepNames
		want  string
	}{
		{StepNames{}, "name either steps or those that are parked"},
		{StepNames{IDs: []int64{parked}, Parked: true}, "name either steps or those that are parked"},
		{StepNames{IDs: []int64{parked, 404}}, "there is no step 404; it may be done by now"},
		{StepNames{IDs: []int64{parked, leased}}, fmt.Sprintf("step %d is being worked on", leased)},
	} {
		if _, err := i.RetrySteps(ctx, c.names); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v gives %v, want %q", c.names, err, c.want)
		}
	}
	if _, err := i.ListSteps(ctx, StepQuery{}); err == nil {
		t.Error("a list of no steps is made")
	}
	left, err := i.ListSteps(ctx, StepQuery{Parked: true, Limit: 10})
	if err != nil || len(left.Steps) != 1 || left.Steps[0].ID != parked {
		t.Errorf("parked are %+v, %v", left, err)
	}
}
