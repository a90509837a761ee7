package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"chancery"
)

// These promises are about all steps in the store, so each puts its own into an
// empty one. A step is known by its order, whose id says when it is due.
var steps = []promise{
	{"a step that is due is leased, with what is known of it", func(t *testing.T, s chancery.Store) {
		step := chancery.Step{Kind: chancery.PrepareKey, AccountID: 1, OrderID: 2, DueAt: at(3)}
		write(t, s, func(tx chancery.Tx) error { return tx.AddStep(step) })
		added := answer(t, s, func(tx chancery.Tx) ([]chancery.Step, error) { return tx.OrderSteps(1, 2) })[0]
		if added.ID < 1 || added.ID >= 1<<53 {
			t.Errorf("step id %d", added.ID)
		}
		step.ID, step.Version = added.ID, added.Version
		same(t, "the step before", added, step)
		got := claim(t, s, at(3), time.Hour, 10)[0]
		if got.Version == added.Version {
			t.Error("the lease has the version that was there before")
		}
		step.Version, step.Attempts, step.LastRunAt = got.Version, 1, at(3)
		same(t, "the step leased", got, step)
	}},
	{"steps are leased when they are due, those due longest first", func(t *testing.T, s chancery.Store) {
		addSteps(t, s, 7, 3, 9, 1, 5, 2, 8, 6, 4)
		same(t, "before any is due", dues(claim(t, s, at(1).Add(-time.Millisecond), time.Hour, 10)), nil)
		same(t, "the first three", dues(claim(t, s, at(8), time.Hour, 3)), []chancery.OrderID{1, 2, 3})
		same(t, "the next three", dues(claim(t, s, at(8), time.Hour, 3)), []chancery.OrderID{4, 5, 6})
		same(t, "those that are left and due", dues(claim(t, s, at(8), time.Hour, 3)), []chancery.OrderID{7, 8})
		same(t, "when the last is due", dues(claim(t, s, at(9), time.Hour, 3)), []chancery.OrderID{9})
	}},
	{"a step is leased to one, and to another after the lease", func(t *testing.T, s chancery.Store) {
		addSteps(t, s, 1)
		first := claim(t, s, at(1), 150*time.Millisecond, 10)
		same(t, "while it is leased", dues(claim(t, s, at(1), time.Hour, 10)), nil)
		second := claimAfterLease(t, s)
		if second.ID != first[0].ID || second.Version == first[0].Version || second.Attempts != 2 {
			t.Errorf("leased %+v, then %+v", first[0], second)
		}
	}},
	{"many workers at once lease each step once", noStepIsLeasedTwice},
	{"a finished step is gone", func(t *testing.T, s chancery.Store) {
		addSteps(t, s, 1)
		step := claim(t, s, at(1), time.Hour, 1)[0]
		write(t, s, finish(step))
		missing(t, s, chancery.Tx.NextStep)
		refused(t, s, chancery.ErrLeaseLost, finish(step))
	}},
	{"steps that a clock which was ahead put off are recalled, and no others", recallsWhatWasAhead},
	{"a postponed step is free and due when it says, with the error", func(t *testing.T, s chancery.Store) {
		addSteps(t, s, 1)
		step := claim(t, s, at(1), time.Hour, 1)[0]
		write(t, s, func(tx chancery.Tx) error { return tx.PostponeStep(step, at(5), "no answer") })
		refused(t, s, chancery.ErrLeaseLost, func(tx chancery.Tx) error { return tx.PostponeStep(step, at(6), "") })
		refused(t, s, chancery.ErrLeaseLost, finish(step))
		same(t, "before it is due", dues(claim(t, s, at(4), time.Hour, 1)), nil)
		again := claim(t, s, at(5), time.Hour, 1)[0]
		if again.LastError != "no answer" || again.Attempts != 2 {
			t.Errorf("the step is %+v", again)
		}
	}},
	{"a step that continues keeps its lease, and is due at once for whoever comes after it", func(t *testing.T, s chancery.Store) {
		addSteps(t, s, 1)
		first := claim(t, s, at(1), 150*time.Millisecond, 1)[0]
		write(t, s, func(tx chancery.Tx) error { return tx.PostponeStep(first, at(2), "no answer") })
		step := claim(t, s, at(2), 150*time.Millisecond, 1)[0]
		write(t, s, func(tx chancery.Tx) error { return tx.ContinueStep(step, at(1)) })
		same(t, "while it is leased", dues(claim(t, s, at(1), time.Hour, 1)), nil)
		again := claimAfterLease(t, s)
		if again.ID != step.ID || again.Attempts != 2 || again.LastError != "" {
			t.Errorf("it is %+v", again)
		}
		refused(t, s, chancery.ErrLeaseLost, func(tx chancery.Tx) error { return tx.ContinueStep(step, at(1)) })
	}},
	{"telling a proof counts as the first run of the step that looks at it", func(t *testing.T, s chancery.Store) {
		step := chancery.Step{Kind: chancery.AdvanceOrder, AccountID: 1, OrderID: 7, DueAt: at(5)}
		write(t, s, func(tx chancery.Tx) error {
			return errors.Join(tx.AddStep(step), tx.MarkTold(2, 7, at(1)), tx.MarkTold(1, 8, at(1)), tx.MarkTold(1, 7, at(2)), tx.MarkTold(1, 7, at(3)))
		})
		told := answer(t, s, func(tx chancery.Tx) ([]chancery.Step, error) { return tx.OrderSteps(1, 7) })[0]
		if !told.LastRunAt.Equal(at(2)) || !told.DueAt.Equal(at(5)) || told.Attempts != 0 {
			t.Errorf("it is %+v", told)
		}
	}},
	{"a worker that was away too long changes nothing", aWorkerThatWasAwayChangesNothing},
	{"the next step is the earliest that is not leased", func(t *testing.T, s chancery.Store) {
		missing(t, s, chancery.Tx.NextStep)
		addSteps(t, s, 5, 3, 4)
		same(t, "the next", answer(t, s, chancery.Tx.NextStep), at(3))
		claim(t, s, at(3), time.Hour, 1)
		same(t, "the next that is free", answer(t, s, chancery.Tx.NextStep), at(4))
		claim(t, s, at(5), time.Hour, 2)
		missing(t, s, chancery.Tx.NextStep)
	}},
	{"a lease is renewed for as long as the version is ours", aLeaseIsRenewed},
	{"a step that failed is free and due when it says, with what the applicant and the operator are told", func(t *testing.T, s chancery.Store) {
		addSteps(t, s, 1)
		step := claim(t, s, at(1), time.Hour, 1)[0]
		failed := chancery.StepFailure{Due: at(5), Reason: "no answer", Cause: "no answer from 192.0.2.1"}
		write(t, s, fail(step, failed))
		refused(t, s, chancery.ErrLeaseLost, fail(step, failed))
		same(t, "before it is due", dues(claim(t, s, at(4), time.Hour, 1)), nil)
		again := claim(t, s, at(5), time.Hour, 1)[0]
		if again.LastError != failed.Reason || again.Cause != failed.Cause || again.Attempts != 2 {
			t.Errorf("the step is %+v", again)
		}
		write(t, s, func(tx chancery.Tx) error { return tx.PostponeStep(again, at(6), "") })
		if well := claim(t, s, at(6), time.Hour, 1)[0]; well.LastError != "" || well.Cause != "" || well.Attempts != 1 {
			t.Errorf("after it went well the step is %+v", well)
		}
	}},
	{"a parked step is begun by nobody until the operator has it tried again", aStepIsParked},
	{"the operator sees all steps, those parked, or those of an order", theOperatorSeesSteps},
	{"the backlog counts what is parked and what waits, by kind", theBacklogIsCounted},
	{"a step is hurried unless it ran lately, is leased, or is due anyway", aStepIsHurried},
	{"the steps of an order are listed and deleted together", func(t *testing.T, s chancery.Store) {
		write(t, s, func(tx chancery.Tx) error {
			for _, step := range []chancery.Step{
				{Kind: chancery.AdvanceOrder, AccountID: 1, OrderID: 10}, {Kind: chancery.PrepareKey, AccountID: 1, OrderID: 10},
				{Kind: chancery.AdvanceOrder, AccountID: 1, OrderID: 11}, {Kind: chancery.Sweep},
			} {
				step.DueAt = at(1)
				if err := tx.AddStep(step); err != nil {
					return err
				}
			}
			return nil
		})
		list := func(account chancery.AccountID, order chancery.OrderID) []chancery.Step {
			return answer(t, s, func(tx chancery.Tx) ([]chancery.Step, error) { return tx.OrderSteps(account, order) })
		}
		if both := list(1, 10); len(both) != 2 || both[0].Kind != chancery.AdvanceOrder || both[1].Kind != chancery.PrepareKey {
			t.Errorf("the order has %+v", both)
		}
		leased := claim(t, s, at(1), time.Hour, 10)
		write(t, s, func(tx chancery.Tx) error { return tx.DeleteOrderSteps(1, 10) })
		if len(list(1, 10)) != 0 || len(list(1, 11)) != 1 || len(list(0, 0)) != 1 {
			t.Error("other steps than the order's were deleted")
		}
		for _, step := range leased {
			want := error(nil)
			if step.OrderID == 10 {
				want = chancery.ErrLeaseLost
			}
			refused(t, s, want, finish(step))
		}
	}},
}

// addSteps adds one step for each minute, of the order with that id.
func addSteps(t *testing.T, s chancery.Store, minutes ...int) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) error {
		for _, minute := range minutes {
			err := tx.AddStep(chancery.Step{Kind: chancery.AdvanceOrder, AccountID: 1, OrderID: chancery.OrderID(minute), DueAt: at(minute)})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func claim(t *testing.T, s chancery.Store, now time.Time, lease time.Duration, most int) (got []chancery.Step) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) (err error) {
		got, err = tx.ClaimSteps(now, lease, most)
		return err
	})
	return got
}

// claimAfterLease waits until the one step's lease has run out by the database's clock.
func claimAfterLease(t *testing.T, s chancery.Store) chancery.Step {
	t.Helper()
	for range 500 {
		if got := claim(t, s, at(1), time.Hour, 10); len(got) > 0 {
			return got[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the lease does not run out")
	return chancery.Step{}
}

func dues(steps []chancery.Step) (orders []chancery.OrderID) {
	for _, step := range steps {
		orders = append(orders, step.OrderID)
	}
	return orders
}

func finish(step chancery.Step) func(chancery.Tx) error {
	return func(tx chancery.Tx) error { return tx.FinishStep(step) }
}

func noStepIsLeasedTwice(t *testing.T, s chancery.Store) {
	const count, workers = 100, 8
	minutes := make([]int, count)
	for i := range minutes {
		minutes[i] = i + 1
	}
	addSteps(t, s, minutes...)
	var mu sync.Mutex
	leases := map[chancery.OrderID]int{}
	errs := atOnce(workers, func(int) error {
		for {
			var got []chancery.Step
			err := s.Write(context.Background(), func(tx chancery.Tx) (err error) {
				got, err = tx.ClaimSteps(at(count), time.Hour, 7)
				return err
			})
			if err != nil || len(got) == 0 {
				return err
			}
			if len(got) > 7 {
				return fmt.Errorf("%d steps were leased, more than asked for", len(got))
			}
			mu.Lock()
			for _, step := range got {
				leases[step.OrderID]++
			}
			mu.Unlock()
		}
	})
	succeeded(t, errs, nil)
	for order, n := range leases {
		if n != 1 {
			t.Errorf("step %d was leased %d times", order, n)
		}
	}
	if len(leases) != count {
		t.Errorf("%d of %d steps were leased", len(leases), count)
	}
}

func aWorkerThatWasAwayChangesNothing(t *testing.T, s chancery.Store) {
	addSteps(t, s, 1)
	away := claim(t, s, at(1), time.Millisecond, 1)[0]
	present := claimAfterLease(t, s)
	account := chancery.Account{ID: 42, CreatedAt: start}
	for _, end := range []func(chancery.Tx) error{
		finish(away),
		func(tx chancery.Tx) error { return tx.PostponeStep(away, at(9), "late") },
	} {
		refused(t, s, chancery.ErrLeaseLost, func(tx chancery.Tx) error {
			if err := tx.AddAccount(account); err != nil { // what the work came to
				return err
			}
			return end(tx)
		})
	}
	missing(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(42) })
	write(t, s, finish(present))
}

// aStepIsHurried asks at minute 10 that a step be due at once.
func aStepIsHurried(t *testing.T, s chancery.Store) {
	const never, leased = -1, true
	for i, c := range []struct {
		says     string
		ranAt    int
		leased   bool
		due      int
		kind     chancery.StepKind
		notSince int
		wantDue  int
	}{
		{"never ran", never, !leased, 60, chancery.AdvanceOrder, 8, 10},
		{"ran long ago", 5, !leased, 60, chancery.AdvanceOrder, 8, 10},
		{"ran when it just counts as long ago", 8, !leased, 60, chancery.AdvanceOrder, 8, 10},
		{"ran lately", 9, !leased, 60, chancery.AdvanceOrder, 8, 60},
		{"is leased", never, leased, 60, chancery.AdvanceOrder, 61, 60},
		{"was leased", 60, !leased, 60, chancery.AdvanceOrder, 61, 10},
		{"is due anyway", 5, !leased, 3, chancery.AdvanceOrder, 8, 3},
		{"is of another kind", 5, !leased, 60, chancery.PrepareKey, 8, 60},
	} {
		t.Run(c.says, func(t *testing.T) {
			order := chancery.OrderID(100 + i)
			write(t, s, func(tx chancery.Tx) error {
				return tx.AddStep(chancery.Step{Kind: c.kind, AccountID: 1, OrderID: order, DueAt: at(max(c.ranAt, 0))})
			})
			if c.ranAt == never {
				write(t, s, postponeFirst(order, at(c.due)))
			} else {
				step := claim(t, s, at(c.ranAt), time.Hour, 1)[0]
				write(t, s, func(tx chancery.Tx) error { return tx.PostponeStep(step, at(c.due), "") })
			}
			if c.leased {
				claim(t, s, at(c.due), time.Hour, 1)
			}
			write(t, s, func(tx chancery.Tx) error {
				if err := tx.HurryStep(1, order+1, chancery.AdvanceOrder, at(10), at(c.notSince)); err != nil { // not this order
					return err
				}
				return tx.HurryStep(1, order, chancery.AdvanceOrder, at(10), at(c.notSince))
			})
			got := answer(t, s, func(tx chancery.Tx) ([]chancery.Step, error) { return tx.OrderSteps(1, order) })
			same(t, "it is due", got[0].DueAt, at(c.wantDue))
			write(t, s, func(tx chancery.Tx) error { return tx.DeleteOrderSteps(1, order) })
		})
	}
}

// postponeFirst moves a step that never ran.
func postponeFirst(order chancery.OrderID, due time.Time) func(chancery.Tx) error {
	return func(tx chancery.Tx) error {
		steps, err := tx.OrderSteps(1, order)
		if err != nil {
			return err
		}
		return tx.PostponeStep(steps[0], due, "")
	}
}

func fail(step chancery.Step, f chancery.StepFailure) func(chancery.Tx) error {
	return func(tx chancery.Tx) error { return tx.FailStep(step, f) }
}

func retry(id int64, now time.Time) func(chancery.Tx) error {
	return func(tx chancery.Tx) error { return tx.RetryStep(id, now) }
}

func aLeaseIsRenewed(t *testing.T, s chancery.Store) {
	renew := func(lease time.Duration, steps ...chancery.Step) (ours []chancery.Step) {
		t.Helper()
		err := s.Write(chancery.Confine(context.Background(), 0), func(tx chancery.Tx) (err error) {
			ours, err = tx.RenewSteps(steps, lease)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return ours
	}
	same(t, "of no steps", renew(time.Hour), nil)
	addSteps(t, s, 1)
	lost := claim(t, s, at(1), time.Millisecond, 1)[0]
	taken := claimAfterLease(t, s)
	addSteps(t, s, 2, 3)
	held := claim(t, s, at(3), time.Millisecond, 2) // and the leases run out at once
	same(t, "still ours", renew(time.Hour, held[0], lost, held[1]), held)
	same(t, "while they are leased", dues(claim(t, s, at(3), time.Hour, 10)), nil)
	write(t, s, finish(held[1])) // by the version that was claimed
	same(t, "still ours when one is done", renew(time.Hour, append(held, taken)...), []chancery.Step{held[0], taken})
	write(t, s, finish(held[0]))
	same(t, "of those done", renew(time.Hour, held...), nil)
}

func aStepIsParked(t *testing.T, s chancery.Store) {
	addSteps(t, s, 1)
	step := claim(t, s, at(1), time.Hour, 1)[0]
	same(t, "retrying one that is leased", s.Write(context.Background(), retry(step.ID, at(2))), chancery.ErrConflict)
	write(t, s, fail(step, chancery.StepFailure{ParkedAt: at(2), Reason: "no answer", Cause: "no answer from 192.0.2.1"}))
	refused(t, s, chancery.ErrLeaseLost, finish(step))
	write(t, s, func(tx chancery.Tx) error { return tx.HurryStep(1, 1, chancery.AdvanceOrder, at(3), at(3)) })
	aCentury := at(0).AddDate(100, 0, 0)
	same(t, "while it is parked", dues(claim(t, s, aCentury, time.Hour, 1)), nil)
	missing(t, s, chancery.Tx.NextStep)
	parked := answer(t, s, func(tx chancery.Tx) (chancery.Step, error) { return tx.Step(step.ID) })
	if !parked.ParkedAt.Equal(at(2)) || parked.Attempts != 1 || parked.LastError != "no answer" || parked.Cause == "" {
		t.Errorf("parked it is %+v", parked)
	}
	write(t, s, retry(step.ID, at(3)))
	same(t, "the next", answer(t, s, chancery.Tx.NextStep), at(3))
	again := claim(t, s, at(3), time.Hour, 1)[0]
	if !again.ParkedAt.IsZero() || again.Attempts != 1 || again.LastError != "" || again.Cause != "" {
		t.Errorf("tried again it is %+v", again)
	}
	missing(t, s, func(tx chancery.Tx) (chancery.Step, error) { return tx.Step(404) })
}

// park parks those steps of addSteps, in this order.
func park(t *testing.T, s chancery.Store, minutes ...int) {
	t.Helper()
	for i, minute := range minutes {
		write(t, s, func(tx chancery.Tx) error {
			steps, err := tx.OrderSteps(1, chancery.OrderID(minute))
			if err != nil {
				return err
			}
			return tx.FailStep(steps[0], chancery.StepFailure{ParkedAt: at(60 + i), Reason: "no answer"})
		})
	}
}

func theOperatorSeesSteps(t *testing.T, s chancery.Store) {
	addSteps(t, s, 3, 1, 5, 2, 4)
	park(t, s, 4, 2)
	write(t, s, func(tx chancery.Tx) error {
		return tx.AddStep(chancery.Step{Kind: chancery.PrepareKey, AccountID: 1, OrderID: 2, DueAt: at(9)})
	})
	for _, c := range []struct {
		filter chancery.StepFilter
		most   int
		want   []chancery.OrderID
	}{
		{chancery.StepFilter{}, 10, []chancery.OrderID{1, 3, 5, 2, 2, 4}},
		{chancery.StepFilter{}, 2, []chancery.OrderID{1, 3}},
		{chancery.StepFilter{Parked: true}, 10, []chancery.OrderID{4, 2}},
		{chancery.StepFilter{Parked: true}, 1, []chancery.OrderID{4}},
		{chancery.StepFilter{Order: 2}, 10, []chancery.OrderID{2, 2}},
		{chancery.StepFilter{Order: 2, Parked: true}, 10, []chancery.OrderID{2}},
		{chancery.StepFilter{Order: 404}, 10, nil},
	} {
		got := dues(answer(t, s, func(tx chancery.Tx) ([]chancery.Step, error) { return tx.Steps(c.filter, c.most) }))
		if c.filter == (chancery.StepFilter{}) && c.most == 10 { // those parked are due at the same time
			slices.Sort(got[4:])
		}
		same(t, fmt.Sprintf("at most %d of %+v", c.most, c.filter), got, c.want)
	}
}

func theBacklogIsCounted(t *testing.T, s chancery.Store) {
	backlog := func(now time.Time) chancery.StepBacklog {
		t.Helper()
		return answer(t, s, func(tx chancery.Tx) (chancery.StepBacklog, error) { return tx.StepBacklog(now) })
	}
	type counts = map[chancery.StepKind]int64
	same(t, "of no steps", backlog(at(9)), chancery.StepBacklog{Parked: counts{}, Waiting: counts{}})
	addSteps(t, s, 1, 2, 3, 4, 5)
	park(t, s, 1)
	write(t, s, func(tx chancery.Tx) error { return tx.AddStep(chancery.Step{Kind: chancery.Sweep, DueAt: at(4)}) })
	claim(t, s, at(2), time.Hour, 1)
	same(t, "when two more are due", backlog(at(4)), chancery.StepBacklog{
		Parked: counts{chancery.AdvanceOrder: 1}, Waiting: counts{chancery.AdvanceOrder: 2, chancery.Sweep: 1}, OldestDue: at(3),
	})
}

func recallsWhatWasAhead(t *testing.T, s chancery.Store) {
	now := at(100)
	postponed := func(order chancery.OrderID, begun time.Time, due time.Time) {
		t.Helper()
		write(t, s, func(tx chancery.Tx) error {
			return tx.AddStep(chancery.Step{Kind: chancery.AdvanceOrder, AccountID: 1, OrderID: order, DueAt: at(-1000)})
		})
		step := claim(t, s, begun, time.Hour, 1)[0]
		write(t, s, func(tx chancery.Tx) error { return tx.PostponeStep(step, due, "") })
	}
	added := func(order chancery.OrderID, due time.Time) {
		t.Helper()
		write(t, s, func(tx chancery.Tx) error {
			return tx.AddStep(chancery.Step{Kind: chancery.AdvanceOrder, AccountID: 1, OrderID: order, DueAt: due})
		})
	}
	const day = 24 * time.Hour
	postponed(1, now, now.Add(30*day))                          // as a CA asked for
	postponed(2, now.Add(time.Hour), now.Add(time.Hour+1))      // by a clock that was ahead
	postponed(3, now.Add(-time.Hour), now.Add(400*day))         // by one that was ahead when the step ended
	postponed(4, now.Add(30*time.Second), now.Add(time.Minute)) // by a node whose clock differs a little
	added(5, now.Add(time.Minute))                              // a new one
	added(6, now.Add(time.Hour))                                // a new one of a clock that was ahead
	recalled := recall(t, s, now)
	if recalled != 3 {
		t.Errorf("%d steps were recalled", recalled)
	}
	again := recall(t, s, now)
	if again != 0 {
		t.Errorf("%d steps were recalled once more", again)
	}
	got := dues(claim(t, s, now, time.Hour, 10))
	slices.Sort(got)
	same(t, "those that are due now", got, []chancery.OrderID{2, 3, 6})
}

func recall(t *testing.T, s chancery.Store, now time.Time) (recalled int64) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) (err error) {
		recalled, err = tx.RecallSteps(now)
		return err
	})
	return recalled
}
