package work_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// Every key algorithm that a product may name ends in a key of that kind, in the
// PEM form that clients of the API know.
func TestKeysOfAllAlgorithms(t *testing.T) {
	algorithms := map[chancery.KeyAlgorithm]string{
		chancery.RSA2048: "RSA PRIVATE KEY", chancery.RSA3072: "RSA PRIVATE KEY", chancery.RSA4096: "RSA PRIVATE KEY",
		chancery.ECC256: "EC PRIVATE KEY", chancery.ECC384: "EC PRIVATE KEY",
	}
	bits := map[chancery.KeyAlgorithm]int{
		chancery.RSA2048: 2048, chancery.RSA3072: 3072, chancery.RSA4096: 4096, chancery.ECC256: 256, chancery.ECC384: 384,
	}
	var products []chancery.Product
	for _, algorithm := range chancery.KeyAlgorithms {
		products = append(products, chancery.Product{Code: string(algorithm), Level: chancery.DV, LifetimeDays: 90, KeyAlgorithm: algorithm, Issuer: "local"})
	}
	env := testenv.New(t, testenv.WithLooker(lookFunc(seen)), testenv.WithProducts(products...))
	for _, product := range products {
		if product.KeyAlgorithm == chancery.RSA4096 && testing.Short() {
			continue
		}
		env.Grant(product.Code, 1)
		order := env.Apply("www.example.test", func(in *cas.CreateCertificateRequestInput) { in.ProductCode = product.Code })
		env.Clock.Advance(time.Second)
		env.Await(order, chancery.Issued)
		state := env.State(order)
		if !strings.HasPrefix(state.PrivateKey, "-----BEGIN "+algorithms[product.KeyAlgorithm]+"-----\n") {
			t.Errorf("%s: the key is not %s", product.Code, algorithms[product.KeyAlgorithm])
		}
		pair, err := tls.X509KeyPair([]byte(state.Certificate), []byte(state.PrivateKey))
		if err != nil {
			t.Errorf("%s: %v", product.Code, err)
			continue
		}
		size := 0
		switch key := pair.PrivateKey.(type) {
		case *rsa.PrivateKey:
			size = key.N.BitLen()
		case *ecdsa.PrivateKey:
			size = key.Curve.Params().BitSize
		}
		if size != bits[product.KeyAlgorithm] {
			t.Errorf("%s: the key is a %T of %d bits", product.Code, pair.PrivateKey, size)
		}
	}
}

// preparedKey is the key that waits with an order.
func preparedKey(env *testenv.Env, order int64) (key chancery.OrderKey) {
	env.Read(func(tx chancery.Tx) (err error) {
		key, err = tx.OrderKey(env.Account, chancery.OrderID(order))
		return err
	})
	return key
}

// slowKeys are products whose keys take long to make.
func slowKeys() testenv.Option { return testenv.WithProducts(chancery.DefaultCatalogue()...) }

// The key is made while the applicant publishes the proof, and is the one that the
// certificate carries; its first place is then empty.
func TestPreparedKeyIsUsed(t *testing.T) {
	env := testenv.New(t, slowKeys())
	env.Grant(single, 1)
	order := env.Apply(host)
	env.Settle()
	prepared := string(preparedKey(env, order).Key.Reveal())
	if prepared == "" {
		t.Fatal("no key waits")
	}
	env.Publish(order)
	env.Clock.Advance(time.Second)
	env.Await(order, chancery.Issued)
	if env.State(order).PrivateKey != prepared {
		t.Error("the certificate has another key than the one prepared")
	}
	if rows(env, "order_keys", order) != 0 {
		t.Error("the prepared key still stands in its first place")
	}
}

// The proof may be seen before the key is ready: it is then made on the spot.
func TestKeyIsMadeWhenItIsNeeded(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), slowKeys(), testenv.WithLooker(lookFunc(seen)))
	order := proved(env)
	env.SQL("UPDATE steps SET due_at = due_at + 3600000 WHERE kind = 'prepare_key'")
	env.Run(env.NewWorker())
	env.Await(order, chancery.Issued)
	if env.State(order).PrivateKey == "" {
		t.Error("there is no key")
	}
	if n := rows(env, "steps", order); n != 0 {
		t.Errorf("%d steps are left", n)
	}
}

// A key that takes next to no time is made when the proof was seen, and stored with
// that: whatever becomes of the process, it is the key that the issuer is shown.
func TestQuickKeyIsStoredWithTheProof(t *testing.T) {
	g := newGate()
	var ca *someCA
	env := testenv.New(t, testenv.WithLooker(lookFunc(seen)), withIssuer(func(call int, request chancery.IssueRequest) (chancery.Chain, error) {
		if request.First != (call == 1) {
			t.Errorf("call %d: First is %v", call, request.First)
		}
		if call == 1 {
			g.pass()
			return nil, errors.New("the issuer is away")
		}
		return ca.issue(request, nil), nil
	}))
	ca = newCA(t, env.Clock.Now)
	order := proved(env)
	g.wait(t)
	stored := string(preparedKey(env, order).Key.Reveal())
	if stored == "" {
		t.Error("no key is stored while the issuer is asked")
	}
	close(g.open)
	env.Settle()
	env.Clock.Advance(time.Minute)
	env.Await(order, chancery.Issued)
	if env.State(order).PrivateKey != stored {
		t.Error("the certificate has another key than the one stored first")
	}
	if rows(env, "order_keys", order) != 0 {
		t.Error("the key still stands in its first place")
	}
}

// The key step may run twice, and late: there is one key, and none for an order
// that is over.
func TestKeyStepRunsTwice(t *testing.T) {
	env := testenv.New(t, slowKeys())
	env.Grant(single, 2)
	order := env.Apply(host)
	env.Settle()
	first := string(preparedKey(env, order).Key.Reveal())
	again := func() {
		env.Write(func(tx chancery.Tx) error {
			return tx.AddStep(chancery.Step{
				Kind: chancery.PrepareKey, AccountID: env.Account, OrderID: chancery.OrderID(order), DueAt: env.Clock.Now(),
			})
		})
		env.Clock.Advance(0) // wakes the worker
		env.Settle()
	}
	again()
	if string(preparedKey(env, order).Key.Reveal()) != first {
		t.Error("the second run replaced the key")
	}
	withdraw(t, env, order)
	again()
	if rows(env, "order_keys", order) != 0 {
		t.Error("a withdrawn order got a key")
	}
}

// beforeWrite runs a function before the n-th write of the worker.
type beforeWrite struct {
	chancery.Store
	n  atomic.Int64
	do func()
}

func (s *beforeWrite) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	if s.n.Add(-1) == 0 {
		s.do()
	}
	return s.Store.Write(ctx, fn)
}

// An order that is withdrawn while its key is taken or made gets none, which nobody
// would remove.
func TestWithdrawnWhileTheKeyIsMade(t *testing.T) {
	for write, ready := range map[int64]int64{4: 1, 5: 0} { // two heed the clock, the third is the claim, the fourth looks for a ready key
		env := testenv.New(t, testenv.WithoutWorker(), slowKeys())
		env.Grant(single, 1)
		order := env.Apply(host)
		env.SQL("DELETE FROM steps WHERE order_id = 0")
		for range ready {
			addReadyKey(t, env)
		}
		store := &beforeWrite{Store: env.Store, do: func() { withdraw(t, env, order) }}
		store.n.Store(write)
		worker := env.NewWorker()
		worker.Store = store
		outcomes := countSteps(worker)
		stop := env.Run(worker)
		env.Settle()
		stop()
		if n := rows(env, "order_keys", order) + rows(env, "steps", order); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		if n := outcomes.count(t, chancery.PrepareKey, "overtaken"); n != 1 {
			t.Errorf("%d steps were overtaken", n)
		}
		if n := readyKeys(env); n != ready {
			t.Errorf("%d keys are ready", n)
		}
	}
}
