package work_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

const week = 7 * 24 * time.Hour

// An order that nobody proves fails after a week, says what the last look found,
// and gives its unit back when it is deleted.
func TestUnprovedOrderFails(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 1)
	order := env.Apply(host)
	deadline := env.Clock.Now().Add(week)

	env.Clock.Advance(time.Second)
	env.Settle()
	env.Zone.Set("_dnsauth."+host, "TXT", "an old value")
	env.Clock.Set(deadline.Add(-time.Millisecond))
	env.Settle()
	state := env.State(order)
	if state.Type != "domain_verify" || state.Order.NextLookTime < deadline.UnixMilli() || state.Order.NextLookTime > deadline.Add(time.Second).UnixMilli() {
		t.Errorf("just before the deadline: %+v %+v", state, state.Order)
	}

	env.Clock.Advance(time.Second)
	env.Settle()
	state = env.State(order)
	if state.Type != "verify_fail" {
		t.Fatalf("after the deadline: %+v", state)
	}
	has(t, state.Reason, host, deadline.Format(time.RFC3339), env.Zone.Addr(), string(chancery.WrongValue), "an old value")
	if rows(env, "steps", order)+rows(env, "order_keys", order) != 0 {
		t.Error("steps or a key are left")
	}
	remove(t, env, order)
}

// A proof that is there at the last look counts.
func TestProofInTheLastMinute(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 1)
	order := env.Apply(host)
	env.Clock.Advance(time.Second)
	env.Settle()
	env.Publish(order)
	env.Clock.Advance(2 * week)
	env.Await(order, chancery.Issued)
}

// Looks that come to the same are one line with a count and the newest time.
func TestEvidenceIsCounted(t *testing.T) {
	findings := []chancery.Finding{
		chancery.NoName, chancery.NoName, chancery.NoName, chancery.WrongValue, chancery.NoName, chancery.NoName, chancery.Seen,
	}
	look := 0
	env := testenv.New(t, testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		look++
		return findings[look-1]
	})))
	env.Grant(single, 1)
	order := env.Apply(host)
	env.Clock.Advance(time.Second)
	for range findings {
		env.Settle()
		env.Clock.Advance(10 * time.Minute)
	}
	env.Settle()
	type line struct {
		Finding string
		Count   int64
	}
	var got []line
	for _, l := range env.State(order).Looks {
		got = append(got, line{l.Finding, l.Count})
	}
	want := []line{{"no such name", 3}, {"wrong value", 1}, {"no such name", 2}, {"seen", 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// lookCounter looks in vain and counts.
type lookCounter struct {
	mu sync.Mutex // guards n
	n  int
}

func (c *lookCounter) look(chancery.Validation) chancery.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return chancery.NoName
}

func (c *lookCounter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Whoever asks for the state of an order that is no longer new hastens the next look,
// but not more often than every three seconds.
func TestAskingHastensALook(t *testing.T) {
	var looks lookCounter
	env := testenv.New(t, testenv.WithLooker(lookFunc(looks.look)))
	env.Grant(single, 1)
	order := env.Apply(host)
	stranger := env.NewAccount()
	ask := func() { env.State(order) }
	for _, step := range []struct {
		name  string
		after time.Duration
		do    func()
		want  int
	}{
		{"told for the first time", 0, ask, 0},
		{"when the first look is due", time.Second, func() {}, 1},
		{"an hour later", time.Hour, func() {}, 2},
		{"asked at once", 0, ask, 2},
		{"asked a little early", 3*time.Second - time.Millisecond, ask, 2},
		{"not asked", time.Millisecond, func() {}, 2},
		{"asked by a stranger", 0, func() { stranger.Signed("DescribeCertificateState", map[string]string{"OrderId": "1"}) }, 2},
		{"asked after three seconds", 0, ask, 3},
		{"asked again", 0, func() { ask(); ask(); ask() }, 3},
		{"asked after three more", 3 * time.Second, ask, 4},
		{"not asked for a minute", time.Minute, func() {}, 4},
		{"not asked for a tenth of its age", 5*time.Minute + time.Second, func() {}, 5},
	} {
		env.Clock.Advance(step.after)
		env.Settle()
		step.do()
		env.Settle()
		if got := looks.count(); got != step.want {
			t.Fatalf("%s: %d looks, want %d", step.name, got, step.want)
		}
	}
}

// Who publishes in a moment has the look in a moment, though not before being told what
// to publish: a resolver that is asked too early keeps for minutes that it found nothing.
func TestAskingHastensTheFirstLook(t *testing.T) {
	var looks lookCounter
	env := testenv.New(t, testenv.WithLooker(lookFunc(looks.look)))
	env.Grant(single, 1)
	order := env.Apply(host)
	for _, step := range []struct {
		name  string
		after time.Duration
		want  int
	}{
		{"told for the first time", 40 * time.Millisecond, 0},
		{"asked before anybody could have published", 9 * time.Millisecond, 0},
		{"asked after half its age, and more", 31 * time.Millisecond, 1},
		{"asked at once", 0, 1},
		{"asked a little early", 59 * time.Millisecond, 1},
		{"asked after half its age, less 10 ms", time.Millisecond, 2},
	} {
		env.Clock.Advance(step.after)
		env.State(order)
		env.Settle()
		if got := looks.count(); got != step.want {
			t.Fatalf("%s: %d looks, want %d", step.name, got, step.want)
		}
	}
}

// Who publishes as soon as told has the certificate with the next question.
func TestWhoPublishesAtOnceDoesNotWait(t *testing.T) {
	var looks lookCounter
	env := testenv.New(t, testenv.WithLooker(lookFunc(looks.look)))
	env.Grant(single, 1)
	order := env.Apply(host)
	env.Clock.Advance(time.Millisecond)
	env.State(order)
	env.Clock.Advance(time.Millisecond)
	env.State(order)
	env.Settle()
	if got := looks.count(); got != 1 {
		t.Errorf("%d looks", got)
	}
}

// Looks come often at first, then seldom, and never stop before the deadline.
func TestLooksGetSeldom(t *testing.T) {
	var looks lookCounter
	env := testenv.New(t, testenv.WithLooker(lookFunc(looks.look)))
	env.Grant(single, 1)
	order := env.Apply(host)
	began, last := env.Clock.Now(), time.Duration(0)
	for env.Clock.Now().Sub(began) < 12*time.Hour {
		next := time.UnixMilli(env.State(order).Order.NextLookTime)
		pause := next.Sub(env.Clock.Now())
		if pause < last || pause > 10*time.Minute {
			t.Fatalf("after %v the pause is %v, before it was %v", env.Clock.Now().Sub(began), pause, last)
		}
		last = pause
		env.Clock.Set(next)
		env.Settle()
	}
	if last != 10*time.Minute {
		t.Errorf("at last the pause is %v", last)
	}
	if n := looks.count(); n > 150 {
		t.Errorf("%d looks in twelve hours", n)
	}
	if lines := env.State(order).Looks; len(lines) != 1 || lines[0].Count != int64(looks.count()) {
		t.Errorf("%d looks are told as %+v", looks.count(), lines)
	}
}

// What a look saw is worth nothing once the applicant has withdrawn.
func TestWithdrawnWhileLooking(t *testing.T) {
	g := newGate()
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(v chancery.Validation) chancery.Finding {
		g.pass()
		return chancery.Seen
	})))
	env.Grant(single, 1)
	order := env.Apply(host)
	env.Clock.Advance(time.Second)
	worker := env.NewWorker()
	outcomes := countSteps(worker)
	stop := env.Run(worker)
	g.wait(t)
	withdraw(t, env, order)
	close(g.open)
	stop()
	if now := env.Order(order); now.State != chancery.Payed || !now.ProvedAt.IsZero() {
		t.Errorf("the order is %+v", now)
	}
	if n := rows(env, "evidence", order) + rows(env, "steps", order) + rows(env, "order_keys", order); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if n := outcomes.count(t, chancery.AdvanceOrder, "overtaken"); n != 1 {
		t.Errorf("%d looks were overtaken", n)
	}
	remove(t, env, order)
}
