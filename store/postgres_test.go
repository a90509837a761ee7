package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

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

// newNode opens an empty store on PostgreSQL that is closed when the test ends.
func newNode(t testing.TB) *node {
	t.Helper()
	server := pgtest.Need(t)
	if err := migrated(); err != nil {
		t.Fatal(err)
	}
	return join(t, server.Copy(t, "migrated"))
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
// other one. The writes of one of them all keep to one account.
type twoNodes struct {
	*node
	other *node
	calls atomic.Int64
}

func (n *twoNodes) Read(ctx context.Context, fn func(chancery.Tx) error) error {
	if n.calls.Add(1)%2 == 0 {
		return n.other.Read(ctx, fn)
	}
	return n.node.Read(ctx, fn)
}

func (n *twoNodes) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	const account = 1234567890123456
	if n.calls.Add(1)%2 == 0 {
		return n.other.Write(chancery.Confine(ctx, account), fn)
	}
	return n.node.Write(ctx, fn)
}

func TestContractOnPostgres(t *testing.T) {
	pgtest.Need(t)
	storetest.Run(t, func(t *testing.T) chancery.Store {
		one := newNode(t)
		return &twoNodes{node: one, other: join(t, one.url)}
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
	n := newNode(t)
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
