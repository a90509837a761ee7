package testenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
)

// SQL changes the database behind the store's back, for states that no call leads
// to.
func (e *Env) SQL(statement string, arguments ...any) {
	e.t.Helper()
	_, err := e.db.Exec(statement, arguments...)
	e.must(err)
}

// Count gives the one number that a query answers.
func (e *Env) Count(query string, arguments ...any) (n int64) {
	e.t.Helper()
	e.must(e.db.QueryRow(query, arguments...).Scan(&n))
	return n
}

// Settle waits until no background work is due or in hand, at the time that the
// clock shows; some worker has to be running. The test ends if that takes more
// than a minute.
func (e *Env) Settle() {
	e.t.Helper()
	const patience = time.Minute
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if e.Count("SELECT COUNT(*) FROM steps WHERE due_at <= $1 OR lease_until > now_ms()", e.Clock.Now().UnixMilli()) == 0 {
			return
		}
		if time.Since(began) > patience {
			e.t.Fatalf("background work is still due after %v", patience)
		}
	}
}

// tables are those that calls of tenants write to, save for nonces and the audit log.
// Of the steps it is those of accounts: the service's own rounds come due whenever
// their time has come.
var tables = []string{
	"plans", "ledger", "orders", "validations", "evidence", "order_keys", "certificates", "issuances", "steps WHERE account_id <> 0", "submissions",
	"listed", "list_blocks", "tag_blocks", "tag_uses", "list_texts",
	"csrs", "contacts", "companies", "acme_orders", "acme_authorizations", "renewals",
	"accounts", "access_keys", "users", "user_groups", "group_members", "roles", "policies", "attachments", "sessions",
	"notice_targets", "notices", "notice_deliveries",
}

// Dump writes all rows of tenants but nonces and the audit log as text: what a
// refused call must leave as it was.
func (e *Env) Dump() string {
	e.t.Helper()
	var text strings.Builder
	for _, table := range tables {
		for _, row := range e.rows(table) {
			fmt.Fprintln(&text, table, row)
		}
	}
	return text.String()
}

// AuditLog is an account's, oldest line first.
func (p *Tenant) AuditLog(filter ...chancery.AuditFilter) (lines []chancery.AuditLine) {
	p.env.t.Helper()
	filter = append(filter, chancery.AuditFilter{})
	filter[0].Most = 1 << 20
	p.env.Read(func(tx chancery.Tx) (err error) {
		lines, err = tx.AuditLines(p.Account, filter[0])
		return err
	})
	return lines
}

func (e *Env) rows(table string) (list []string) {
	e.t.Helper()
	rows, err := e.db.Query("SELECT * FROM " + table)
	e.must(err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	e.must(err)
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		e.must(rows.Scan(places...))
		for i := range values {
			if blob, ok := values[i].([]byte); ok {
				values[i] = fmt.Sprintf("%d bytes %.8x", len(blob), sha256.Sum256(blob))
			}
		}
		list = append(list, fmt.Sprint(values))
	}
	e.must(rows.Err())
	sort.Strings(list)
	return list
}

// examine fails the test unless all invariants hold.
func (e *Env) examine() {
	report, err := e.Store.Examine(context.Background())
	if err != nil {
		e.t.Errorf("examining the data: %v", err)
	}
	for _, problem := range report.Problems {
		e.t.Errorf("the data is not sound: it should be that %s, but see %s", problem.Invariant, problem.Row)
	}
}

// Logged is what the service has logged so far, as text.
func (e *Env) Logged() string { return e.logged.String() }

// logged collects the log.
type logged struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// newLog makes a log whose end a failed test shows.
func newLog(t testing.TB) (*slog.Logger, *logged) {
	const shown = 20
	l := &logged{}
	t.Cleanup(func() {
		if t.Failed() {
			lines := strings.SplitAfter(l.String(), "\n")
			t.Logf("the end of the service's log:\n%s", strings.Join(lines[max(0, len(lines)-shown):], ""))
		}
	})
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})), l
}

// Write implements io.Writer.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String implements fmt.Stringer.
func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
