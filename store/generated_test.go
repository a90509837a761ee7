package store

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write query/inputs.sha256 anew; `make generate` does, after sqlc")

// inputsFile says from what store/query was generated, in the form of sha256sum.
const inputsFile = "query/inputs.sha256"

// TestGenerated compares what sqlc reads with what it read when store/query was
// generated, since building sqlc takes minutes and is not part of a test run.
func TestGenerated(t *testing.T) {
	sums := inputSums(t)
	if *update {
		if err := os.WriteFile(inputsFile, []byte(sums), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(inputsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(recorded) != sums {
		t.Errorf("store/query was generated from other SQL than there is now; run: make generate\n\nthen:\n%s\nnow:\n%s", recorded, sums)
	}
}

func inputSums(t *testing.T) string {
	t.Helper()
	files := []string{"functions.sql", "sqlc.yaml"}
	for _, pattern := range []string{"migrations/*.sql", "queries/*.sql"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		files = append(files, some...)
	}
	slices.Sort(files)
	var sums strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), file)
	}
	return sums.String()
}
