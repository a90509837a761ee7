package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"chancery"
	"chancery/internal/pgtest"
	"chancery/store/storetest"
)

// node is a store on PostgreSQL, and its database.
type node struct {
	*Store
	url string
}

// migrated is a database with the schema and a keyset, which tests get copies of.
var migrated = sync.OnceValue(func() error {
	const name = "migrated"
	server := pgtest.Running()
	if err := server.Create(name); err != nil {
		return err
	}
	s, err := OpenPostgres(ctx, server.URL(name))
	if err != nil {
		return err
	}
	return errors.Join(unlock(s, 1), s.Close())
})

// emptyTables leaves a database as it was migrated.
const emptyTables = `DO $$ DECLARE one TEXT; BEGIN
	SET LOCAL session_replication_role = replica; -- references are not looked at
	FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('keysets', 'sealing_keys', 'goose_db_version')
	LOOP EXECUTE format('DELETE FROM %I', one); END LOOP;
END $$`

// newNode opens an empty store on PostgreSQL that is closed when the test ends.
func newNode(t testing.TB) *node {
	t.Helper()
	server := pgtest.Need(t)
	if err := migrated(); err != nil {
		t.Fatal(err)
	}
	return join(t, server.Lend(t, "migrated", emptyTables))
}

// join opens a further node on a database.
func join(t testing.TB, url string) *node {
	t.Helper()
	s, err := OpenPostgres(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := unlock(s, 1); err != nil {
		t.Fatal(err)
	}
	return &node{s, url}
}

// Tamper implements storetest.Tamperer.
func (n *node) Tamper(statement string) error {
	db, err := sql.Open("pgx", n.url)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// Audit implements storetest.Auditor.
func (n *node) Audit(ctx context.Context) error { return audit(ctx, n.Store) }

// twoNodes is one store as a load balancer makes it of two: each call goes to the
// other one.
type twoNodes struct {
	*node
	other *node
	calls atomic.Int64
	// account is what all writes keep to; 0 leaves them as they are.
	account chancery.AccountID
}

func (n *twoNodes) next() *node {
	if n.calls.Add(1)%2 == 0 {
		return n.other
	}
	return n.node
}

func (n *twoNodes) Read(ctx context.Context, fn func(chancery.Tx) error) error {
	return n.next().Read(ctx, fn)
}

func (n *twoNodes) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	if n.account != 0 {
		ctx = chancery.Confine(ctx, n.account)
	}
	return n.next().Write(ctx, fn)
}

// Every other promise is shown with writes that all keep to one account, which share
// commits, the rest with writes as they come.
func TestContractOnPostgres(t *testing.T) {
	pgtest.Need(t)
	var promises atomic.Int64
	storetest.Run(t, func(t *testing.T) chancery.Store {
		one := newNode(t)
		two := &twoNodes{node: one, other: join(t, one.url)}
		if promises.Add(1)%2 == 0 && !strings.Contains(t.Name(), "keep_to_an_account") {
			two.account = 1234567890123456
		}
		return two
	})
}

func TestNodesThatStartAtOnceMigrateOnce(t *testing.T) {
	url := pgtest.Need(t).Database(t)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			s, err := OpenPostgres(ctx, url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(unlock(s, 1), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := join(t, url)
	var files, rows int
	if err := n.reads.QueryRow("SELECT COUNT(DISTINCT version_id), COUNT(*) FROM goose_db_version WHERE version_id > 0").Scan(&files, &rows); err != nil {
		t.Fatal(err)
	}
	if files == 0 || rows != files {
		t.Errorf("%d migrations were run %d times", files, rows)
	}
}

func TestPostgresRefusesWhatItMust(t *testing.T) {
	n := join(t, pgtest.Need(t).Database(t))
	t.Run("another key", func(t *testing.T) {
		s, err := OpenPostgres(ctx, n.url)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := unlock(s, 2); err == nil {
			t.Error("a node with another key-encryption key joined")
		}
	})
	t.Run("a newer schema", func(t *testing.T) {
		if err := n.Tamper("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"); err != nil {
			t.Fatal(err)
		}
		if s, err := OpenPostgres(ctx, n.url); !errors.Is(err, ErrNewerSchema) {
			t.Errorf("OpenPostgres gave %v, %v", s, err)
		}
	})
	t.Run("a URL that is none, without showing it", func(t *testing.T) {
		_, err := OpenPostgres(ctx, "postgres://me:secret@host:port/x")
		if err == nil || fmt.Sprint(err) != "the database's URL is not of the form postgres://user:password@host:port/name" {
			t.Errorf("OpenPostgres gave %v", err)
		}
	})
}

// add is a write that keeps to its account.
func add(s *Store, id chancery.AccountID) error {
	return s.Write(chancery.Confine(ctx, id), func(tx chancery.Tx) error {
		return tx.AddAccount(chancery.Account{ID: id})
	})
}

// away fails the test unless err says, soon enough, that the database is away.
func away(t *testing.T, what string, began time.Time, err error) {
	t.Helper()
	var failure *chancery.Error
	if !errors.As(err, &failure) || failure.Code != chancery.ServiceUnavailable || failure.RetryAfter == 0 || !errors.Is(err, chancery.ErrStoreAway) {
		t.Errorf("%s gave %v", what, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%s took %v", what, took)
	}
}

func TestTheDatabaseIsKilledAndComesBack(t *testing.T) {
	server := pgtest.Own(t)
	n := join(t, server.URL("postgres"))
	if err := add(n.Store, 1); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			began := time.Now()
			away(t, "a write", began, add(n.Store, chancery.AccountID(2+i%3)))
			began = time.Now()
			away(t, "a read", began, n.Read(ctx, func(tx chancery.Tx) error { _, err := tx.Accounts(); return err }))
		})
	}
	all.Wait()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if err := add(n.Store, 5); err != nil {
		t.Errorf("after it came back: %v", err)
	}
	if err := add(n.Store, 1); err == nil {
		t.Error("what was committed before is gone")
	}
}

// Connections that the database ends under way are made anew, and what ran on them is
// run again.
func TestConnectionsAreTerminated(t *testing.T) {
	server := pgtest.Own(t)
	n := join(t, server.URL("postgres"))
	done := make(chan struct{})
	var terminator sync.WaitGroup
	terminator.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				_ = n.Tamper("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chancery'")
			}
		}
	})
	const writers, each = 8, 50
	var kept atomic.Int64
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for j := range each {
				id := chancery.AccountID(1000*(i+1) + j)
				switch err := add(n.Store, id); {
				case err == nil:
					kept.Add(1)
				case !errors.Is(err, chancery.ErrStoreAway):
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	close(done)
	terminator.Wait()
	var stored int64
	err := n.Read(ctx, func(tx chancery.Tx) error {
		accounts, err := tx.Accounts()
		stored = int64(len(accounts))
		return err
	})
	if err != nil || stored < kept.Load() || kept.Load() < writers*each/2 {
		t.Errorf("%d writes were acknowledged, %d are stored, %v", kept.Load(), stored, err)
	}
	if err := n.Audit(ctx); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerThatDoesNotComeIsNotAwaited(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	began := time.Now()
	err := n.Read(ctx, func(some chancery.Tx) error {
		_, err := some.(*tx).exec.ExecContext(ctx, "SELECT pg_sleep(20)")
		return err
	})
	away(t, "a read", began, err)
}

// Each answer of the database comes soon enough, and all of them together do not.
func TestWhoeverIsInAHurryIsAnswered(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	slowly := func(some chancery.Tx) error {
		tx := some.(*tx)
		for range 20 {
			if _, err := tx.exec.ExecContext(tx.ctx, "SELECT pg_sleep(0.3)"); err != nil {
				return err
			}
		}
		return nil
	}
	hurry := func() context.Context { return chancery.Hurry(ctx, time.Second) }
	var all sync.WaitGroup
	for range 8 { // they share a transaction
		all.Go(func() {
			began := time.Now()
			away(t, "a write of an account", began, n.Write(chancery.Confine(hurry(), 7), func(tx chancery.Tx) error {
				return errors.Join(tx.AddAccount(chancery.Account{ID: 7}), slowly(tx))
			}))
		})
	}
	for what, call := range map[string]func(context.Context, func(chancery.Tx) error) error{"a read": n.Read, "a write alone": n.Write} {
		all.Go(func() {
			began, hurried := time.Now(), hurry()
			away(t, what, began, call(hurried, slowly))
			again := time.Now()
			if away(t, what+" after it", again, call(hurried, slowly)); time.Since(again) > time.Second {
				t.Errorf("%s had no time left and took %v", what, time.Since(again))
			}
		})
	}
	all.Wait()
	if err := add(n.Store, 7); err != nil {
		t.Errorf("something was left: %v", err)
	}
}

// A group that lost its connection is tried one by one: whoever is in a hurry does not
// wait then for those that have time.
func TestWhoeverIsInAHurryIsTriedFirst(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	account := chancery.Confine(ctx, 7)
	held, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := n.Write(account, func(chancery.Tx) error { close(held); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	queues := &n.backend.(*postgres).queues
	queued := func(want int) {
		for waiting := 0; waiting < want; time.Sleep(time.Millisecond) {
			queues.mu.Lock()
			waiting = len(queues.waiting[7])
			queues.mu.Unlock()
		}
	}
	var lost atomic.Bool
	all.Go(func() {
		err := n.Write(account, func(some chancery.Tx) error {
			if !lost.Swap(true) {
				return &pgconn.PgError{Code: "57P01"}
			}
			tx := some.(*tx)
			_, err := tx.exec.ExecContext(tx.ctx, "SELECT pg_sleep(3)")
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	queued(1)
	all.Go(func() {
		began := time.Now()
		if err := n.Write(chancery.Hurry(account, 2*time.Second), func(chancery.Tx) error { return nil }); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	queued(2)
	close(release)
	all.Wait()
}

// What a write of a group says may fail as late as at the commit that they share; the
// others are committed all the same.
func TestAGroupSurvivesAStatementThatFailsAtItsCommit(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	account := chancery.Confine(ctx, 7)
	held, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	write := func(fails bool, fn func(some chancery.Tx) error) {
		all.Go(func() {
			if err := n.Write(account, fn); fails != (err != nil) || errors.Is(err, chancery.ErrStoreAway) {
				t.Errorf("a write gave %v", err)
			}
		})
	}
	write(false, func(chancery.Tx) error { close(held); <-release; return nil })
	<-held
	say := func(text string) func(chancery.Tx) error {
		return func(some chancery.Tx) error {
			tx := some.(*tx)
			_, err := tx.exec.ExecContext(tx.ctx, text)
			return err
		}
	}
	queues := &n.backend.(*postgres).queues
	for i, id := range []string{"7", "NULL", "8"} {
		write(id == "NULL", say("INSERT INTO accounts (id, name, created_at) VALUES ("+id+", '', 0)"))
		for waiting := 0; waiting <= i; time.Sleep(time.Millisecond) {
			queues.mu.Lock()
			waiting = len(queues.waiting[7])
			queues.mu.Unlock()
		}
	}
	close(release)
	all.Wait()
	var stored int
	if err := n.reads.QueryRow("SELECT COUNT(*) FROM accounts").Scan(&stored); err != nil || stored != 2 {
		t.Errorf("%d of 2 are stored, %v", stored, err)
	}
}

// A node that was stopped while it held an account's lock is taken out of the way.
func TestATransactionThatSaysNothingIsEnded(t *testing.T) {
	t.Parallel()
	one := newNode(t)
	other := join(t, one.url)
	held, release := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- one.Write(chancery.Confine(ctx, 7), func(tx chancery.Tx) error {
			close(held)
			<-release
			return tx.AddAccount(chancery.Account{ID: 7})
		})
	}()
	<-held
	began := time.Now()
	for add(other.Store, 8) != nil { // it is beside the point
	}
	for other.Write(chancery.Confine(ctx, 7), func(chancery.Tx) error { return nil }) != nil {
		if time.Since(began) > 3*holdTime {
			t.Fatal("the other node waits for ever")
		}
	}
	close(release)
	if err := <-first; !errors.Is(err, chancery.ErrStoreAway) {
		t.Errorf("the first node's late write gave %v", err)
	}
	if err := add(other.Store, 7); err != nil {
		t.Errorf("the first node's late write left something: %v", err)
	}
}

// Steps are claimed beside what holds some of them, and no step is claimed twice.
func TestClaimsWaitForNobody(t *testing.T) {
	one := newNode(t)
	other := join(t, one.url)
	now := time.Now()
	if err := one.Write(ctx, func(tx chancery.Tx) error {
		for order := range 20 {
			if err := tx.AddStep(chancery.Step{Kind: chancery.AdvanceOrder, AccountID: 1, OrderID: chancery.OrderID(order), DueAt: now}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	claim := func(n *node, within func(claimed []chancery.Step)) {
		err := n.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error {
			steps, err := tx.ClaimSteps(now, time.Minute, 10)
			within(steps)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	claim(one, func(first []chancery.Step) {
		claim(other, func(second []chancery.Step) { // while the first claim is not committed
			if len(first) != 10 || len(second) != 10 {
				t.Errorf("%d steps were claimed, then %d", len(first), len(second))
			}
		})
	})
	claim(one, func(none []chancery.Step) {
		if len(none) != 0 {
			t.Errorf("%d steps were claimed a second time", len(none))
		}
	})
}

// Two nodes that take a ready key at once get different ones, and neither waits.
func TestTakersOfReadyKeysWaitForNobody(t *testing.T) {
	one := newNode(t)
	other := join(t, one.url)
	secret := chancery.NewSecret([]byte("a key"))
	if err := one.Write(ctx, func(tx chancery.Tx) error {
		return errors.Join(
			tx.AddReadyKey(chancery.ReadyKey{ID: 1, Algorithm: chancery.RSA2048, Key: secret}),
			tx.AddReadyKey(chancery.ReadyKey{ID: 2, Algorithm: chancery.RSA2048, Key: secret}),
		)
	}); err != nil {
		t.Fatal(err)
	}
	take := func(n *node, account chancery.AccountID, within func(taken int64)) {
		err := n.Write(chancery.Confine(ctx, account), func(tx chancery.Tx) error {
			key, err := tx.TakeReadyKey(chancery.RSA2048)
			within(key.ID)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	take(one, 1234567890123456, func(first int64) {
		take(other, 1234567890123457, func(second int64) { // while the first is not committed
			if first != 1 || second != 2 {
				t.Errorf("the first got %d, the second %d", first, second)
			}
		})
	})
}

// The doctor's queries are the same text on both engines, and mean the same.
func TestTheDoctorOnPostgres(t *testing.T) {
	n := join(t, pgtest.Need(t).Database(t))
	estate := storetest.Furnish(t, n)
	report, err := n.Examine(ctx)
	if want := len(invariants) + len(n.backend.checks()) + len(sealedColumns) + 9; err != nil || len(report.Problems) > 0 || report.Checks != want {
		t.Fatalf("the doctor says %+v, %v", report, err)
	}
	for _, spoil := range []string{
		"UPDATE plans SET used = used + 1",
		"DELETE FROM validations",
		"DELETE FROM audit WHERE seq = 1",
		"UPDATE list_texts SET text = upper(text)",
		fmt.Sprintf("UPDATE access_keys SET account_id = account_id, secret = 'x' WHERE id = '%s'", estate.AccessKey.ID),
	} {
		before := len(report.Problems)
		if err := n.Tamper(spoil); err != nil {
			t.Fatal(err)
		}
		if report, err = n.Examine(ctx); err != nil || len(report.Problems) <= before {
			t.Errorf("after %s the doctor says %+v, %v", spoil, report.Problems, err)
		}
	}
}
