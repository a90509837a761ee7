package work_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
	"chancery/work"
)

// lapse ends all leases, as time does when a worker is away too long.
func lapse(env *testenv.Env) {
	env.SQL("UPDATE steps SET lease_until = 1 WHERE lease_until > 0")
}

// freezer is the store of a worker that stands still at times, as a process that is
// stopped: it writes nothing, and renews no lease, until it goes on.
type freezer struct {
	chancery.Store
	moves sync.RWMutex // held for reading by every write
}

func freezable(worker *work.Worker) *freezer {
	f := &freezer{Store: worker.Store}
	worker.Store = f
	return f
}

func (f *freezer) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	f.moves.RLock()
	defer f.moves.RUnlock()
	return f.Store.Write(ctx, fn)
}

// freeze is called when the worker runs.
func (f *freezer) freeze(t *testing.T) (goOn func()) {
	f.moves.Lock()
	goOn = sync.OnceFunc(f.moves.Unlock)
	t.Cleanup(goOn)
	return goOn
}

// A worker that was away while another took its step over finds that it may
// change nothing.
func TestLateWorkerChangesNothing(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 1)
	order := env.Apply(host)
	env.Clock.Advance(time.Second)
	claim := func() (step chancery.Step) {
		t.Helper()
		env.Write(func(tx chancery.Tx) error {
			steps, err := tx.ClaimSteps(env.Clock.Now(), time.Minute, 10)
			for _, s := range steps {
				if s.Kind == chancery.AdvanceOrder {
					step = s
				}
			}
			return err
		})
		return step
	}
	late := claim()
	if again := claim(); again.ID != 0 {
		t.Fatalf("a leased step was claimed a second time: %+v", again)
	}
	lapse(env)
	other := claim()
	if other.ID != late.ID || other.Version <= late.Version || other.Attempts != late.Attempts+1 {
		t.Fatalf("the step was claimed as %+v, then as %+v", late, other)
	}
	before := env.Dump()
	for name, commit := range map[string]func(chancery.Tx) error{
		"finishing":  func(tx chancery.Tx) error { return tx.FinishStep(late) },
		"continuing": func(tx chancery.Tx) error { return tx.ContinueStep(late, env.Clock.Now()) },
		"postponing": func(tx chancery.Tx) error { return tx.PostponeStep(late, env.Clock.Now(), "") },
	} {
		if err := env.Store.Write(context.Background(), commit); !errors.Is(err, chancery.ErrLeaseLost) {
			t.Errorf("%s late gives %v", name, err)
		}
	}
	if env.Dump() != before {
		t.Error("the late worker changed the data")
	}
	env.Write(func(tx chancery.Tx) error { return tx.PostponeStep(other, env.Clock.Now(), "") })
	if steps := rows(env, "steps", order); steps != 1 {
		t.Errorf("the order has %d steps", steps)
	}
}

// Two workers have the issuer sign for one order; one certificate is kept, and it
// is that of the worker who held the lease.
func TestTwoWorkersIssueOneCertificate(t *testing.T) {
	g := newGate()
	var ca *someCA
	chains := make(chan chancery.Chain, 2)
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(seen)), withIssuer(func(call int, request chancery.IssueRequest) (chancery.Chain, error) {
		if call == 1 {
			g.pass()
		}
		chain := ca.issue(request, nil)
		chains <- chain
		return chain, nil
	}))
	ca = newCA(t, env.Clock.Now)
	order := proved(env)

	late := env.NewWorker()
	pause := freezable(late)
	late.Parallel = 1 // with a hand free it could take its own step over
	outcomes := countSteps(late)
	stop := env.Run(late)
	g.wait(t)
	goOn := pause.freeze(t)
	lapse(env)
	env.Run(env.NewWorker())
	env.Await(order, chancery.Issued)
	kept := env.State(order)
	if kept.Certificate != (<-chains).PEM() {
		t.Error("the certificate is not the one that the second worker got")
	}

	close(g.open)
	goOn()
	stop()
	if again := env.State(order); again.Certificate != kept.Certificate || again.PrivateKey != kept.PrivateKey || again.CertId != kept.CertId {
		t.Error("the late worker changed the certificate")
	}
	if n := rows(env, "certificates", order); n != 1 {
		t.Errorf("the order has %d certificates", n)
	}
	if n := outcomes.count(t, chancery.AdvanceOrder, "overtaken"); n != 1 {
		t.Errorf("%d steps of the late worker were overtaken", n)
	}
}

// What a late look found is not kept, not even as evidence.
func TestLateLookIsDropped(t *testing.T) {
	g := newGate()
	slow := lookFunc(func(chancery.Validation) chancery.Finding {
		g.pass()
		return chancery.NoName
	})
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(seen)))
	order := proved(env)
	late := env.NewWorker()
	pause := freezable(late)
	late.Looker = slow
	late.Parallel = 1 // with a hand free it could take its own step over
	outcomes := countSteps(late)
	stop := env.Run(late)
	g.wait(t)
	goOn := pause.freeze(t)
	lapse(env)
	env.Run(env.NewWorker())
	env.Await(order, chancery.Issued)
	close(g.open)
	goOn()
	stop()
	if looks := env.State(order).Looks; len(looks) != 1 || looks[0].Finding != string(chancery.Seen) {
		t.Errorf("the looks are %+v", looks)
	}
	if n := outcomes.count(t, chancery.AdvanceOrder, "overtaken"); n != 1 {
		t.Errorf("%d steps of the late worker were overtaken", n)
	}
}

// awaitLong waits for something in the database.
func awaitLong(t *testing.T, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("%s takes more than a minute", what)
		}
	}
}

// A step that takes longer than its lease is done once, whoever else looks for work.
func TestALongStepIsDoneOnce(t *testing.T) {
	t.Parallel()
	g := newGate()
	var looks atomic.Int64
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		looks.Add(1)
		g.pass()
		return chancery.Seen
	})))
	order := proved(env)
	for range 2 {
		worker := env.NewWorker()
		worker.Lease = 2 * time.Second
		env.Run(worker)
	}
	g.wait(t)
	first := env.Count("SELECT lease_until FROM steps WHERE kind = 'advance_order'")
	awaitLong(t, "the first lease", func() bool { return env.Count("SELECT now_ms()") > first+1000 })
	close(g.open)
	env.Await(order, chancery.Issued)
	if n := looks.Load(); n != 1 {
		t.Errorf("it was begun %d times", n)
	}
}

// A worker that renews no lease loses the step to another, and what it does later is
// refused, with leases that run out by themselves.
func TestAWorkerThatStandsStillLosesItsStep(t *testing.T) {
	t.Parallel()
	g := newGate()
	slow := lookFunc(func(chancery.Validation) chancery.Finding {
		g.pass()
		return chancery.NoName
	})
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(seen)))
	order := proved(env)
	late := env.NewWorker()
	pause := freezable(late)
	late.Looker, late.Parallel, late.Lease = slow, 1, time.Second
	outcomes := countSteps(late)
	stop := env.Run(late)
	g.wait(t)
	goOn := pause.freeze(t)
	env.Run(env.NewWorker())
	env.Await(order, chancery.Issued)
	before := env.Dump()
	close(g.open)
	goOn()
	stop()
	if env.Dump() != before {
		t.Error("the late worker changed the data")
	}
	if n := outcomes.count(t, chancery.AdvanceOrder, "overtaken"); n != 1 {
		t.Errorf("%d steps of the late worker were overtaken", n)
	}
}

// untilTold looks until its context ends.
type untilTold struct{ begun chan struct{} }

func (u untilTold) Look(ctx context.Context, _ chancery.Validation) (bool, []chancery.Evidence) {
	close(u.begun)
	<-ctx.Done()
	return false, nil
}

// The work on a step ends when somebody else has it.
func TestWorkOnALostStepEnds(t *testing.T) {
	t.Parallel()
	look := untilTold{make(chan struct{})}
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(look))
	proved(env)
	worker := env.NewWorker()
	worker.Lease = 400 * time.Millisecond
	outcomes := countSteps(worker)
	stop := env.Run(worker)
	<-look.begun
	env.SQL("UPDATE steps SET version = version + 1, lease_until = now_ms() + 3600000 WHERE kind = 'advance_order'")
	stop()
	if n := outcomes.count(t, chancery.AdvanceOrder, "overtaken"); n != 1 {
		t.Errorf("%d steps were overtaken", n)
	}
	lapse(env)
}
