package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"chancery"
)

// start is when the suite's time begins. Rules that depend on time are given
// theirs; leases alone run by the database's clock.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// at is so many minutes after the start.
func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

// A function given to Write may run on another goroutine than the test's, so it
// never ends the test itself: it returns its error, and these do.

// write fails the test unless fn commits.
func write(t rapid.TB, s chancery.Store, fn func(chancery.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), fn); err != nil {
		t.Fatalf("writing: %v", err)
	}
}

// refused fails the test unless fn is refused with want.
func refused(t rapid.TB, s chancery.Store, want error, fn func(chancery.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), fn); !errors.Is(err, want) {
		t.Fatalf("the error is %v, want %v", err, want)
	}
}

// answer is what a reading method gives.
func answer[T any](t rapid.TB, s chancery.Store, ask func(chancery.Tx) (T, error)) T {
	t.Helper()
	got, err := answerOrError(s, ask)
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return got
}

func answerOrError[T any](s chancery.Store, ask func(chancery.Tx) (T, error)) (got T, err error) {
	err = s.Read(context.Background(), func(tx chancery.Tx) (err error) {
		got, err = ask(tx)
		return err
	})
	return got, err
}

// missing fails the test unless the answer is ErrNotFound.
func missing[T any](t rapid.TB, s chancery.Store, ask func(chancery.Tx) (T, error)) {
	t.Helper()
	if got, err := answerOrError(s, ask); !errors.Is(err, chancery.ErrNotFound) {
		t.Fatalf("got %v, %v; want ErrNotFound", got, err)
	}
}

// alike tells values apart as a caller could: secrets by what they reveal, empty
// lists not from absent ones.
var alike = cmp.Options{
	cmp.Comparer(func(a, b chancery.Secret) bool { return string(a.Reveal()) == string(b.Reveal()) }),
	cmpopts.EquateEmpty(),
	cmpopts.EquateErrors(),
}

// same fails the test with the difference, if there is one.
func same[T any](t rapid.TB, what string, got, want T) {
	t.Helper()
	if difference := cmp.Diff(want, got, alike); difference != "" {
		t.Fatalf("%s (- wanted, + is):\n%s", what, difference)
	}
}

// atOnce runs fn for 0 to n-1, all at once, and gives their errors.
func atOnce(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = fn(i)
		})
	}
	close(begin)
	all.Wait()
	return errs
}

// succeeded counts the calls without an error, and fails the test for any error
// other than the one that is expected.
func succeeded(t rapid.TB, errs []error, expected error) int {
	t.Helper()
	n := 0
	for i, err := range errs {
		switch {
		case err == nil:
			n++
		case !errors.Is(err, expected):
			t.Fatalf("call %d: %v, want %v", i, err, expected)
		}
	}
	return n
}
