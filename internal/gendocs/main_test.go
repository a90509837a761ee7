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
		got, err := os.ReadFile(filepath.Join(root, page.file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("%s is not current; run `make generate` (-have +want):\n%s", page.file, diff)
		}
	}
}

// TestEveryOperationIsExplained: the explorer and the OpenAPI document have nothing
// to show but what stands beside the code.
func TestEveryOperationIsExplained(t *testing.T) {
	c, err := collect(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, o := range c.Operations {
		if ids[o.ID] {
			t.Errorf("two operations have the id %s", o.ID)
		}
		ids[o.ID] = true
		if o.Later {
			continue
		}
		if o.Doc == "" {
			t.Errorf("%s: no comment", o.ID)
		}
		if len(o.Parameters) > 0 && len(o.Errors) == 0 {
			t.Errorf("%s: its comment names no errors", o.ID)
		}
		for _, p := range o.Parameters {
			if p.Doc == "" {
				t.Errorf("%s: %s has no comment", o.ID, p.Name)
			}
		}
	}
}
