// Package work does what happens in the background: one file and one row of the
// table for each kind of step. A step is a row in the database that commits with
// what makes it necessary; whoever works on it holds a lease, and every commit
// of the work is fenced by the step's version, so a step may run twice at any
// point without harm.
package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chancery"
	"chancery/internal/failpoint"
)

// Worker claims steps and works on them. All fields without a default are
// needed; none is changed after Run begins.
type Worker struct {
	Store   chancery.Store
	Looker  chancery.Looker
	Issuers Issuers
	// Catalogue says who issues for an order's product, and for how long.
	Catalogue chancery.Catalogue
	Clock     chancery.Clock
	Log       *slog.Logger
	// AuditKeep is how long lines of the audit log are kept; 0: for ever.
	AuditKeep time.Duration
	// ReadyKeys is how many keys are kept ready of each algorithm of the catalogue that
	// takes long; 0: none are made ahead.
	ReadyKeys int
	// KeyPause is how long after its start the worker first looks whether keys are lacking,
	// and how long it waits when none are. Default 5 s.
	KeyPause time.Duration
	// Parallel is how many steps are worked on at once. Default 16 and 4 more for
	// each processor: most of them wait for the network.
	Parallel int
	// Lease is how long a step stays with a worker that renews it no more. Default 8 s.
	Lease time.Duration
	// Courier delivers notices; without one they wait for another node.
	Courier chancery.Courier
	// Metrics may be nil.
	Metrics *Metrics

	wake     chan struct{}
	once     sync.Once
	watchers watchers
	leases   leases
	watch    clockWatch
	makers   chan struct{} // holds one for every slow key that is made for an order
	sending  sending
}

// Issuers finds an issuer by the name that a product gives.
type Issuers interface {
	Find(name string) (chancery.Issuer, error)
}

// kinds is the table of steps. A step's function ends it or sets when it is due
// next, in the transaction that holds its effect; for an error the runner
// postpones it.
func (w *Worker) kinds() map[chancery.StepKind]func(context.Context, chancery.Step) error {
	return map[chancery.StepKind]func(context.Context, chancery.Step) error{
		chancery.AdvanceOrder:  w.advanceOrder,
		chancery.PrepareKey:    w.prepareKey,
		chancery.Sweep:         w.sweep,
		chancery.RevokeOrder:   w.revokeOrder,
		chancery.OpenOrder:     w.openOrder,
		chancery.AskRenewal:    w.askRenewal,
		chancery.Reseal:        w.reseal,
		chancery.DeliverNotice: w.deliverNotice,
		chancery.FindExpiring:  w.findExpiring,
		chancery.FindTrouble:   w.findTrouble,
	}
}

const (
	// idlePause is how long the worker waits at most before it looks at the table
	// again without having been woken.
	idlePause = time.Second
	// busyPause is how long it waits when steps are due that it could not claim:
	// all hands are full, and one that gets free wakes it, or the store fails.
	busyPause = 50 * time.Millisecond
	// stepTime ends a step that hangs.
	stepTime = 45 * time.Second
)

func (w *Worker) start() {
	w.once.Do(func() {
		w.wake = make(chan struct{}, 1)
		if w.Parallel == 0 {
			w.Parallel = 16 + 4*runtime.GOMAXPROCS(0)
		}
		w.Lease = cmp.Or(w.Lease, leaseTime)
		w.KeyPause = cmp.Or(w.KeyPause, keyPause)
		w.makers = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))
	})
}

// Wake tells the worker that a step has become due. It never blocks and may be
// called before Run.
func (w *Worker) Wake() {
	w.start()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and then finishes what is in hand.
func (w *Worker) Run(ctx context.Context) {
	w.start()
	kinds := w.kinds()
	free := make(chan struct{}, w.Parallel) // holds one for every step in hand
	var inHand, renewal sync.WaitGroup
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	renewal.Go(func() { w.keepLeases(keeping) })
	if w.ReadyKeys > 0 {
		inHand.Go(func() { w.keepKeysReady(ctx) })
	}
	defer func() {
		inHand.Wait()
		stop()
		renewal.Wait()
	}()
	for ctx.Err() == nil {
		w.heedClock(ctx)
		steps, pause := w.claim(ctx, cap(free)-len(free))
		if len(steps) > 0 {
			failpoint.Hit("step.claimed")
		}
		for _, step := range steps {
			free <- struct{}{}
			inHand.Go(func() {
				defer w.Wake() // there is room for another now
				defer func() { <-free }()
				w.do(context.WithoutCancel(ctx), kinds, step)
			})
		}
		if len(steps) == 0 {
			w.rest(ctx, pause)
		}
	}
}

// claim takes steps that are due, or tells how long there is nothing to take. It looks
// first, which spares the table a write when there is none.
func (w *Worker) claim(ctx context.Context, room int) (steps []chancery.Step, pause time.Duration) {
	pause = idlePause
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		next, err := tx.NextStep()
		if errors.Is(err, chancery.ErrNotFound) {
			return nil
		}
		pause = min(pause, next.Sub(w.Clock.Now()))
		return err
	})
	if err == nil && pause <= 0 && room > 0 {
		err = w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) (err error) {
			steps, err = tx.ClaimSteps(w.Clock.Now(), w.Lease, room)
			return err
		})
	}
	if err != nil {
		if ctx.Err() == nil {
			w.Log.Error("claiming background steps failed", "error", err)
		}
		return nil, idlePause
	}
	return steps, max(pause, busyPause)
}

func (w *Worker) rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (w *Worker) do(ctx context.Context, kinds map[chancery.StepKind]func(context.Context, chancery.Step) error, step chancery.Step) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	ctx, release := w.leases.hold(ctx, step)
	defer release()
	if step.Kind == chancery.AdvanceOrder {
		defer w.watchers.tell(step.OrderID)
	}
	if step.AccountID != 0 {
		ctx = chancery.Confine(ctx, step.AccountID)
	}
	began := time.Now() //nolint:forbidigo // it measures
	run, known := kinds[step.Kind]
	var err error
	switch {
	case !known:
		err = &chancery.WaitError{Until: w.Clock.Now().Add(spread(unknownPause)), Reason: "it waits for a node of a newer version"}
		w.Log.Warn("this version does not know a background step, which waits for a node that does", "step", step.Kind, "id", step.ID)
	case step.Attempts > maxAttempts:
		err = errors.New(cmp.Or(step.Cause, fmt.Sprintf("it was begun %d times, and each time the process ended or lost the step", step.Attempts-1)))
	default:
		err = w.guarded(ctx, run, step)
	}
	outcome := "done"
	var wait *chancery.WaitError
	switch {
	case err == nil:
	case errors.Is(context.Cause(ctx), chancery.ErrLeaseLost):
		outcome = "overtaken" // somebody else has the step
	case errors.As(err, &wait):
		outcome = "waits"
		if w.wait(ctx, step, wait) {
			outcome = "overtaken"
		}
	case errors.Is(err, chancery.ErrLeaseLost), errors.Is(err, chancery.ErrConflict):
		// Somebody changed the order meanwhile, perhaps withdrew it: what this
		// step did was not committed, and what is left to do is in the table.
		outcome = "overtaken"
		w.postpone(ctx, step)
	default:
		outcome = w.fail(ctx, step, err)
	}
	w.Metrics.observe(step.Kind, outcome, time.Since(began))
}

// guarded turns a panic in one step into its failure, so that it takes no other
// down.
func (w *Worker) guarded(ctx context.Context, run func(context.Context, chancery.Step) error, step chancery.Step) (err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 16<<10)
			w.Log.Error("background step panicked", "step", step.Kind, "order", step.OrderID, "panic", p, "stack", string(stack[:runtime.Stack(stack, false)]))
			err = errors.New("panic")
		}
	}()
	return run(ctx, step)
}

func (w *Worker) postpone(ctx context.Context, step chancery.Step) {
	due := w.Clock.Now().Add(backoff(step.Attempts))
	w.settle(ctx, step, func(tx chancery.Tx) error { return tx.PostponeStep(step, due, "") })
}

// wait puts off a step that did not fail: who was asked wants to be asked later. It
// tells whether somebody else has the step by now.
func (w *Worker) wait(ctx context.Context, step chancery.Step, wait *chancery.WaitError) (lost bool) {
	until := wait.Until
	if most := w.Clock.Now().Add(chancery.LongestPause - time.Hour); until.After(most) {
		until = most
	}
	return w.settle(ctx, step, func(tx chancery.Tx) error { return tx.DeferStep(step, until, wait.Reason) })
}

// settle says when a step is due next, also of one whose time was up, and tells whether
// somebody else has it by now.
func (w *Worker) settle(ctx context.Context, step chancery.Step, say func(chancery.Tx) error) (lost bool) {
	err := w.Store.Write(context.WithoutCancel(ctx), say)
	if err != nil && !errors.Is(err, chancery.ErrLeaseLost) {
		// The lease runs out by itself and the step is tried again then.
		w.Log.Error("postponing a background step failed", "step", step.Kind, "order", step.OrderID, "error", err)
	}
	return errors.Is(err, chancery.ErrLeaseLost)
}

// backoff doubles from one second to five minutes, give or take a quarter.
func backoff(attempts int64) time.Duration {
	return spread(min(time.Second<<min(attempts, 9), 5*time.Minute))
}

// spread makes a pause up to a quarter longer or shorter.
func spread(pause time.Duration) time.Duration {
	return pause - pause/4 + rand.N(pause/2) //nolint:gosec // spreading load, not keeping a secret
}

// Metrics counts steps by kind and outcome, and keys by what they were made for.
type Metrics struct {
	steps   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	keys    *prometheus.CounterVec
	notices *prometheus.CounterVec
}

// NewMetrics registers the worker's metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chancery_steps_total", Help: "Background steps worked on, by kind and outcome.",
		}, []string{"kind", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chancery_step_seconds", Help: "How long background steps took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"kind"}),
		keys: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chancery_keys_made_total", Help: `Private keys made by this node, by algorithm: for an order that could not wait, or ahead ("pool").`,
		}, []string{"algorithm", "for"}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chancery_notices_total", Help: "Attempts to deliver notices, by kind and outcome: sent, failed (and tried again) or given-up.",
		}, []string{"kind", "outcome"}),
	}
	registry.MustRegister(m.steps, m.seconds, m.keys, m.notices)
	// There from the start: Prometheus sees no increase in a series that begins with 1.
	for _, kind := range chancery.NoticeKinds {
		for _, outcome := range []string{noticeSent, noticeFailed, noticeGivenUp} {
			m.notices.WithLabelValues(string(kind), outcome)
		}
	}
	return m
}

func (m *Metrics) countNotice(kind chancery.NoticeKind, outcome string) {
	if m != nil {
		m.notices.WithLabelValues(string(kind), outcome).Inc()
	}
}

func (m *Metrics) observe(kind chancery.StepKind, outcome string, took time.Duration) {
	if m == nil {
		return
	}
	m.steps.WithLabelValues(string(kind), outcome).Inc()
	m.seconds.WithLabelValues(string(kind)).Observe(took.Seconds())
}

func (m *Metrics) madeKey(algorithm chancery.KeyAlgorithm, purpose string) {
	if m != nil {
		m.keys.WithLabelValues(string(algorithm), purpose).Inc()
	}
}
