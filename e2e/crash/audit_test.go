package crash

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// records gives the certificates that the CA recorded, by order. Two for one
// order fail the test.
func (p *place) records(t *testing.T) map[int64][]byte {
	t.Helper()
	rows, err := p.db.QueryContext(t.Context(), "SELECT order_id, certificate FROM issuances WHERE order_id > 0 AND certificate IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
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

// compareRecords fails the test if what the CA recorded is not what it had recorded
// when this was called before, and more.
func (p *place) compareRecords(t *testing.T) {
	t.Helper()
	records := p.records(t)
	for order, certificate := range p.recorded {
		if !bytes.Equal(records[order], certificate) {
			t.Errorf("the CA's record for order %d changed after a restart", order)
		}
	}
	p.recorded = records
}

const stepsLeft = "SELECT COUNT(*) FROM steps WHERE order_id > 0 AND kind <> 'ask_renewal'"

// settled waits until nothing is left to do for any order.
func (p *place) settled(t *testing.T) {
	t.Helper()
	for began := time.Now(); p.count(t, stepsLeft) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("%d steps are left to do %v after the last order was issued", p.count(t, stepsLeft), patience)
		}
	}
}

func (p *place) count(t *testing.T, query string) (count int) {
	t.Helper()
	if err := p.db.QueryRowContext(t.Context(), query).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

func revoked(came []*applicant) (count int) {
	for _, a := range came {
		if a.revokes {
			count++
		}
	}
	return count
}

// audit compares the data at rest with what the applicants hold: it is independent
// of the program and its doctor.
func (p *place) audit(t *testing.T, came []*applicant) {
	t.Helper()
	p.compareRecords(t)
	orders, back := len(came), revoked(came)
	recorded := orders
	if p.world.ca != nil {
		recorded = 0
		if made := strings.Count(p.world.ca.Log(), "Issued certificate serial"); made != orders {
			t.Errorf("the CA made %d certificates for %d orders", made, orders)
		}
	} else {
		for _, a := range came {
			if !bytes.Equal(p.recorded[a.order.Load()], a.leaf) {
				t.Errorf("order %d: the certificate from the API is not the one that the CA recorded", a.order.Load())
			}
		}
	}
	for _, count := range []struct {
		what, query string
		want        int
	}{
		{"orders", "SELECT COUNT(*) FROM orders", orders},
		{"issued orders", "SELECT COUNT(*) FROM orders WHERE state = 'certificate'", orders - back},
		{"revoked orders", "SELECT COUNT(*) FROM orders WHERE state = 'revoked'", back},
		{"certificates", "SELECT COUNT(*) FROM certificates", orders},
		{"recorded certificates", "SELECT COUNT(*) FROM issuances WHERE order_id > 0 AND certificate IS NOT NULL", recorded},
		{"debits", "SELECT COUNT(*) FROM ledger WHERE kind = 'debit'", orders},
		{"ledger lines", "SELECT COUNT(*) FROM ledger", orders + back},
		{"used units", "SELECT SUM(used) FROM plans", orders - back},
		{"submission records", "SELECT COUNT(*) FROM submissions", orders},
		{"keys outside of certificates", "SELECT COUNT(*) FROM order_keys", 0},
		{"steps of orders", stepsLeft, 0},
	} {
		if got := p.count(t, count.query); got != count.want {
			t.Errorf("%s: %d, not %d", count.what, got, count.want)
		}
	}
}
