package work_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chancery"
	"chancery/internal/testenv"
	"chancery/work"
)

// longPause is longer than any between two attempts.
const longPause = 7 * time.Minute

// A step that fails each time is parked, which its applicant and the operator are
// told, and goes on when the operator says so.
func TestAStepThatAlwaysFailsIsParked(t *testing.T) {
	const attempts = 20
	var looks atomic.Int64
	var mended atomic.Bool
	env := testenv.New(t, testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		looks.Add(1)
		if !mended.Load() {
			panic("zebra-stripes")
		}
		return chancery.Seen
	})))
	registry := prometheus.NewRegistry()
	work.WatchBacklog(registry, env.Store, env.Clock)
	order := proved(env)
	for range attempts - 1 {
		env.Settle()
		if n := gauge(t, registry, "chancery_steps_parked", chancery.AdvanceOrder); n != 0 {
			t.Fatalf("parked after %d attempts", looks.Load())
		}
		env.Clock.Advance(longPause)
	}
	env.Settle()
	state := env.State(order)
	if state.Type != "domain_verify" || !strings.Contains(state.Order.Delay, "its operator has to look into it") || state.Order.NextLookTime != 0 {
		t.Errorf("got %+v %+v", state, state.Order)
	}
	has(t, env.Logged(), "level=ERROR msg=\"background step failed too often and is parked", "chancery steps retry")
	env.Clock.Advance(24 * time.Hour)
	env.State(order) // a nudge
	env.Settle()
	env.SQL("UPDATE steps SET due_at = 1 WHERE parked_at > 0") // a nudge by a node that knows of no parking
	env.Clock.Advance(0)
	env.Settle()
	if n := looks.Load(); n != attempts {
		t.Errorf("it was begun %d times", n)
	}
	if n := gauge(t, registry, "chancery_steps_parked", chancery.AdvanceOrder); n != 1 {
		t.Errorf("the metric counts %v parked steps", n)
	}

	mended.Store(true)
	retryParked(t, env)
	env.Await(order, chancery.Issued)
	if n := gauge(t, registry, "chancery_steps_parked", chancery.AdvanceOrder); n != 0 {
		t.Errorf("the metric counts %v parked steps", n)
	}
}

func retryParked(t *testing.T, env *testenv.Env) {
	t.Helper()
	env.Write(func(tx chancery.Tx) error {
		steps, err := tx.Steps(chancery.StepFilter{Parked: true}, 10)
		if len(steps) != 1 || err != nil {
			return fmt.Errorf("parked are %+v: %w", steps, err)
		}
		if steps[0].Attempts < 20 || steps[0].Cause == "" {
			t.Errorf("parked is %+v", steps[0])
		}
		return tx.RetryStep(steps[0].ID, env.Clock.Now())
	})
	env.Clock.Advance(0) // wakes the worker
}

// A step in which the process ends each time is begun no more.
func TestAStepThatEndsTheProcessIsParked(t *testing.T) {
	var looks atomic.Int64
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		looks.Add(1)
		return chancery.Seen
	})))
	order := proved(env)
	for range 20 {
		env.Write(func(tx chancery.Tx) error {
			_, err := tx.ClaimSteps(env.Clock.Now(), time.Hour, 10)
			return err
		})
		lapse(env)
	}
	env.SQL("UPDATE steps SET attempts = 0 WHERE kind <> 'advance_order'")
	env.Run(env.NewWorker())
	env.Settle()
	if n := looks.Load(); n != 0 {
		t.Errorf("it was begun %d times more", n)
	}
	retryParked(t, env)
	env.Await(order, chancery.Issued)
}

// A database that is away for long parks nothing.
func TestADatabaseThatIsAwayParksNothing(t *testing.T) {
	const failures = 30
	var ca *someCA
	env := testenv.New(t, testenv.WithLooker(lookFunc(seen)), withIssuer(func(call int, request chancery.IssueRequest) (chancery.Chain, error) {
		if call <= failures {
			return nil, fmt.Errorf("recording what is signed: %w", chancery.ErrStoreAway)
		}
		return ca.issue(request, nil), nil
	}))
	ca = newCA(t, env.Clock.Now)
	order := proved(env)
	for range failures {
		env.Settle()
		env.Clock.Advance(longPause)
	}
	env.Await(order, chancery.Issued)
}

// A step that a newer version added is left for a worker that knows it, for as long as
// it takes, and begins there with its first attempt.
func TestUnknownStepIsKept(t *testing.T) {
	env := testenv.New(t)
	env.Write(func(tx chancery.Tx) error {
		return tx.AddStep(chancery.Step{Kind: "bake_cake", DueAt: env.Clock.Now()})
	})
	env.Clock.Advance(0) // wakes the worker
	for range 30 {
		env.Settle()
		if n := env.Count("SELECT COUNT(*) FROM steps WHERE kind = 'bake_cake' AND last_error <> '' AND due_at > $1 AND parked_at = 0 AND attempts = 0", env.Clock.Now().UnixMilli()); n != 1 {
			t.Fatal("the step is gone, parked, or was not postponed")
		}
		env.Clock.Advance(longPause)
	}
	has(t, env.Logged(), "this version does not know a background step")
}

// The metrics tell what waits, and for how long, and go on without a database.
func TestBacklogMetrics(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	store := &countingStore{Store: env.Store}
	registry := prometheus.NewRegistry()
	work.WatchBacklog(registry, store, env.Clock)
	proved(env)
	env.Clock.Advance(time.Minute)
	for kind, want := range map[chancery.StepKind]float64{chancery.AdvanceOrder: 1, chancery.PrepareKey: 0, chancery.Sweep: 1, chancery.RevokeOrder: 0} {
		if n := gauge(t, registry, "chancery_steps_waiting", kind); n != want {
			t.Errorf("%v steps %s wait, want %v", n, kind, want)
		}
	}
	if late := gauge(t, registry, "chancery_steps_oldest_due_seconds", ""); late < 60 {
		t.Errorf("the oldest is due for %v s", late)
	}
	store.away.Store(true)
	if families, err := registry.Gather(); len(families) != 0 || err != nil {
		t.Errorf("without a database there are %v, %v", families, err)
	}
}

// gauge reads one metric; kind may be empty.
func gauge(t *testing.T, registry *prometheus.Registry, name string, kind chancery.StepKind) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := metric.GetLabel()
			if family.GetName() == name && (len(labels) == 0 || labels[0].GetValue() == string(kind)) {
				return metric.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no metric %s of %q", name, kind)
	return 0
}
