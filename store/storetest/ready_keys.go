package storetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"

	"chancery"
)

var readyKeys = []promise{
	{"a ready key is taken once, the oldest of its algorithm first", func(t *testing.T, s chancery.Store) {
		young, old, other := readyKey(9), readyKey(1), readyKey(0)
		other.Algorithm = chancery.RSA4096
		addReadyKeys(t, s, young, old, other)
		refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddReadyKey(old) })
		same(t, "the ready keys", countReadyKeys(t, s), map[chancery.KeyAlgorithm]int64{chancery.RSA2048: 2, chancery.RSA4096: 1})
		same(t, "the first", takeReadyKey(t, s), old)
		same(t, "the second", takeReadyKey(t, s), young)
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error {
			_, err := tx.TakeReadyKey(chancery.RSA2048)
			return err
		})
		same(t, "the ready keys", countReadyKeys(t, s), map[chancery.KeyAlgorithm]int64{chancery.RSA4096: 1})
	}},
	{"a key that was taken by a write that failed is there again", func(t *testing.T, s chancery.Store) {
		key := readyKey(1)
		addReadyKeys(t, s, key)
		refused(t, s, errUndo, func(tx chancery.Tx) error {
			_, err := tx.TakeReadyKey(chancery.RSA2048)
			return errors.Join(err, errUndo)
		})
		same(t, "the key", takeReadyKey(t, s), key)
	}},
	{"of many that take keys at once each gets another", everyKeyIsTakenOnce},
	{"a key that does not open in its row is passed over", func(t *testing.T, s chancery.Store) {
		tamperer, ok := s.(Tamperer)
		if !ok {
			t.Skip("the engine cannot be tampered with")
		}
		first, second, third := readyKey(1), readyKey(2), readyKey(3)
		addReadyKeys(t, s, first, second, third)
		move := fmt.Sprintf("UPDATE ready_keys SET key = (SELECT key FROM ready_keys WHERE id = %d) WHERE id = %d", second.ID, first.ID)
		if err := tamperer.Tamper(move); err != nil {
			t.Fatal(err)
		}
		same(t, "the first that opens", takeReadyKey(t, s), second)
		same(t, "the next", takeReadyKey(t, s), third)
		same(t, "what is left", countReadyKeys(t, s), nil)
	}},
	{"old keys are forgotten", func(t *testing.T, s chancery.Store) {
		old, young := readyKey(1), readyKey(2)
		addReadyKeys(t, s, old, young)
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetReadyKeys(at(2)) })
		same(t, "what is left", takeReadyKey(t, s), young)
		same(t, "how many", countReadyKeys(t, s), nil)
	}},
}

// readyKey is a key that was never used. The store takes it for what it is told, so it
// is one that takes no time to make.
func readyKey(minute int) chancery.ReadyKey {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	text, err := chancery.KeyPEM(signer)
	if err != nil {
		panic(err)
	}
	return chancery.ReadyKey{ID: chancery.NewID(), Algorithm: chancery.RSA2048, Key: text, CreatedAt: at(minute)}
}

func addReadyKeys(t *testing.T, s chancery.Store, keys ...chancery.ReadyKey) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) (err error) {
		for _, key := range keys {
			err = errors.Join(err, tx.AddReadyKey(key))
		}
		return err
	})
}

func takeReadyKey(t *testing.T, s chancery.Store) (key chancery.ReadyKey) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) (err error) {
		key, err = tx.TakeReadyKey(chancery.RSA2048)
		return err
	})
	return key
}

func countReadyKeys(t *testing.T, s chancery.Store) map[chancery.KeyAlgorithm]int64 {
	t.Helper()
	return answer(t, s, chancery.Tx.CountReadyKeys)
}

// everyKeyIsTakenOnce takes as orders of several accounts do, each by a Write that keeps
// to its account, of which every third fails.
func everyKeyIsTakenOnce(t *testing.T, s chancery.Store) {
	const count, takers = 60, 8
	want := map[int64]int{}
	for i := range count {
		key := readyKey(i)
		want[key.ID] = 1
		addReadyKeys(t, s, key)
	}
	var mu sync.Mutex
	taken := map[int64]int{}
	errs := atOnce(takers, func(taker int) error {
		ctx := chancery.Confine(context.Background(), chancery.AccountID(1000000000000000+taker%4))
		for call := 1; ; call++ {
			var key chancery.ReadyKey
			err := s.Write(ctx, func(tx chancery.Tx) (err error) {
				if key, err = tx.TakeReadyKey(chancery.RSA2048); err == nil && call%3 == 0 {
					err = errUndo
				}
				return err
			})
			switch {
			case err == nil:
				mu.Lock()
				taken[key.ID]++
				mu.Unlock()
			case !errors.Is(err, errUndo):
				return err
			}
		}
	})
	succeeded(t, errs, chancery.ErrNotFound)
	// Who came last may have found nothing while another held a key that it gave back.
	for countReadyKeys(t, s)[chancery.RSA2048] > 0 {
		taken[takeReadyKey(t, s).ID]++
	}
	same(t, "how often each key was taken", taken, want)
}
