package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"chancery"
	"chancery/internal/pgtest"
	"chancery/keyring"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Every run of a property writes to disk, so a fifth of rapid's usual hundred is
	// what a test run takes; -rapid.checks asks for more.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == "100" {
		_ = flag.Set("rapid.checks", "20")
	}
	status := m.Run()
	pgtest.Stop()
	os.Exit(status)
}

var ctx = context.Background()

// engine is a store under test and the file below it.
type engine struct {
	*Store
	file string
}

// newEngine opens an empty store that is closed when the test ends.
func newEngine(t testing.TB) *engine {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chancery.db")
	empty, err := emptyDatabase()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return reopen(t, file)
}

// reopen opens the store in a file.
func reopen(t testing.TB, file string) *engine {
	t.Helper()
	s, err := Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-s.closed: // the test did
		default:
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}))
	if err := unlock(s, 1); err != nil {
		t.Fatal(err)
	}
	return &engine{s, file}
}

// unlock gives the store a keyring under the key-encryption key of 32 such bytes.
func unlock(s *Store, fill byte) error {
	kek := chancery.NewSecret(bytes.Repeat([]byte{fill}, 32))
	return s.Unlock(ctx, keyring.Key(kek, "the test"))
}

// emptyDatabase is the file of a new store, so that each test need not migrate.
var emptyDatabase = sync.OnceValues(func() (database []byte, err error) {
	dir, err := os.MkdirTemp("", "chancery-store")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "empty.db")
	s, err := Open(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(unlock(s, 1), s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// Tamper implements storetest.Tamperer: as another program could, with nothing
// that would stop it.
func (e *engine) Tamper(statement string) error {
	db, err := sql.Open("sqlite", "file:"+e.file+"?_pragma=busy_timeout(10000)&_pragma=ignore_check_constraints(1)")
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// Audit implements storetest.Auditor.
func (e *engine) Audit(ctx context.Context) error { return audit(ctx, e.Store) }

func audit(ctx context.Context, s *Store) error {
	report, err := s.Examine(ctx)
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("the doctor found %v", report.Problems)
	}
	return err
}

// write fails the test unless fn commits.
func (e *engine) write(t testing.TB, fn func(chancery.Tx) error) {
	t.Helper()
	if err := e.Write(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

// accounts lists the ids of all accounts.
func (e *engine) accounts(t testing.TB) (ids []chancery.AccountID) {
	t.Helper()
	err := e.Read(ctx, func(tx chancery.Tx) error {
		all, err := tx.Accounts()
		for _, account := range all {
			ids = append(ids, account.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// addAccount is a small write, known by its id.
func addAccount(id int) func(chancery.Tx) error {
	return func(tx chancery.Tx) error { return tx.AddAccount(chancery.Account{ID: chancery.AccountID(id)}) }
}
