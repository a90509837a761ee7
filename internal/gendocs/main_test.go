package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPagesAreCurrent(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, page := range pages {
		want, err := page.write(root)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, "docs", page.file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), notice+want); diff != "" {
			t.Errorf("docs/%s is not current; run `make generate` (-have +want):\n%s", page.file, diff)
		}
	}
}
