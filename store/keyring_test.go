package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/internal/pgtest"
	"chancery/keyring"
	"chancery/store/storetest"
)

// own gives a database that no other test gets afterwards: its keyset changes.
func own(t *testing.T) *node {
	t.Helper()
	server := pgtest.Need(t)
	if err := migrated(); err != nil {
		t.Fatal(err)
	}
	return join(t, server.Copy(t, "migrated"))
}

// tampered is a store that a test can reach behind its back.
type tampered interface {
	storetest.Tamperer
	storetest.Auditor
}

// onBothEngines runs a test of one node.
func onBothEngines(t *testing.T, test func(*testing.T, *Store, tampered)) {
	t.Run("sqlite", func(t *testing.T) { e := newEngine(t); test(t, e.Store, e) })
	t.Run("postgres", func(t *testing.T) { n := own(t); test(t, n.Store, n) })
}

// resealSome is what the step does, for at most so many values.
func resealSome(t *testing.T, s *Store, most int) (resealed int) {
	t.Helper()
	for after := (chancery.SealedPlace{}); resealed < most; {
		var values []chancery.SealedValue
		err := s.Read(ctx, func(tx chancery.Tx) (err error) {
			values, err = tx.StaleSecrets(after, min(20, most-resealed))
			return err
		})
		if err == nil && len(values) > 0 {
			err = s.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) (err error) {
				for _, value := range values {
					err = errors.Join(err, tx.Reseal(value))
				}
				return err
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(values) == 0 {
			break
		}
		after, resealed = values[len(values)-1].Place, resealed+len(values)
	}
	return resealed
}

// resealAll ends the step, too.
func resealAll(t *testing.T, s *Store) (resealed int) {
	t.Helper()
	resealed = resealSome(t, s, 1_000_000)
	err := s.Write(ctx, func(tx chancery.Tx) error {
		steps, err := tx.ClaimSteps(time.Now(), time.Minute, 1000)
		for _, step := range steps {
			if step.Kind == chancery.Reseal {
				err = errors.Join(err, tx.FinishStep(step))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return resealed
}

func rotate(t *testing.T, s *Store) (fresh chancery.SealingKey, dropped []chancery.SealingKey) {
	t.Helper()
	fresh, dropped, err := s.RotateKeyring(ctx, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return fresh, dropped
}

// age makes old keys older than they are.
func age(t *testing.T, s storetest.Tamperer) {
	t.Helper()
	if err := s.Tamper("UPDATE sealing_keys SET retired_at = retired_at - 600000 WHERE retired_at > 0"); err != nil {
		t.Fatal(err)
	}
}

// counted gives how many values are sealed with each key, the oldest first.
func counted(t *testing.T, s *Store) (values []int64) {
	t.Helper()
	status, err := s.Keyring(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range status.Keys {
		values = append(values, key.Values)
	}
	if status.Unknown != 0 {
		t.Errorf("%d values are sealed with no key of the keyset", status.Unknown)
	}
	return values
}

func clean(t *testing.T, s storetest.Auditor) {
	t.Helper()
	if err := s.Audit(ctx); err != nil {
		t.Error(err)
	}
}

func TestRotation(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *Store, behind tampered) {
		storetest.Furnish(t, s)
		first := s.keyring.held().Keys()[0]
		before := counted(t, s)
		if len(before) != 1 || before[0] < 8 {
			t.Fatalf("before it, values by key are %v", before)
		}
		second, dropped := rotate(t, s)
		if second == first || len(dropped) != 0 {
			t.Fatalf("it made %s after %s and dropped %v", second, first, dropped)
		}
		if _, _, err := s.RotateKeyring(ctx, time.Now()); !errors.Is(err, ErrResealing) {
			t.Errorf("a rotation during the step: %v", err)
		}
		storetest.Furnish(t, s) // with the second key
		clean(t, behind)
		if got := counted(t, s); len(got) != 2 || got[0] != before[0] || got[1] < 8 {
			t.Fatalf("after it, values by key are %v", got)
		}
		if resealed := resealAll(t, s); int64(resealed) != before[0] {
			t.Errorf("%d values were sealed anew, of %d", resealed, before[0])
		}
		clean(t, behind)
		if got := counted(t, s); len(got) != 2 || got[0] != 0 {
			t.Errorf("after the step, values by key are %v", got)
		}
		// The first key was retired just now: somebody may still seal with it.
		third, dropped := rotate(t, s)
		if len(dropped) != 0 {
			t.Errorf("a key that was just retired is dropped")
		}
		resealAll(t, s)
		age(t, behind)
		fourth, dropped := rotate(t, s)
		if len(dropped) != 2 || len(s.keyring.held().Keys()) != 2 {
			t.Errorf("%s follows %s, dropping %v", fourth, third, dropped)
		}
		resealAll(t, s)
		clean(t, behind)
	})
}

// TestAKeyWithValuesStays: an old key is dropped only when nothing is sealed with it.
func TestAKeyWithValuesStays(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *Store, behind tampered) {
		storetest.Furnish(t, s)
		rotate(t, s)
		resealSome(t, s, 4)
		if err := behind.Tamper("DELETE FROM steps WHERE kind = 'reseal'"); err != nil {
			t.Fatal(err)
		}
		age(t, behind)
		if _, dropped := rotate(t, s); len(dropped) != 0 {
			t.Errorf("%v is dropped with values", dropped)
		}
		clean(t, behind)
		resealAll(t, s)
		clean(t, behind)
	})
}

// TestAProcessEndsDuringTheStep: what a crash leaves opens, and the next process goes on.
func TestAProcessEndsDuringTheStep(t *testing.T) {
	e := newEngine(t)
	storetest.Furnish(t, e)
	before := counted(t, e.Store)[0]
	rotate(t, e.Store)
	resealSome(t, e.Store, 5)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = reopen(t, e.file)
	clean(t, e)
	if status, err := e.Keyring(ctx); err != nil || status.Resealing == nil {
		t.Errorf("the step is gone: %v", err)
	}
	if resealed := resealAll(t, e.Store); int64(resealed) != before-5 {
		t.Errorf("%d values were left, not %d", resealed, before-5)
	}
	clean(t, e)
}

// TestADamagedValueStays: the step passes over it, and its key stays in the keyset.
func TestADamagedValueStays(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *Store, behind tampered) {
		estate := storetest.Furnish(t, s)
		err := behind.Tamper(fmt.Sprintf("UPDATE sessions SET secret = (SELECT secret FROM access_keys WHERE id = '%s') WHERE access_key_id = '%s'",
			estate.AccessKey.ID, estate.Session.AccessKeyID))
		if err != nil {
			t.Fatal(err)
		}
		rotate(t, s)
		stale := staleSecrets(t, s)
		damaged := 0
		err = s.Write(ctx, func(tx chancery.Tx) (err error) {
			damaged = 0
			for _, value := range stale {
				if err := tx.Reseal(value); errors.Is(err, chancery.ErrDoesNotOpen) {
					damaged++
				} else if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || damaged != 1 {
			t.Errorf("%d values do not open: %v", damaged, err)
		}
		if got := counted(t, s); got[0] != 1 {
			t.Errorf("values by key are %v", got)
		}
	})
}

func staleSecrets(t *testing.T, s *Store) (stale []chancery.SealedValue) {
	t.Helper()
	err := s.Read(ctx, func(tx chancery.Tx) (err error) {
		stale, err = tx.StaleSecrets(chancery.SealedPlace{}, 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return stale
}

func addKey(t *testing.T, s *Store, account chancery.AccountID, during func()) chancery.AccessKey {
	t.Helper()
	key := chancery.NewAccessKey(account, time.Unix(1, 0))
	err := s.Write(chancery.Confine(ctx, account), func(tx chancery.Tx) error {
		if during != nil {
			during()
		}
		return tx.AddAccessKey(key)
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func opensOn(t *testing.T, s *Store, key chancery.AccessKey) {
	t.Helper()
	var found chancery.AccessKey
	err := s.Read(ctx, func(tx chancery.Tx) (err error) {
		found, err = tx.AccessKey(key.ID)
		return err
	})
	if err != nil || !bytes.Equal(found.Secret.Reveal(), key.Secret.Reveal()) {
		t.Errorf("the secret is not what was sealed: %v", err)
	}
}

// sealedWith is the key that an access key's secret is sealed with.
func sealedWith(t *testing.T, s *Store, key chancery.AccessKey) chancery.SealingKey {
	t.Helper()
	var sealed []byte
	if err := s.reads.QueryRow("SELECT secret FROM access_keys WHERE id = $1", key.ID).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	return chancery.SealedWith(sealed)
}

// TestAnotherNodeRotates: nodes that have not looked since read and write all the same.
func TestAnotherNodeRotates(t *testing.T) {
	one := own(t)
	reader, writer, frozen := join(t, one.url), join(t, one.url), join(t, one.url)
	estate := storetest.Furnish(t, one)
	first := one.keyring.held().Keys()[0]
	before := frozen.keyring.now.Load()
	second, _ := rotate(t, one.Store)

	sealed := addKey(t, one.Store, estate.Account, nil)
	opensOn(t, reader.Store, sealed)
	if got := sealedWith(t, one.Store, addKey(t, writer.Store, estate.Account, nil)); got != second {
		t.Errorf("a node that has not looked seals with %s, not %s", got, second)
	}
	// A node that stood still between taking its locks and sealing.
	late := addKey(t, frozen.Store, estate.Account, func() { frozen.keyring.now.Store(before) })
	if got := sealedWith(t, one.Store, late); got != first {
		t.Fatalf("the late value is sealed with %s, not %s", got, first)
	}
	for _, node := range []*node{one, reader, writer, frozen} {
		opensOn(t, node.Store, late)
	}
	resealAll(t, reader.Store)
	for _, node := range []*node{one, reader, writer, frozen} {
		opensOn(t, node.Store, late)
		opensOn(t, node.Store, estate.AccessKey)
		clean(t, node)
	}
	if got := counted(t, one.Store); got[0] != 0 {
		t.Errorf("values by key are %v", got)
	}
}

// TestANodeWakesUpWhenItsKeyIsDropped: it seals with none that others do not have.
func TestANodeWakesUpWhenItsKeyIsDropped(t *testing.T) {
	one := own(t)
	asleep, lost := join(t, one.url), join(t, one.url)
	estate := storetest.Furnish(t, one)
	opensOn(t, lost.Store, estate.AccessKey)
	rotate(t, one.Store)
	resealAll(t, one.Store)
	if err := one.RewrapKeyring(ctx, kek(2)); err != nil {
		t.Fatal(err)
	}
	age(t, one)
	newest, dropped := rotate(t, one.Store)
	if len(dropped) != 1 {
		t.Fatalf("%v is dropped", dropped)
	}
	resealAll(t, one.Store)

	asleep.keyring.keysets = keyring.Key(kek(2), "the test")
	late := addKey(t, asleep.Store, estate.Account, nil)
	if got := sealedWith(t, one.Store, late); got != newest {
		t.Errorf("it seals with %s, not %s", got, newest)
	}
	opensOn(t, one.Store, late)

	// One with the older key-encryption key cannot follow, and must not seal.
	err := lost.Write(chancery.Confine(ctx, estate.Account), func(tx chancery.Tx) error {
		return tx.AddAccessKey(chancery.NewAccessKey(estate.Account, time.Unix(1, 0)))
	})
	if !errors.Is(err, errOldKeyring) || !errors.Is(err, keyring.ErrWrongKey) {
		t.Errorf("a node that cannot follow writes: %v", err)
	}
	if err := lost.LearnKeyring(ctx); !errors.Is(err, keyring.ErrWrongKey) {
		t.Errorf("it looks: %v", err)
	}
	clean(t, one)
}

func kek(fill byte) chancery.Secret { return chancery.NewSecret(bytes.Repeat([]byte{fill}, 32)) }

func TestRewrap(t *testing.T) {
	one := own(t)
	other := join(t, one.url)
	estate := storetest.Furnish(t, one)
	if err := one.RewrapKeyring(ctx, kek(2)); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*node{one, other} { // they go on
		opensOn(t, node.Store, estate.AccessKey)
		opensOn(t, node.Store, addKey(t, node.Store, estate.Account, nil))
	}
	for fill, fits := range map[byte]bool{1: false, 2: true} {
		s, err := OpenPostgres(ctx, one.url)
		if err != nil {
			t.Fatal(err)
		}
		err = unlock(s, fill)
		if fits && err != nil || !fits && !errors.Is(err, keyring.ErrWrongKey) {
			t.Errorf("a start with key %d: %v", fill, err)
		}
		if err != nil && !strings.Contains(err.Error(), "CHANCERY_KEYRING_KEY") {
			t.Errorf("it does not say what to do: %v", err)
		}
		if fits {
			opensOn(t, s, estate.AccessKey)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	// A rotation by who has the new key: the other node reads what it has the key of.
	rotate(t, one.Store)
	late := addKey(t, other.Store, estate.Account, nil)
	opensOn(t, one.Store, late)
	resealAll(t, one.Store)
	clean(t, one)
}

// TestResealingBesideWriters: it changes nothing that others write meanwhile.
func TestResealingBesideWriters(t *testing.T) {
	run := func(t *testing.T, behind tampered, nodes ...*Store) {
		estate, another := storetest.Furnish(t, nodes[0]), storetest.Furnish(t, nodes[0])
		var writers sync.WaitGroup
		done := make(chan struct{})
		for i, account := range []chancery.AccountID{estate.Account, another.Account, estate.Account, another.Account} {
			s := nodes[i%len(nodes)]
			writers.Go(func() {
				for range 300 { // what is sealed grows no further
					select {
					case <-done:
						return
					case <-time.After(5 * time.Millisecond):
					}
					err := s.Write(chancery.Confine(ctx, account), func(tx chancery.Tx) error {
						err := tx.AddAccessKey(chancery.NewAccessKey(account, time.Unix(1, 0)))
						return errors.Join(err, tx.AppendAudit(chancery.AuditLine{AccountID: account, Principal: "p", Action: "a"}))
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range 6 {
			rotate(t, nodes[i%len(nodes)])
			resealAll(t, nodes[(i+1)%len(nodes)])
			age(t, behind)
		}
		close(done)
		writers.Wait()
		resealSome(t, nodes[0], 1_000_000)
		if got := counted(t, nodes[0]); len(got) > 3 {
			t.Errorf("no key was dropped: %v", got)
		}
		clean(t, behind)
	}
	t.Run("sqlite", func(t *testing.T) { e := newEngine(t); run(t, e, e.Store) })
	t.Run("postgres", func(t *testing.T) { n := own(t); run(t, n, n.Store, join(t, n.url).Store) })
}

// TestResealingWaitsForNoRow: it holds rows of many accounts, and would be waited for by
// whom it waits for.
func TestResealingWaitsForNoRow(t *testing.T) {
	one := own(t)
	other := join(t, one.url)
	storetest.Furnish(t, one)
	rotate(t, one.Store)
	stale := staleSecrets(t, one.Store)
	held, free := stale[0], stale[1]
	err := one.Write(chancery.Confine(ctx, held.AccountID), func(tx chancery.Tx) error {
		err := tx.Reseal(held)
		_, asked := tx.Account(held.AccountID) // what is asked for an answer takes all before it along
		return errors.Join(err, asked, other.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error {
			return errors.Join(tx.Reseal(free), tx.Reseal(held))
		}))
	})
	if err != nil {
		t.Error(err)
	}
	if left := staleSecrets(t, other.Store); len(left) != len(stale)-2 {
		t.Errorf("of %d values %d are left", len(stale), len(left))
	}
	clean(t, one)
}

// TestAnUnknownKeyIsAskedForOnce: a damaged value costs no look at each reading.
func TestAnUnknownKeyIsAskedForOnce(t *testing.T) {
	e := newEngine(t)
	sealed, err := e.keyring.held().Seal(kek(9), "a place")
	if err != nil {
		t.Fatal(err)
	}
	looks := 0
	look := func() error { looks++; return e.LearnKeyring(context.Background()) }
	held := bytes.Clone(sealed)
	held[len(held)-1] ^= 1
	unknown := bytes.Clone(sealed)
	unknown[2] ^= 1
	for range 100 {
		for _, damaged := range [][]byte{held, unknown, {}, {1, 2}} {
			if _, err := e.keyring.open(damaged, "a place", look); err == nil {
				t.Fatal("a damaged value opens")
			}
		}
	}
	if looks != 1 {
		t.Errorf("%d looks", looks)
	}
}

// TestRestoredDataNumbersItsCRLsHigher: those that were published, and those that the
// lost data may have begun.
func TestRestoredDataNumbersItsCRLsHigher(t *testing.T) {
	onBothEngines(t, func(t *testing.T, s *Store, behind tampered) {
		storetest.Furnish(t, s)
		var authority string
		var before chancery.CRL
		read := func(partition int64) (crl chancery.CRL) {
			t.Helper()
			err := s.Read(ctx, func(tx chancery.Tx) (err error) {
				authorities, err := tx.Authorities()
				if err == nil {
					authority = authorities[0].ID
					crl, err = tx.CRL(authority, partition)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return crl
		}
		before = read(0)
		if before.Number == 0 {
			t.Fatal("the estate has no CRL")
		}
		now := time.Now()
		if err := s.Restored(ctx, now); err != nil {
			t.Fatal(err)
		}
		after := read(0)
		if after.Number < now.Unix() || len(after.DER) > 0 || !after.ThisUpdate.Equal(before.ThisUpdate) {
			t.Errorf("CRL %d became %d with %d bytes", before.Number, after.Number, len(after.DER))
		}
		if err := s.Restored(ctx, now); err != nil { // twice in a second
			t.Fatal(err)
		}
		if again := read(0); again.Number != after.Number+1 {
			t.Errorf("a second restore gives %d after %d", again.Number, after.Number)
		}
		err := s.Write(ctx, func(tx chancery.Tx) error {
			return tx.AddIssuance(chancery.Issuance{Serial: "77", AuthorityID: authority, CRL: 5, ToBeSigned: []byte("x"), At: now, NotAfter: now.Add(time.Hour)})
		})
		if err != nil {
			t.Fatal(err)
		}
		if begun := read(5); begun.Number < now.Unix() {
			t.Errorf("a CRL that is begun after it has the number %d", begun.Number)
		}
		if at, err := s.RestoredAt(ctx); err != nil || at.Unix() != now.Unix() {
			t.Errorf("it was restored at %v: %v", at, err)
		}
		clean(t, behind)
	})
}
