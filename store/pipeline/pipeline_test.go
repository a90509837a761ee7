package pipeline

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"chancery/internal/pgtest"
)

func TestMain(m *testing.M) {
	status := m.Run()
	pgtest.Stop()
	os.Exit(status)
}

// line is the network to the database; it counts how often somebody asks and waits.
type line struct {
	asked atomic.Int64
	cut   atomic.Int64 // 1: before what is said next arrives; 2: once it has
	mu    sync.Mutex
	last  net.Conn
}

const (
	before = 1
	after  = 2
)

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = conn
	return &end{Conn: conn, line: l}, nil
}

// end is a connection as the node has it.
type end struct {
	net.Conn
	line *line
	deaf atomic.Bool
}

// Read implements net.Conn.
func (e *end) Read(text []byte) (int, error) {
	n, err := e.Conn.Read(text)
	if e.deaf.Load() {
		return 0, io.EOF
	}
	return n, err
}

// Write implements net.Conn: whatever is said goes by one of these.
func (e *end) Write(text []byte) (int, error) {
	e.line.asked.Add(1)
	switch e.line.cut.Swap(0) {
	case before:
		_ = e.Close()
		return len(text), nil
	case after:
		e.deaf.Store(true)
	}
	return e.Conn.Write(text)
}

// open gives an empty table `things (id, name)` over one connection, and a look at what is
// committed, past it.
func open(t *testing.T) (db *sql.DB, l *line, stored func() string) {
	t.Helper()
	url := pgtest.Need(t).Database(t)
	config, err := pgx.ParseConfig(url)
	must(t, err)
	l = &line{}
	config.DialFunc = l.dial
	db = OpenDB(*config)
	db.SetMaxOpenConns(1)
	plain, err := sql.Open("pgx", url)
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(db.Close(), plain.Close())) })
	_, err = plain.Exec("CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT NOT NULL, body BYTEA)")
	must(t, err)
	return db, l, func() string {
		var names string
		must(t, plain.QueryRow("SELECT COALESCE(string_agg(name, ' ' ORDER BY id), '') FROM things").Scan(&names))
		return names
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	must(t, err)
	return tx
}

const insert = "INSERT INTO things (id, name) VALUES ($1, $2)"

func add(t *testing.T, tx *sql.Tx, id int, name string) sql.Result {
	t.Helper()
	result, err := tx.Exec(insert, id, name)
	must(t, err)
	return result
}

// code is PostgreSQL's name of an error.
func code(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return fmt.Sprint(err)
}

const (
	duplicate = "23505"
	noTable   = "42P01"
)

func TestRoundTrips(t *testing.T) {
	db, l, stored := open(t)
	count := func(tx interface {
		QueryRow(query string, args ...any) *sql.Row
	}) (n int) {
		t.Helper()
		must(t, tx.QueryRow("SELECT COUNT(*) FROM things").Scan(&n))
		return n
	}
	next := 0
	several := func(tx *sql.Tx) {
		for range 3 {
			next++
			add(t, tx, next, fmt.Sprint(next))
		}
	}
	// Each statement is prepared the first time.
	for warm := range 2 {
		for _, try := range []struct {
			what  string
			trips int64
			run   func(tx *sql.Tx) error
		}{
			{"nothing", 0, func(tx *sql.Tx) error { return tx.Commit() }},
			{"nothing, undone", 0, func(tx *sql.Tx) error { return tx.Rollback() }},
			{"writes that nobody asks about", 1, func(tx *sql.Tx) error { several(tx); return tx.Commit() }},
			{"writes that are undone before they are sent", 0, func(tx *sql.Tx) error { several(tx); next -= 3; return tx.Rollback() }},
			{"a query among writes", 2, func(tx *sql.Tx) error {
				several(tx)
				if n := count(tx); n != next {
					t.Errorf("a query sees %d rows of %d", n, next)
				}
				several(tx)
				return tx.Commit()
			}},
			{"a result that is asked for", 2, func(tx *sql.Tx) error {
				several(tx)
				result, err := tx.Exec("UPDATE things SET name = name WHERE id <= $1", 2)
				if n, failed := result.RowsAffected(); n != 2 || errors.Join(err, failed) != nil {
					t.Errorf("%d rows are affected, %v, %v", n, err, failed)
				}
				if n, err := result.RowsAffected(); n != 2 || err != nil {
					t.Errorf("asked again it says %d, %v", n, err)
				}
				return tx.Commit()
			}},
			{"a query that is undone", 2, func(tx *sql.Tx) error { count(tx); return tx.Rollback() }},
		} {
			tx := begin(t, db)
			asked := l.asked.Load()
			must(t, try.run(tx))
			if took := l.asked.Load() - asked; warm == 1 && took != try.trips {
				t.Errorf("%s: %d round trips, not %d", try.what, took, try.trips)
			}
		}
	}
	if got := len(strings.Fields(stored())); got != next || count(db) != next {
		t.Errorf("%d rows are stored, not %d", got, next)
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	db, l, stored := open(t)
	tx := begin(t, db)
	for i := range 10 * most {
		add(t, tx, i, "x")
	}
	if asked := l.asked.Load(); asked < 10 {
		t.Errorf("nothing was sent in %d round trips", asked)
	}
	must(t, tx.Commit())
	if n := len(strings.Fields(stored())); n != 10*most {
		t.Errorf("%d rows are stored", n)
	}
}

// TestValues: they come back as database/sql has them from stdlib.
func TestValues(t *testing.T) {
	db, _, _ := open(t)
	const query = `SELECT -1::BIGINT << 40, $1::TEXT, $2::BYTEA, NULL::TEXT, ''::TEXT, ''::BYTEA, 7::INT, 1.50::NUMERIC, true, 2.5::DOUBLE PRECISION,
		'2026-01-02T03:04:05Z'::TIMESTAMPTZ, SUM(3::BIGINT), '{"a": 1}'::JSONB, 'pg_class'::regclass::TEXT, ARRAY[1,2]::BIGINT[]::TEXT
		UNION ALL SELECT 1, 'b', NULL, NULL, '', '', 8, 2, false, 1, '2027-01-02T03:04:05Z', 4, '{}', '', '' `
	read := func(on interface {
		Query(query string, args ...any) (*sql.Rows, error)
	}) (values []any) {
		t.Helper()
		rows, err := on.Query(query, "größer", []byte{0, 1, 255})
		must(t, err)
		defer rows.Close()
		columns, err := rows.Columns()
		must(t, err)
		into := make([]any, len(columns))
		for i := range into {
			into[i] = new(any)
		}
		for rows.Next() {
			must(t, rows.Scan(into...))
			for _, value := range into {
				values = append(values, *value.(*any))
			}
		}
		must(t, rows.Err())
		return append(values, columns)
	}
	want := read(db)
	tx := begin(t, db)
	defer tx.Rollback()
	got := read(tx)
	for i := range want {
		if at, isTime := want[i].(time.Time); isTime && at.Equal(got[i].(time.Time)) {
			continue
		}
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("value %d is %#v, not %#v", i, got[i], want[i])
		}
	}
	// Two results at once, and one that is not read to its end.
	first, err := tx.Query("SELECT generate_series(1, 3)")
	must(t, err)
	defer first.Close()
	first.Next()
	second, err := tx.Query("SELECT 9")
	must(t, err)
	defer second.Close()
	var a, b int
	if second.Next(); errors.Join(first.Scan(&a), second.Scan(&b), first.Err(), second.Err()) != nil || a != 1 || b != 9 {
		t.Errorf("two at once give %d and %d", a, b)
	}
}

// TestBytesMayChange: what waits is what was given.
func TestBytesMayChange(t *testing.T) {
	db, _, _ := open(t)
	tx := begin(t, db)
	body := []byte("good")
	_, err := tx.Exec("INSERT INTO things (id, name, body) VALUES (1, '', $1)", body)
	must(t, err)
	copy(body, "evil")
	must(t, tx.Commit())
	var kept string
	if must(t, db.QueryRow("SELECT body FROM things").Scan(&kept)); kept != "good" {
		t.Errorf("%q is stored", kept)
	}
}

// TestAnErrorThatWaits comes out at whatever is asked next, and nothing is committed
// whatever its owner does about it.
func TestAnErrorThatWaits(t *testing.T) {
	bad := map[string]struct {
		code string
		run  func(tx *sql.Tx)
	}{
		"a row twice":                    {duplicate, func(tx *sql.Tx) { add(t, tx, 1, "again") }},
		"what PostgreSQL does not parse": {noTable, func(tx *sql.Tx) { _, _ = tx.Exec("INSERT INTO nothing VALUES (1)") }},
	}
	ask := map[string]func(tx *sql.Tx) error{
		"its result": func(tx *sql.Tx) error {
			result, err := tx.Exec(insert, 1, "again") // not the first that fails
			must(t, err)
			_, err = result.RowsAffected()
			return err
		},
		"a query": func(tx *sql.Tx) error { return tx.QueryRow("SELECT 1").Scan(new(int)) },
		"another's result": func(tx *sql.Tx) error {
			result := add(t, tx, 2, "innocent")
			_, err := result.RowsAffected()
			return err
		},
		"commit": func(*sql.Tx) error { return nil },
	}
	for what, failing := range bad {
		for who, asked := range ask {
			t.Run(what+", "+who, func(t *testing.T) {
				db, l, stored := open(t)
				tx := begin(t, db)
				add(t, tx, 1, "first")
				must(t, tx.Commit())
				for range 2 {
					tx = begin(t, db)
					add(t, tx, 3, "before")
					failing.run(tx)
					if err := asked(tx); who != "commit" && code(err) != failing.code {
						t.Errorf("it gave %v", err)
					}
					if _, err := tx.Exec(insert, 4, "after"); who != "commit" && code(err) != failing.code {
						t.Errorf("a statement after it gave %v", err)
					}
					if err := tx.Commit(); code(err) != failing.code {
						t.Errorf("Commit gave %v", err)
					}
				}
				l.mu.Lock()
				same := l.last
				l.mu.Unlock()
				tx = begin(t, db)
				add(t, tx, 9, "next")
				must(t, tx.Commit())
				if got := stored(); got != "first next" {
					t.Errorf("%q is stored", got)
				}
				if l.mu.Lock(); l.last != same {
					t.Error("the connection was dropped")
				}
				l.mu.Unlock()
			})
		}
	}
}

func TestAnErrorAtCommitItself(t *testing.T) {
	db, _, stored := open(t)
	_, err := db.Exec("CREATE TABLE parts (of BIGINT REFERENCES things DEFERRABLE INITIALLY DEFERRED)")
	must(t, err)
	tx := begin(t, db)
	add(t, tx, 1, "one")
	_, err = tx.Exec("INSERT INTO parts VALUES (2)")
	must(t, err)
	if err := tx.Commit(); code(err) != "23503" || stored() != "" {
		t.Errorf("Commit gave %v, and there is %q", err, stored())
	}
}

func TestSavepoints(t *testing.T) {
	db, _, stored := open(t)
	tx := begin(t, db)
	say := func(text string) { _, err := tx.Exec(text); must(t, err) }
	add(t, tx, 1, "one")
	say("SAVEPOINT here")
	add(t, tx, 2, "two")
	say("ROLLBACK TO here")
	say("RELEASE here")
	add(t, tx, 3, "three")
	if must(t, tx.Commit()); stored() != "one three" {
		t.Errorf("%q is stored", stored())
	}
}

// TestTheContextEnds between queueing and sending.
func TestTheContextEnds(t *testing.T) {
	for what, wait := range map[string]func(tx *sql.Tx, ctx context.Context) error{
		"a query": func(tx *sql.Tx, ctx context.Context) error { return tx.QueryRowContext(ctx, "SELECT 1").Scan(new(int)) },
		"a result": func(tx *sql.Tx, ctx context.Context) error {
			_, err := tx.ExecContext(ctx, insert, 2, "two")
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			db, _, stored := open(t)
			tx := begin(t, db)
			ctx, cancel := context.WithCancel(t.Context())
			_, err := tx.ExecContext(ctx, insert, 1, "one")
			must(t, err)
			cancel()
			if err := wait(tx, ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("it gave %v", err)
			}
			must(t, tx.Rollback())
			tx = begin(t, db)
			add(t, tx, 3, "three")
			if must(t, tx.Commit()); stored() != "three" {
				t.Errorf("%q is stored", stored())
			}
		})
	}
	t.Run("the asked result's own", func(t *testing.T) {
		db, l, stored := open(t)
		tx := begin(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		result, err := tx.ExecContext(ctx, insert, 1, "one")
		must(t, err)
		cancel()
		asked := l.asked.Load()
		if _, err := result.RowsAffected(); !errors.Is(err, context.Canceled) || l.asked.Load() != asked {
			t.Errorf("it gave %v, and %d messages were sent", err, l.asked.Load()-asked)
		}
		if err := tx.Commit(); !errors.Is(err, context.Canceled) || stored() != "" {
			t.Errorf("Commit gave %v, and %q is stored", err, stored())
		}
	})
	t.Run("the transaction's", func(t *testing.T) {
		db, _, stored := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := db.BeginTx(ctx, nil)
		must(t, err)
		result := add(t, tx, 1, "one")
		cancel()
		if err := tx.Commit(); !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrTxDone) {
			t.Errorf("Commit gave %v", err)
		}
		tx = begin(t, db) // the connection is free once the first has ended
		add(t, tx, 2, "two")
		if n, err := result.RowsAffected(); !errors.Is(err, errOver) {
			t.Errorf("its result is %d, %v", n, err)
		}
		if must(t, tx.Commit()); stored() != "two" {
			t.Errorf("%q is stored", stored())
		}
	})
	t.Run("while the database is at work", func(t *testing.T) {
		db, _, stored := open(t)
		tx := begin(t, db)
		add(t, tx, 1, "one")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := tx.QueryRowContext(ctx, "SELECT 1 FROM pg_sleep(20)").Scan(new(int)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the query gave %v", err)
		}
		if err := tx.Commit(); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) {
			t.Errorf("Commit gave %v", err)
		}
		tx = begin(t, db)
		add(t, tx, 2, "two")
		if must(t, tx.Commit()); stored() != "two" {
			t.Errorf("%q is stored", stored())
		}
	})
}

// TestTheConnectionIsLost: a statement that may have been sent is not sent again, and
// what is committed is what the database heard.
func TestTheConnectionIsLost(t *testing.T) {
	for _, cut := range []struct {
		what   string
		when   int64
		stored string
	}{{"before", before, "warm next"}, {"after", after, "warm one two next"}} {
		t.Run(cut.what, func(t *testing.T) {
			db, l, stored := open(t)
			tx := begin(t, db)
			add(t, tx, 0, "warm")
			must(t, tx.Commit())
			tx = begin(t, db)
			add(t, tx, 1, "one")
			result := add(t, tx, 2, "two")
			l.cut.Store(cut.when)
			if err := tx.Commit(); err == nil || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("Commit gave %v", err)
			}
			if n, err := result.RowsAffected(); err == nil {
				t.Errorf("a result says %d", n)
			}
			for patience := 100; cut.when == after && stored() == "warm" && patience > 0; patience-- {
				time.Sleep(20 * time.Millisecond) // the database is at work
			}
			tx = begin(t, db)
			add(t, tx, 3, "next")
			if must(t, tx.Commit()); stored() != cut.stored {
				t.Errorf("%q is stored", stored())
			}
		})
		t.Run(cut.what+", at a query", func(t *testing.T) {
			db, l, stored := open(t)
			tx := begin(t, db)
			add(t, tx, 0, "warm")
			must(t, tx.Commit())
			tx = begin(t, db)
			add(t, tx, 1, "one")
			l.cut.Store(cut.when)
			if err := tx.QueryRow("SELECT 1").Scan(new(int)); err == nil || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("the query gave %v", err)
			}
			if err := tx.Commit(); err == nil || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("Commit gave %v", err)
			}
			tx = begin(t, db)
			add(t, tx, 3, "next")
			if must(t, tx.Commit()); stored() != "warm next" {
				t.Errorf("%q is stored", stored())
			}
		})
	}
	t.Run("long before", func(t *testing.T) {
		db, l, stored := open(t)
		must(t, db.Ping())
		tx := begin(t, db)
		l.mu.Lock()
		_ = l.last.Close()
		l.mu.Unlock()
		add(t, tx, 1, "one")
		if err := tx.Commit(); err == nil {
			t.Error("Commit succeeded")
		}
		tx = begin(t, db)
		add(t, tx, 2, "two")
		if must(t, tx.Commit()); stored() != "two" {
			t.Errorf("%q is stored", stored())
		}
	})
}

// TestResultsAfterTheEnd of their transaction neither ask anybody nor guess.
func TestResultsAfterTheEnd(t *testing.T) {
	db, l, stored := open(t)
	tx := begin(t, db)
	dropped := add(t, tx, 1, "one")
	must(t, tx.Rollback())
	tx = begin(t, db)
	kept := add(t, tx, 2, "two")
	must(t, tx.Commit())
	next := begin(t, db)
	add(t, next, 3, "three")
	asked := l.asked.Load()
	if n, err := dropped.RowsAffected(); !errors.Is(err, errOver) {
		t.Errorf("what was undone says %d, %v", n, err)
	}
	if n, err := kept.RowsAffected(); n != 1 || err != nil {
		t.Errorf("what was committed says %d, %v", n, err)
	}
	if l.asked.Load() != asked {
		t.Error("they asked the database")
	}
	if must(t, next.Rollback()); stored() != "two" {
		t.Errorf("%q is stored", stored())
	}
}

// TestWhatIsLeftOpen of a transaction that nobody ended reaches no other.
func TestWhatIsLeftOpen(t *testing.T) {
	for what, leave := range map[string]func(result driver.Result){
		"nothing sent":   func(driver.Result) {},
		"something sent": func(result driver.Result) { _, _ = result.RowsAffected() },
	} {
		t.Run(what, func(t *testing.T) {
			db, _, stored := open(t)
			held, err := db.Conn(t.Context())
			must(t, err)
			must(t, held.Raw(func(some any) error {
				c := some.(*conn)
				if _, err := c.BeginTx(t.Context(), driver.TxOptions{}); err != nil {
					return err
				}
				if _, err := c.BeginTx(t.Context(), driver.TxOptions{}); err == nil {
					t.Error("a transaction began in another")
				}
				result, err := c.ExecContext(t.Context(), insert, []driver.NamedValue{{Value: int64(1)}, {Value: "one"}})
				leave(result)
				return err
			}))
			must(t, held.Close())
			tx := begin(t, db)
			add(t, tx, 2, "two")
			if must(t, tx.Commit()); stored() != "two" {
				t.Errorf("%q is stored", stored())
			}
		})
	}
}
