package store

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"chancery"
)

// forged is one way to rewrite the past without the keyring: SQL, in which MINE
// and THEIRS stand for accounts, and what the doctor says then.
type forged struct {
	name, sql, says string
}

const (
	notWritten = "is not what was written, or does not follow the one before"
	notSealed  = "its sealed end is missing or was not made with this keyring"
)

var forgeries = []forged{
	{"the first line is removed", "DELETE FROM audit WHERE account_id = MINE AND seq = 1", "line 1 is missing"},
	{"a line in the middle is removed", "DELETE FROM audit WHERE account_id = MINE AND seq = 2", "line 2 is missing"},
	{"the last line is removed", "DELETE FROM audit WHERE account_id = MINE AND seq = 4", "it should end with line 4 and ends with 3"},
	{"all lines are removed", "DELETE FROM audit WHERE account_id = MINE", "it should end with line 4 and ends with 0"},
	{
		"the last line is removed and its row counts one less",
		"DELETE FROM audit WHERE account_id = MINE AND seq = 4; UPDATE audit_ends SET lines = 3 WHERE account_id = MINE",
		"it ends with line 4, and its row says 3",
	},
	{
		"a line is removed and the others close ranks",
		"DELETE FROM audit WHERE account_id = MINE AND seq = 2; UPDATE audit SET seq = seq - 1 WHERE account_id = MINE AND seq = 3; UPDATE audit SET seq = 3 WHERE account_id = MINE AND seq = 4",
		"line 2 " + notWritten,
	},
	{
		"two lines are swapped",
		"UPDATE audit SET seq = 99 WHERE account_id = MINE AND seq = 2; UPDATE audit SET seq = 2 WHERE account_id = MINE AND seq = 3; UPDATE audit SET seq = 3 WHERE account_id = MINE AND seq = 99",
		"line 2 " + notWritten,
	},
	{
		"two lines swap what they say and keep their hashes",
		`CREATE TABLE other AS SELECT * FROM audit WHERE account_id = MINE AND seq IN (1, 3);
		UPDATE audit SET at = (SELECT at FROM other WHERE other.seq = 4 - audit.seq) WHERE account_id = MINE AND seq IN (1, 3); DROP TABLE other`,
		"line 1 " + notWritten,
	},
	{
		"a line is written at the end", `INSERT INTO audit SELECT account_id, 5, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash
		FROM audit WHERE account_id = MINE AND seq = 4`, "line 5 " + notWritten,
	},
	{
		"a line is written in between", `UPDATE audit SET seq = 5 WHERE account_id = MINE AND seq = 4; UPDATE audit SET seq = 4 WHERE account_id = MINE AND seq = 3;
		INSERT INTO audit SELECT account_id, 3, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash
		FROM audit WHERE account_id = MINE AND seq = 2`, "line 3 " + notWritten,
	},
	{
		"a line is written before the first", `INSERT INTO audit SELECT account_id, 0, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash
		FROM audit WHERE account_id = MINE AND seq = 1`, "line 1 is missing",
	},
	{"a line is moved to another account", "UPDATE audit SET account_id = THEIRS, seq = 5 WHERE account_id = MINE AND seq = 4", "it should end with line 4 and ends with 3"},
	{
		"a line is exchanged for another account's", `DELETE FROM audit WHERE account_id = MINE AND seq = 2;
		INSERT INTO audit SELECT MINE, seq, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash
		FROM audit WHERE account_id = THEIRS AND seq = 2`, "line 2 " + notWritten,
	},
	{
		"the whole log is exchanged for another account's", `DELETE FROM audit WHERE account_id = MINE;
		INSERT INTO audit SELECT MINE, seq, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash
		FROM audit WHERE account_id = THEIRS; UPDATE audit_ends SET sealed = (SELECT sealed FROM audit_ends WHERE account_id = THEIRS) WHERE account_id = MINE`, notSealed,
	},
	{"the row of the end counts another line", "UPDATE audit_ends SET lines = lines + 1 WHERE account_id = MINE", "it ends with line 4, and its row says 5"},
	{"the row of the end is removed", "DELETE FROM audit_ends WHERE account_id = MINE", notSealed},
	{"the log is removed, and where it ended", "DELETE FROM audit WHERE account_id = MINE; DELETE FROM audit_ends WHERE account_id = MINE", notSealed},
	{"the log begins anew, unsealed", "DELETE FROM audit WHERE account_id = MINE; UPDATE audit_ends SET lines = 0, sealed = NULL WHERE account_id = MINE", notSealed},
	{"the end is no longer sealed", `UPDATE audit_ends SET sealed = '{"First":1,"Last":4}' WHERE account_id = MINE`, notSealed},
	{"the end is another account's", "UPDATE audit_ends SET sealed = (SELECT sealed FROM audit_ends WHERE account_id = THEIRS) WHERE account_id = MINE", notSealed},
	{"the end is cut", "UPDATE audit_ends SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE account_id = MINE", notSealed},
	{"there is an end of no account", "INSERT INTO audit_ends (account_id, lines, sealed) SELECT 404, lines, sealed FROM audit_ends WHERE account_id = MINE", notSealed},
	{"there are lines of no account", "INSERT INTO audit SELECT 404, seq, at, request_id, principal, access_key_id, address, action, resource, code, key_read, hash FROM audit WHERE account_id = MINE", notSealed},
}

// TestTheDoctorFindsForgeries: the past of an account cannot be rewritten by who
// has the database and not the keyring.
func TestTheDoctorFindsForgeries(t *testing.T) {
	p := newPatient(t)
	heal := p.healer(t)
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			defer heal()
			p.tamper(t, f.sql)
			p.says(t, f.says)
		})
	}
	if report, err := p.Examine(ctx); err != nil || len(report.Problems) > 0 {
		t.Errorf("the patient was not sound in between: %v, %v", report.Problems, err)
	}
}

// healer gives a function that puts the audit log back to what it is now.
func (p *patient) healer(t *testing.T) (heal func()) {
	t.Helper()
	p.tamper(t, "CREATE TABLE kept_audit AS SELECT * FROM audit; CREATE TABLE kept_ends AS SELECT * FROM audit_ends")
	return func() {
		t.Helper()
		p.tamper(t, "DELETE FROM audit; DELETE FROM audit_ends; INSERT INTO audit SELECT * FROM kept_audit; INSERT INTO audit_ends SELECT * FROM kept_ends")
	}
}

func (p *patient) tamper(t *testing.T, statement string) {
	t.Helper()
	statement = strings.NewReplacer("MINE", fmt.Sprint(p.mine.Account), "THEIRS", fmt.Sprint(p.theirs.Account)).Replace(statement)
	if err := p.Tamper(statement); err != nil {
		t.Fatal(err)
	}
}

// says fails the test unless the doctor, as far as it looks at audit logs, says so.
func (p *patient) says(t *testing.T, says string) {
	t.Helper()
	var report Report
	if err := p.examineAudit(ctx, &report); err != nil {
		t.Fatal(err)
	}
	said := false
	for _, problem := range report.Problems {
		said = said || strings.HasSuffix(problem.Row, ": "+says)
	}
	if !said {
		t.Errorf("the doctor found %+v, and not that %s", report.Problems, says)
	}
}

// TestTheDoctorFindsAnyChangedField changes each column of each line.
func TestTheDoctorFindsAnyChangedField(t *testing.T) {
	p := newPatient(t)
	heal := p.healer(t)
	for _, column := range p.columns(t, "audit") {
		change := column + " = " + column + " || 'x'"
		switch column {
		case "account_id", "seq":
			continue // a line that is moved; see above
		case "at":
			change = "at = at + 1"
		case "key_read":
			change = "key_read = 1 - key_read"
		case "hash":
			change = "hash = x'00' || substr(hash, 2)"
		}
		for line := range p.mine.AuditLines {
			t.Run(fmt.Sprint(column, " of line ", line+1), func(t *testing.T) {
				defer heal()
				p.tamper(t, fmt.Sprintf("UPDATE audit SET %s WHERE account_id = MINE AND seq = %d", change, line+1))
				p.says(t, fmt.Sprintf("line %d %s", line+1, notWritten))
			})
		}
	}
}

func (p *patient) columns(t *testing.T, table string) (names []string) {
	t.Helper()
	rows, err := p.reads.QueryContext(ctx, "SELECT name FROM pragma_table_info('"+table+"')")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) < 5 {
		t.Fatalf("the columns of %s are %v, %v", table, names, err)
	}
	return names
}

// TestAChainIsNotMadeAnewWithoutTheKeyring changes a line and computes all hashes
// after it as the service does. Only the sealed end tells.
func TestAChainIsNotMadeAnewWithoutTheKeyring(t *testing.T) {
	for _, changed := range []int64{1, 2, 4} {
		p := newPatient(t)
		var hash []byte
		for _, line := range p.lines(t) {
			if line.Seq == changed {
				line.Principal = "acs:ram::1:user/innocent"
			}
			hash = line.Chain(hash)
			p.tamper(t, fmt.Sprintf("UPDATE audit SET principal = '%s', hash = x'%x' WHERE account_id = MINE AND seq = %d", line.Principal, hash, line.Seq))
		}
		p.says(t, "it should end with line 4 and ends with 4")
	}
}

// A shorter chain, soundly computed, is not what was sealed either.
func TestAChainIsNotCutWithoutTheKeyring(t *testing.T) {
	p := newPatient(t)
	var hash []byte
	for _, line := range p.lines(t)[1:] { // without the first
		line.Seq--
		hash = line.Chain(hash)
		p.tamper(t, fmt.Sprintf("DELETE FROM audit WHERE account_id = MINE AND seq = %d", line.Seq))
		p.tamper(t, fmt.Sprintf("UPDATE audit SET seq = %d, hash = x'%x' WHERE account_id = MINE AND seq = %d", line.Seq, hash, line.Seq+1))
	}
	p.says(t, "it should end with line 4 and ends with 3")
}

func (p *patient) lines(t *testing.T) (lines []chancery.AuditLine) {
	t.Helper()
	err := p.Read(ctx, func(tx chancery.Tx) (err error) {
		lines, err = tx.AuditLines(p.mine.Account, chancery.AuditFilter{Most: 100})
		return err
	})
	if err != nil || len(lines) != int(p.mine.AuditLines) {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	return lines
}

// TestNoLineIsWrittenOnAForgedEnd: whoever took the end away does not get the
// service to begin another chain.
func TestNoLineIsWrittenOnAForgedEnd(t *testing.T) {
	for _, statement := range []string{
		"DELETE FROM audit_ends WHERE account_id = MINE",
		"UPDATE audit_ends SET sealed = NULL WHERE account_id = MINE",
		"UPDATE audit_ends SET sealed = (SELECT sealed FROM audit_ends WHERE account_id = THEIRS) WHERE account_id = MINE",
	} {
		p := newPatient(t)
		p.tamper(t, statement)
		err := p.Write(ctx, func(tx chancery.Tx) error { return tx.AppendAudit(chancery.AuditLine{AccountID: p.mine.Account}) })
		if err == nil {
			t.Errorf("a line was written after: %s", statement)
		}
		var lines int64
		if err := p.reads.QueryRowContext(ctx, "SELECT COUNT(*) FROM audit WHERE account_id = $1", p.mine.Account).Scan(&lines); err != nil && err != sql.ErrNoRows {
			t.Fatal(err)
		}
		if lines != p.mine.AuditLines {
			t.Errorf("there are %d lines after: %s", lines, statement)
		}
	}
}
