package work_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chancery"
	"chancery/internal/testenv"
	"chancery/work"
)

// A burst of orders takes the keys that are ready, each another, and what is lacking is
// made.
func TestABurstTakesReadyKeys(t *testing.T) {
	const ready, orders = 3, 5
	env := testenv.New(t, testenv.WithoutWorker(), slowKeys(), testenv.WithLooker(lookFunc(seen)))
	waiting := map[string]bool{}
	for range ready {
		waiting[addReadyKey(t, env)] = true
	}
	env.Grant(single, orders)
	var burst []int64
	for i := range orders {
		burst = append(burst, env.Apply(fmt.Sprintf("www%d.example.test", i)))
	}
	env.Clock.Advance(time.Second)
	worker := env.NewWorker()
	counted := countSteps(worker)
	env.Run(worker)
	keys, taken := map[string]bool{}, 0
	for _, order := range burst {
		env.Await(order, chancery.Issued)
		key := env.State(order).PrivateKey
		keys[key] = true
		if waiting[key] {
			taken++
		}
	}
	if len(keys) != orders || taken != ready || readyKeys(env) != 0 {
		t.Errorf("%d orders have %d different keys, %d of which were ready; %d still are", orders, len(keys), taken, readyKeys(env))
	}
	if made := keysMade(t, counted.registry, "order"); made < orders-ready {
		t.Errorf("%v keys were made for orders", made)
	}
}

// Keys are made ahead up to a number, with pauses, and are there after a restart.
func TestKeysAreMadeAhead(t *testing.T) {
	const size = 2
	env := testenv.New(t, testenv.WithoutWorker(), slowKeys(), testenv.WithLooker(lookFunc(seen)))
	registry := prometheus.NewRegistry()
	work.WatchReadyKeys(registry, env.Store, env.Catalogue)
	if n := gauge(t, registry, "chancery_ready_keys", "RSA_2048"); n != 0 {
		t.Errorf("%v keys are ready before any was made", n)
	}
	counted, stop := makeAhead(env, size)
	awaitReadyKeys(t, env, size)
	time.Sleep(200 * time.Millisecond) // many pauses
	stop()
	if n := gauge(t, registry, "chancery_ready_keys", "RSA_2048"); n != size {
		t.Errorf("%v keys are ready", n)
	}
	if made := keysMade(t, counted.registry, "pool"); made != size {
		t.Errorf("%v keys were made", made)
	}

	env.Grant(single, 1)
	order := env.Apply(host)
	env.Clock.Advance(time.Second)
	counted, _ = makeAhead(env, size)
	env.Await(order, chancery.Issued)
	if made := keysMade(t, counted.registry, "order"); made != 0 {
		t.Errorf("after a restart %v keys were made for an order", made)
	}
	awaitReadyKeys(t, env, size)
}

// While steps wait that nobody has a hand free for, no key is made ahead.
func TestMakingKeysAheadStepsAside(t *testing.T) {
	g := newGate()
	env := testenv.New(t, testenv.WithoutWorker(), slowKeys(), testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding {
		g.pass()
		return chancery.Seen
	})))
	env.Grant(single, 1)
	env.Apply(host)
	env.SQL("UPDATE steps SET due_at = 1 WHERE kind = 'advance_order'") // before the others
	worker := env.NewWorker()
	worker.Parallel, worker.ReadyKeys, worker.KeyPause = 1, 1, time.Millisecond
	env.Run(worker)
	g.wait(t)
	time.Sleep(200 * time.Millisecond) // many pauses
	if n := readyKeys(env); n != 0 {
		t.Errorf("%d keys were made ahead", n)
	}
	close(g.open)
	awaitReadyKeys(t, env, 1)
}

// No key waits for longer than a month.
func TestOldReadyKeysAreForgotten(t *testing.T) {
	env := testenv.New(t)
	addReadyKey(t, env)
	env.Clock.Advance(29 * 24 * time.Hour)
	env.Settle()
	addReadyKey(t, env)
	if n := readyKeys(env); n != 2 {
		t.Errorf("%d keys are ready after 29 days", n)
	}
	env.Clock.Advance(25 * time.Hour) // after a jump the first sweep removes nothing
	env.Settle()
	env.Clock.Advance(15 * time.Minute)
	env.Settle()
	if n := readyKeys(env); n != 1 {
		t.Errorf("%d keys are ready after 30 days", n)
	}
}

// addReadyKey makes a key ahead, and gives it as PEM.
func addReadyKey(t *testing.T, env *testenv.Env) string {
	t.Helper()
	signer, err := chancery.GenerateKey(chancery.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	key := chancery.ReadyKey{ID: chancery.NewID(), Algorithm: chancery.RSA2048, CreatedAt: env.Clock.Now()}
	if key.Key, err = chancery.KeyPEM(signer); err != nil {
		t.Fatal(err)
	}
	env.Write(func(tx chancery.Tx) error { return tx.AddReadyKey(key) })
	return string(key.Key.Reveal())
}

// makeAhead runs a worker that keeps so many keys ready.
func makeAhead(env *testenv.Env, size int) (counted steps, stop func()) {
	worker := env.NewWorker()
	worker.ReadyKeys, worker.KeyPause = size, 5*time.Millisecond
	counted = countSteps(worker)
	return counted, env.Run(worker)
}

func readyKeys(env *testenv.Env) int64 { return env.Count("SELECT COUNT(*) FROM ready_keys") }

func awaitReadyKeys(t *testing.T, env *testenv.Env, n int64) {
	t.Helper()
	for began := time.Now(); readyKeys(env) != n; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("%d keys are ready, not %d", readyKeys(env), n)
		}
	}
}

func keysMade(t *testing.T, registry *prometheus.Registry, purpose string) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if labels := metric.GetLabel(); family.GetName() == "chancery_keys_made_total" && labels[1].GetValue() == purpose {
				n += metric.GetCounter().GetValue()
			}
		}
	}
	return n
}
