package crash

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the database is read past the program, too
)

// database opens the database of a stopped directory, for reading.
func (d *directory) database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(d.path, "chancery.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// records gives the certificates that the CA recorded, by order. Two for one
// order fail the test.
func (d *directory) records(t *testing.T) map[int64][]byte {
	t.Helper()
	db := d.database(t)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT order_id, certificate FROM issuances WHERE order_id > 0 AND certificate IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	records := map[int64][]byte{}
	for rows.Next() {
		var order int64
		var certificate []byte
		if err := rows.Scan(&order, &certificate); err != nil {
			t.Fatal(err)
		}
		if records[order] != nil {
			t.Errorf("the CA recorded two certificates for order %d", order)
		}
		records[order] = certificate
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

// audit compares the stopped database with what the applicants hold: it is
// independent of the program and its doctor.
func (d *directory) audit(t *testing.T, atDeath map[int64][]byte) {
	t.Helper()
	records := d.records(t)
	for order, certificate := range atDeath {
		if !bytes.Equal(records[order], certificate) {
			t.Errorf("the CA's record for order %d changed after the restart", order)
		}
	}
	for _, a := range d.applicants {
		if !bytes.Equal(records[a.order], a.leaf) {
			t.Errorf("order %d: the certificate from the API is not the one that the CA recorded", a.order)
		}
	}
	db := d.database(t)
	defer db.Close()
	for _, count := range []struct {
		what, query string
		want        int
	}{
		{"orders", "SELECT COUNT(*) FROM orders", len(d.applicants)},
		{"issued orders", "SELECT COUNT(*) FROM orders WHERE state = 'certificate'", len(d.applicants)},
		{"certificates", "SELECT COUNT(*) FROM certificates", len(d.applicants)},
		{"recorded certificates", "SELECT COUNT(*) FROM issuances WHERE order_id > 0 AND certificate IS NOT NULL", len(d.applicants)},
		{"debits", "SELECT COUNT(*) FROM ledger WHERE kind = 'debit'", len(d.applicants)},
		{"ledger lines", "SELECT COUNT(*) FROM ledger", len(d.applicants)},
		{"used units", "SELECT SUM(used) FROM plans", len(d.applicants)},
		{"submission records", "SELECT COUNT(*) FROM submissions", len(d.applicants)},
		{"keys outside of certificates", "SELECT COUNT(*) FROM order_keys", 0},
		{"steps of orders", "SELECT COUNT(*) FROM steps WHERE order_id > 0", 0},
	} {
		var got int
		if err := db.QueryRowContext(t.Context(), count.query).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != count.want {
			t.Errorf("%s: %d, not %d", count.what, got, count.want)
		}
	}
}
