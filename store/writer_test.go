package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
)

var errMine = errors.New("mine")

// grantPlan adds a plan of so many units, under a new id each time it runs: what
// is applied twice is seen twice.
func grantPlan(units int) func(chancery.Tx) error {
	return func(tx chancery.Tx) error {
		_, err := tx.AddPlan(chancery.Plan{AccountID: 1, ProductCode: "p", Total: int64(units)})
		return err
	}
}

// then runs fn and comes to err whatever it came to.
func then(fn func(chancery.Tx) error, err error) func(chancery.Tx) error {
	return func(tx chancery.Tx) error {
		_ = fn(tx)
		return err
	}
}

// inTurn runs the functions until one fails.
func inTurn(fns ...func(chancery.Tx) error) func(chancery.Tx) error {
	return func(tx chancery.Tx) error {
		for _, fn := range fns {
			if err := fn(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// Writes that the database itself refuses: at once, and only when it commits.
var (
	breaksAReference = func(tx chancery.Tx) error {
		_, err := tx.AddPlan(chancery.Plan{AccountID: 404, ProductCode: "p", Total: 1})
		return err
	}
	breaksAReferenceAtCommit = func(tx chancery.Tx) error {
		_, err := tx.TakeUnit(1, "units", 404, time.Time{}) // there is no such order
		return err
	}
	fillsTheDisk = func(tx chancery.Tx) error { // of a database that may not grow; SQLite ends the transaction then
		return tx.AddAccount(chancery.Account{ID: 2, Name: strings.Repeat("x", 1<<20)})
	}
	panics = func(chancery.Tx) error { panic("mine") }
)

// writerEngine has an account 1 with a plan to take units from.
func writerEngine(t *testing.T) *engine {
	t.Helper()
	e := newEngine(t)
	e.write(t, inTurn(addAccount(1), func(tx chancery.Tx) error {
		_, err := tx.AddPlan(chancery.Plan{AccountID: 1, ProductCode: "units", Total: 1000})
		return err
	}))
	return e
}

// group has the writer serve the functions as one group, as it does with writes
// that arrived while it was busy, and gives what each caller would get.
func (e *engine) group(t *testing.T, fns ...func(chancery.Tx) error) (outcomes []string) {
	t.Helper()
	var requests []*writeRequest
	for _, fn := range fns {
		requests = append(requests, &writeRequest{ctx: ctx, fn: fn, done: make(chan struct{})})
	}
	e.backend.(*sqlite3).serve(requests)
	for _, r := range requests {
		select {
		case <-r.done:
		default:
			t.Fatal("a request was not answered")
		}
		switch {
		case r.panicked != nil:
			outcomes = append(outcomes, fmt.Sprint("panic ", r.panicked))
		case r.err == errMine: //nolint:errorlint // the very same
			outcomes = append(outcomes, "mine")
		case r.err != nil:
			outcomes = append(outcomes, "database")
		default:
			outcomes = append(outcomes, "ok")
		}
	}
	return outcomes
}

// granted lists the units of account 1's plans that grantPlan made, in order.
func (e *engine) granted(t *testing.T) (units []int) {
	t.Helper()
	err := e.Read(ctx, func(tx chancery.Tx) error {
		plans, err := tx.Plans(1)
		for _, plan := range plans {
			if plan.ProductCode == "p" {
				units = append(units, int(plan.Total))
			}
			if plan.Used > 0 {
				t.Errorf("%d units were taken and not given back", plan.Used)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(units)
	return units
}

func TestAGroupOfWritesFailsOneByOne(t *testing.T) {
	ok, business := grantPlan, func(n int) func(chancery.Tx) error { return then(grantPlan(n), errMine) }
	for _, c := range []struct {
		name    string
		fns     []func(chancery.Tx) error
		want    []string
		granted []int
	}{
		{"all well", fns(ok(1), ok(2), ok(3)), []string{"ok", "ok", "ok"}, []int{1, 2, 3}},
		{"one alone", fns(ok(1)), []string{"ok"}, []int{1}},
		{"one alone that fails", fns(business(1)), []string{"mine"}, nil},
		{"business errors", fns(business(1), ok(2), business(3), ok(4), business(5)), []string{"mine", "ok", "mine", "ok", "mine"}, []int{2, 4}},
		{"nothing but errors", fns(business(1), business(2)), []string{"mine", "mine"}, nil},
		{"a panic", fns(ok(1), inTurn(ok(2), panics), ok(3)), []string{"ok", "panic mine", "ok"}, []int{1, 3}},
		{"a broken reference first", fns(inTurn(ok(1), breaksAReference), ok(2), business(3)), []string{"database", "ok", "mine"}, []int{2}},
		{"a broken reference between", fns(ok(1), inTurn(ok(2), breaksAReference), ok(3)), []string{"ok", "database", "ok"}, []int{1, 3}},
		{"a broken reference last", fns(ok(1), business(2), inTurn(ok(3), breaksAReference)), []string{"ok", "mine", "database"}, []int{1}},
		{"nothing but broken references", fns(breaksAReference, breaksAReference), []string{"database", "database"}, nil},
		{"a reference that is found broken at the commit", fns(ok(1), inTurn(ok(2), breaksAReferenceAtCommit), ok(3)), []string{"ok", "database", "ok"}, []int{1, 3}},
		{"one that was undone before the commit", fns(ok(1), then(breaksAReferenceAtCommit, errMine), ok(3)), []string{"ok", "mine", "ok"}, []int{1, 3}},
		{"a database error kept to itself", fns(ok(1), then(breaksAReference, nil), then(breaksAReference, errMine), ok(4)), []string{"ok", "ok", "mine", "ok"}, []int{1, 4}},
		{"a full disk", fns(ok(1), inTurn(ok(2), fillsTheDisk), ok(3)), []string{"ok", "database", "ok"}, []int{1, 3}},
		{"a disk that two in a row find full", fns(fillsTheDisk, fillsTheDisk, ok(1), ok(2)), []string{"database", "database", "database", "database"}, nil},
		{"a full disk kept to itself", fns(ok(1), then(fillsTheDisk, errMine), ok(3)), []string{"ok", "mine", "ok"}, []int{1, 3}},
		{"everything at once", fns(panics, ok(1), breaksAReferenceAtCommit, business(2), fillsTheDisk, ok(3), inTurn(ok(4), panics), breaksAReference, ok(5)),
			[]string{"panic mine", "ok", "database", "mine", "database", "ok", "panic mine", "database", "ok"}, []int{1, 3, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := writerEngine(t)
			if _, err := e.writes.Exec("PRAGMA max_page_count = 80"); err != nil {
				t.Fatal(err)
			}
			if got := e.group(t, c.fns...); !slices.Equal(got, c.want) {
				t.Errorf("the callers got %v, want %v", got, c.want)
			}
			if got := e.granted(t); !slices.Equal(got, c.granted) {
				t.Errorf("in the database are %v, want %v", got, c.granted)
			}
			e.write(t, grantPlan(99)) // and the writer lives
		})
	}
}

func fns(list ...func(chancery.Tx) error) []func(chancery.Tx) error { return list }

// TestManyWritersAtOnce mixes all outcomes and lets the writer group as it likes.
func TestManyWritersAtOnce(t *testing.T) {
	e := writerEngine(t)
	const writers, each = 100, 4 // more than one group holds
	kinds := []struct {
		fn   func(n int) func(chancery.Tx) error
		want string
	}{
		{grantPlan, "ok"}, {grantPlan, "ok"}, {grantPlan, "ok"},
		{func(n int) func(chancery.Tx) error { return then(grantPlan(n), errMine) }, "mine"},
		{func(n int) func(chancery.Tx) error { return inTurn(grantPlan(n), breaksAReference) }, "database"},
		{func(n int) func(chancery.Tx) error { return inTurn(grantPlan(n), breaksAReferenceAtCommit) }, "database"},
		{func(n int) func(chancery.Tx) error { return inTurn(grantPlan(n), panics) }, "panic"},
	}
	var mu sync.Mutex
	var want []int
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for i := range each {
				n := 1 + writer*each + i
				kind := kinds[rand.N(len(kinds))]
				if got := outcome(e, kind.fn(n)); got != kind.want {
					t.Errorf("a caller got %s, want %s", got, kind.want)
				}
				if kind.want == "ok" {
					mu.Lock()
					want = append(want, n)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	slices.Sort(want)
	if got := e.granted(t); !slices.Equal(got, want) {
		t.Errorf("in the database are %v, want %v", got, want)
	}
}

// outcome is what Write's caller gets.
func outcome(e *engine, fn func(chancery.Tx) error) (got string) {
	defer func() {
		if recover() != nil {
			got = "panic"
		}
	}()
	err := e.Write(ctx, fn)
	if err == nil {
		return "ok"
	}
	if err == errMine { //nolint:errorlint // the very same
		return "mine"
	}
	return "database"
}

func TestAPanicReachesItsCaller(t *testing.T) {
	e := writerEngine(t)
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("the caller recovered %v", p)
			}
		}()
		_ = e.Write(ctx, inTurn(grantPlan(1), panics))
		t.Error("Write returned")
	}()
	e.write(t, grantPlan(2))
	if got := e.granted(t); !slices.Equal(got, []int{2}) {
		t.Errorf("in the database are %v", got)
	}
}

func TestAWriteThatRunsIsFinishedWhateverBecomesOfItsContext(t *testing.T) {
	e := writerEngine(t)
	ctx, cancel := context.WithCancel(ctx)
	err := e.Write(ctx, func(tx chancery.Tx) error {
		cancel()
		return grantPlan(1)(tx)
	})
	if err != nil {
		t.Errorf("Write gave %v", err)
	}
	if got := e.granted(t); !slices.Equal(got, []int{1}) {
		t.Errorf("in the database are %v", got)
	}
}

func TestAWriteThatWaitsEndsWithItsContext(t *testing.T) {
	e := writerEngine(t)
	running, goOn := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		first <- e.Write(ctx, func(tx chancery.Tx) error {
			close(running)
			<-goOn
			return grantPlan(1)(tx)
		})
	}()
	<-running
	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if err := e.Write(ctx, grantPlan(2)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the write that waited gave %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	e.write(t, grantPlan(3)) // whatever had been queued is done by now
	if got := e.granted(t); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("in the database are %v", got)
	}
}

func TestWritesThatArriveTogetherShareATransaction(t *testing.T) {
	e := writerEngine(t)
	seen := map[int]bool{}
	note := func(n int) func(chancery.Tx) error {
		return func(tx chancery.Tx) error {
			plans, err := tx.Plans(1)
			seen[len(plans)] = true // what the writes before it did is there already
			return errors.Join(err, grantPlan(n)(tx))
		}
	}
	before := e.transactions(t)
	e.group(t, note(1), note(2), note(3))
	if !seen[1] || !seen[2] || !seen[3] || e.transactions(t) != before+1 {
		t.Errorf("the writes saw %v plans, in %d transactions", seen, e.transactions(t)-before)
	}
}

// transactions counts commits: those frames of the write-ahead log that end one
// (https://www.sqlite.org/fileformat.html#the_write_ahead_log).
func (e *engine) transactions(t *testing.T) (n int) {
	t.Helper()
	log, err := os.ReadFile(e.file + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const header, frameHeader = 32, 24
	page := int(binary.BigEndian.Uint32(log[8:]))
	for at := header; at+frameHeader+page <= len(log); at += frameHeader + page {
		if binary.BigEndian.Uint32(log[at+4:]) != 0 {
			n++
		}
	}
	return n
}
