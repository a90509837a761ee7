package store

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSQLIsCommonToBothEngines looks for words that one of the engines does not
// know or takes differently.
func TestSQLIsCommonToBothEngines(t *testing.T) {
	uncommon := regexp.MustCompile(`(?i)::|=\s*ANY\b|\bSKIP\s+LOCKED\b|\bFOR\s+(UPDATE|SHARE)\b|\bILIKE\b|\bGLOB\b|\bDISTINCT\s+ON\b|\bINTERVAL\b|` +
		`\bINSERT\s+OR\b|\bREPLACE\s+INTO\b|\bAUTOINCREMENT\b|(?-i:\b(BIG|SMALL)?SERIAL\b)|\bIDENTITY\b|\bSTRICT\b|\bWITHOUT\s+ROWID\b|\browid\b|` +
		`\bNOW\s*\(|\bCURRENT_(TIMESTAMP|DATE|TIME)\b|\bDATETIME\b|\bTIMESTAMPTZ?\b|\bJSONB?\b|\bBOOL(EAN)?\b|\bBLOB\b|\bPRAGMA\b|"`)
	for _, pattern := range []string{"migrations/*.sql", "queries/*.sql"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			for i, line := range strings.Split(readSQL(t, file), "\n") {
				if word := uncommon.FindString(line); word != "" {
					t.Errorf("%s:%d: %q is not common to SQLite and PostgreSQL: %s", file, i+1, word, line)
				}
			}
		}
	}
}

// readSQL gives a file's text with its comments blanked out, but for those that
// sqlc and goose read.
func readSQL(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if code, comment, found := strings.Cut(line, "--"); found && !strings.HasPrefix(comment, " name:") && !strings.HasPrefix(comment, " +goose") {
			lines[i] = code
		}
	}
	return strings.Join(lines, "\n")
}

// withoutAccount are the queries that read or change rows of tenants without
// being told whose, each with why that is right.
var withoutAccount = map[string]string{
	"AccessKey":                "finds out which account a request is from",
	"SigningKey":               "finds out which account a request is from",
	"Session":                  "finds out which account a request is from",
	"ForgetSessions":           "sweeps all accounts",
	"CountEvidence":            "names the line that LastEvidence has just found for the account",
	"DeleteSubmissionsBefore":  "sweeps all accounts",
	"CompleteIssuance":         "names a record by the serial that the CA has just drawn",
	"Issuance":                 "the CA's own record, by serial",
	"RevokeIssuance":           "the CA's own record, by serial",
	"RevokedIssuances":         "a CRL shows what is revoked of all accounts",
	"ListChanges":              "settles the lists of all accounts",
	"OrdersUnderReview":        "the operator reviews orders of all accounts",
	"AccountOfOrder":           "the operator names an order and not whose it is",
	"ACMEAuthorizationOwner":   "tells whose it is, so that another account does not take it",
	"ACMEOrderOfURL":           "tells whether any order has it",
	"FreeACMEOrderURL":         "takes what any order has that ended",
	"OpenACMEOrders":           "for the operator, who removes an issuer",
	"ExpiringCertificates":     "looks for what ends among certificates of all accounts",
	"LowPlans":                 "looks for what is told among plans of all accounts",
	"TroubledCAs":              "looks for what fails among orders of all accounts",
	"ForgetDeliveries":         "sweeps all accounts",
	"ForgetNotices":            "sweeps all accounts",
	"ForgetTroubles":           "sweeps all accounts",
	"FreeLeases":               "of restored data, whoever it is of",
	"ClaimSteps":               "workers serve all accounts",
	"RecallSteps":              "takes back what a clock that was ahead wrote, whoever's it is",
	"ListChangesAhead":         "likewise",
	"NextStep":                 "workers serve all accounts",
	"FinishStep":               "the version is known only to who holds the lease",
	"ContinueStep":             "the version is known only to who holds the lease",
	"FailStep":                 "the version is known only to who holds the lease",
	"StepOfID":                 "for the operator, who sees the steps of all accounts",
	"StepsByDue":               "for the operator, who sees the steps of all accounts",
	"StepsParked":              "for the operator, who sees the steps of all accounts",
	"StepsOfOrder":             "for the operator, who names an order and not whose it is",
	"RetryStep":                "for the operator, who names a step and not whose it is",
	"CountParkedSteps":         "the metrics count those of all accounts",
	"CountExpiring":            "the metrics count those of all accounts",
	"CountOrders":              "the metrics count those of all accounts",
	"ConsoleSession":           "the id tells whose it is, and is known to who signed in alone",
	"SeeConsoleSession":        "the id is known to who signed in alone",
	"TakeConsoleLink":          "the token tells whose it is",
	"ForgetOldConsoleLinks":    "sweeps all",
	"ForgetOldConsoleSessions": "sweeps all",
	"CountDueSteps":            "the metrics count those of all accounts",
	"PostponeStep":             "the version is known only to who holds the lease",
}

// TestQueriesCarryTheAccount: every query on a table that has an account_id says
// whose rows it means.
func TestQueriesCarryTheAccount(t *testing.T) {
	tables := tenantTables(t)
	if len(tables) < 10 {
		t.Fatalf("only the tables %v are of tenants; has the parser been fooled?", tables)
	}
	unused := map[string]bool{}
	for name := range withoutAccount {
		unused[name] = true
	}
	for name, query := range queriesByName(t) {
		if !touches(query, tables) || carriesAccount(query) {
			continue
		}
		if withoutAccount[name] == "" {
			t.Errorf("%s does not say whose rows it means:\n%s", name, query)
		}
		delete(unused, name)
	}
	for name := range unused {
		t.Errorf("%s needs no exception", name)
	}
}

// tenantTables are those whose rows belong to accounts.
func tenantTables(t *testing.T) (tables []string) {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	create := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)
	for _, file := range files {
		for _, match := range create.FindAllStringSubmatch(readSQL(t, file), -1) {
			if regexp.MustCompile(`\baccount_id\b`).MatchString(match[2]) {
				tables = append(tables, match[1])
			}
		}
	}
	return tables
}

func queriesByName(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("queries/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, file := range files {
		for _, part := range strings.Split(readSQL(t, file), "-- name: ")[1:] {
			name, query, _ := strings.Cut(part, "\n")
			name, _, _ = strings.Cut(name, " ")
			queries[name] = strings.TrimSpace(query)
		}
	}
	return queries
}

func touches(query string, tables []string) bool {
	for _, table := range tables {
		if regexp.MustCompile(`\b(FROM|JOIN|INTO|UPDATE)\s+` + table + `\b`).MatchString(query) {
			return true
		}
	}
	return false
}

// carriesAccount looks where rows are chosen: in every WHERE, or in the columns
// of an INSERT.
func carriesAccount(query string) bool {
	account := regexp.MustCompile(`\baccount_id\b`)
	if columns, _, insert := strings.Cut(query, "VALUES"); insert {
		return account.MatchString(columns)
	}
	chosen := regexp.MustCompile(`\baccount_id\s*=\s*(\$\d+|sqlc\.arg\(account_id\))`)
	_, where, _ := strings.Cut(query, "WHERE")
	return chosen.MatchString(where)
}
