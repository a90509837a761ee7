package work_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

// A panic in one step is that step's failure: it is logged and tried again.
func TestPanicInAStep(t *testing.T) {
	var looks atomic.Int64
	env := testenv.New(t, testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		if looks.Add(1) == 1 {
			panic("zebra-stripes")
		}
		return chancery.Seen
	})))
	order := proved(env)
	env.Settle()
	state := env.State(order)
	if state.Type != "domain_verify" || state.Order.Delay == "" || len(state.Looks) != 0 {
		t.Errorf("got %+v %+v", state, state.Order)
	}
	has(t, env.Logged(), "background step panicked", "zebra-stripes", "goroutine")
	env.Clock.Advance(time.Minute)
	env.Await(order, chancery.Issued)
}

// Stopping waits for what is in hand, whose outcome is kept.
func TestStopFinishesWhatIsInHand(t *testing.T) {
	g := newGate()
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		g.pass()
		return chancery.Seen
	})))
	order := proved(env)
	stop := env.Run(env.NewWorker())
	g.wait(t)
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("it stopped while a look was in hand")
	case <-time.After(50 * time.Millisecond):
	}
	close(g.open)
	<-stopped
	if now := env.Order(order); now.State != chancery.Issued {
		t.Errorf("%v after the step whose look saw the proof", &now)
	}
}

// No more steps are in hand at once than the worker may have.
func TestParallel(t *testing.T) {
	const parallel, orders = 3, 12
	var inHand, most atomic.Int64
	all := make(chan struct{}) // closed when as many are in hand as may be
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		now := inHand.Add(1)
		defer inHand.Add(-1)
		for high := most.Load(); now > high && !most.CompareAndSwap(high, now); high = most.Load() {
			continue
		}
		if now == parallel {
			select {
			case <-all:
			default:
				close(all)
			}
		}
		select {
		case <-all:
		case <-time.After(10 * time.Second):
		}
		time.Sleep(5 * time.Millisecond) // for one too many to show up
		return chancery.NoName
	})))
	env.Grant(single, orders)
	for i := range orders {
		env.Apply(fmt.Sprintf("%d.example.test", i))
	}
	env.Clock.Advance(time.Second)
	worker := env.NewWorker()
	worker.Parallel = parallel
	env.Run(worker)
	env.Settle()
	if n := most.Load(); n != parallel {
		t.Errorf("up to %d looks were in hand at once; %d are allowed and there were enough", n, parallel)
	}
}

// countingStore counts what the worker asks of the store, and fails reads and
// writes on demand.
type countingStore struct {
	chancery.Store
	calls atomic.Int64
	full  atomic.Bool
	away  atomic.Bool
}

func (s *countingStore) Read(ctx context.Context, fn func(chancery.Tx) error) error {
	s.calls.Add(1)
	if s.away.Load() {
		return chancery.ErrStoreAway
	}
	return s.Store.Read(ctx, fn)
}

func (s *countingStore) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	s.calls.Add(1)
	if s.full.Load() {
		return errors.New("the disk is full")
	}
	return s.Store.Write(ctx, fn)
}

// Steps that are due and cannot be claimed make no worker spin, and fill no log.
func TestWorkerDoesNotSpin(t *testing.T) {
	const watched, enough = 300 * time.Millisecond, 150 // calls a second
	g := newGate()
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(v chancery.Validation) chancery.Finding {
		g.pass()
		return chancery.Seen
	})))
	order := proved(env)
	env.SQL("DELETE FROM steps WHERE kind <> 'advance_order'")
	store := &countingStore{Store: env.Store}
	rate := func() float64 {
		before, began := store.calls.Load(), time.Now()
		time.Sleep(watched)
		return float64(store.calls.Load()-before) / time.Since(began).Seconds()
	}
	worker := env.NewWorker()
	worker.Store, worker.Parallel = store, 1
	env.Run(worker)
	g.wait(t)
	env.Write(func(tx chancery.Tx) error {
		return tx.AddStep(chancery.Step{Kind: chancery.Sweep, DueAt: env.Clock.Now()})
	})
	if n := rate(); n > enough {
		t.Errorf("with its hands full it called the store %.0f times a second", n)
	}
	store.full.Store(true)
	close(g.open)
	if n := rate(); n > enough {
		t.Errorf("with a store that fails it called it %.0f times a second", n)
	}
	has(t, env.Logged(), "claiming background steps failed")
	store.full.Store(false)
	lapse(env)
	env.Await(order, chancery.Issued)
}

// A step whose order is gone ends.
func TestStepOfAMissingOrder(t *testing.T) {
	env := testenv.New(t)
	for _, kind := range []chancery.StepKind{chancery.AdvanceOrder, chancery.PrepareKey} {
		env.Write(func(tx chancery.Tx) error {
			return tx.AddStep(chancery.Step{Kind: kind, AccountID: env.Account, OrderID: 7, DueAt: env.Clock.Now()})
		})
	}
	env.Clock.Advance(0) // wakes the worker
	env.Settle()
	if n := rows(env, "steps", 7); n != 0 {
		t.Errorf("%d steps are left", n)
	}
}
