package store

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scansAllowed are the queries that read a whole table, with why that is fine.
var scansAllowed = map[string]string{
	"Accounts":                 "lists all of them, for the operator",
	"Authorities":              "a handful of rows",
	"ACMEIssuers":              "a handful of rows",
	"OrdersUnderReview":        "walks an index that holds nothing but what waits for a review",
	"CountOrders":              "counts all of them, seldom",
	"DatabaseClock":            "reads no table",
	"FirstCRLEnd":              "a row for each CRL",
	"LateCRLs":                 "a row for each CRL",
	"NextStep":                 "walks the index from its start past the few steps that are leased",
	"StepsByDue":               "walks the index as far as the operator looks",
	"SealingKeys":              "a handful of rows",
	"SealingKeysRetired":       "a handful of rows",
	"RetireSealingKeys":        "a handful of rows",
	"LastRestore":              "walks an index from its end to the first row",
	"LowPlans":                 "a row for each grant, every few minutes",
	"ForgetTroubles":           "a handful of rows",
	"FreeLeases":               "looks at all of them, when a copy is restored",
	"RaiseCRLs":                "changes all of them, when a copy is restored",
	"ForgetOldConsoleLinks":    "each is swept within minutes, so they are few",
	"ForgetOldConsoleSessions": "who is signed in is few, and they are swept",
	"ForgetOldConsoleAttempts": "those of the last quarter of an hour",
	"RecallSteps":              "once a minute, and there are as many steps as orders in hand",
	"ListChangesAhead":         "at a start, and when the clock went back",
	"CountReadyKeys":           "a few dozen rows",
	"ForgetReadyKeys":          "a few dozen rows",
}

// TestQueriesUseIndexes asks SQLite how it would run every query: one that reads
// a whole table grows slower with every order.
func TestQueriesUseIndexes(t *testing.T) {
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "chancery.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for name, text := range queryTexts(t) {
		if _, allowed := scansAllowed[name]; allowed {
			continue
		}
		if plan := explain(t, s, text); strings.Contains(plan, "SCAN ") {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
	}
}

// queryTexts gives every named query with its arguments as plain parameters.
func queryTexts(t *testing.T) map[string]string {
	files, err := filepath.Glob("queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no queries", err)
	}
	named := regexp.MustCompile(`(?s)-- name: (\w+) :\w+\n(.*?;)\n`)
	argument := regexp.MustCompile(`sqlc\.arg\((\w+)\)`)
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range named.FindAllStringSubmatch(string(text)+"\n", -1) {
			texts[match[1]] = argument.ReplaceAllString(match[2], "@$1")
		}
	}
	return texts
}

func explain(t *testing.T, s *Store, text string) string {
	t.Helper()
	var arguments []any
	for range strings.Count(text, "@") + strings.Count(text, "$") {
		arguments = append(arguments, nil)
	}
	text = regexp.MustCompile(`[@$]\w+`).ReplaceAllString(text, "?")
	rows, err := s.writes.Query("EXPLAIN QUERY PLAN "+text, arguments...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}
