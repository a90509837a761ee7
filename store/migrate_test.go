package store

import (
	"database/sql"
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
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
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
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
