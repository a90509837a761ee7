package store

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"chancery"
	"chancery/store/storetest"
)

func TestANewerSchemaIsRefused(t *testing.T) {
	e := newEngine(t)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Tamper("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // and the file is given back each time
		if _, err := Open(ctx, e.file); !errors.Is(err, ErrNewerSchema) {
			t.Errorf("Open gave %v", err)
		}
	}
}

func TestMigrationsGoUpDownAndUp(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+t.TempDir()+"/x.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := migrate(ctx, goose.DialectSQLite3, db); err != nil {
		t.Fatal(err)
	}
	first := schema(t, db)
	if len(first) == 0 {
		t.Fatal("there are no tables")
	}
	provider, err := newProvider(goose.DialectSQLite3, db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if left := schema(t, db); len(left) != 0 {
		t.Errorf("going down leaves %v", left)
	}
	for range 2 { // the second time there is nothing to do
		if err := migrate(ctx, goose.DialectSQLite3, db); err != nil {
			t.Fatal(err)
		}
		if difference := cmp.Diff(first, schema(t, db)); difference != "" {
			t.Errorf("going up again makes another schema:\n%s", difference)
		}
	}
}

// TestTagsOfBeforeAreFound: what was listed before tags were counted is counted.
func TestTagsOfBeforeAreFound(t *testing.T) {
	p := newPatient(t)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+p.file)
	if err != nil {
		t.Fatal(err)
	}
	tagsUncounted(t, goose.DialectSQLite3, db)
	tagsFound(t, reopen(t, p.file).Store, p.mine.Account)
}

func TestTagsOfBeforeAreFoundOnPostgres(t *testing.T) {
	n := newNode(t)
	mine := storetest.Furnish(t, n)
	db, err := sql.Open("pgx", n.url)
	if err != nil {
		t.Fatal(err)
	}
	tagsUncounted(t, goose.DialectPostgres, db)
	tagsFound(t, join(t, n.url).Store, mine.Account)
}

// tagsUncounted takes a database back to the schema before tags were counted.
func tagsUncounted(t *testing.T, dialect goose.Dialect, db *sql.DB) {
	t.Helper()
	provider, err := newProvider(dialect, db)
	if err != nil {
		t.Fatal(err)
	}
	const before = 8
	if _, err := provider.DownTo(ctx, before); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// tagsFound has the doctor compare what is counted with the orders and certificates.
func tagsFound(t *testing.T, s *Store, account chancery.AccountID) {
	t.Helper()
	if err := audit(ctx, s); err != nil {
		t.Error(err)
	}
	var uses []chancery.TagUse
	err := s.Read(ctx, func(tx chancery.Tx) (err error) {
		uses, err = tx.Tags(account, chancery.Tag{}, 10)
		return err
	})
	if err != nil || len(uses) != 2 {
		t.Errorf("the tags in use are %v, %v", uses, err)
	}
}

// schema is the text of every table and index, by name.
func schema(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.Query("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	texts := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		texts[name] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}
