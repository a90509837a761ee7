// Command gendocs writes the pages of docs/ that are made from the tables in the
// code. `make generate` runs it; a test fails while a page is not current.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// pages is the table of generated pages. root is the repository's directory.
var pages = []struct {
	file  string
	write func(root string) (string, error)
}{
	{"states.md", states},
	{"operations.md", operations},
	{"errors.md", errorCodes},
	{"configuration.md", configuration},
}

const notice = "<!-- Made by `make generate`; change the code it is made from, not this page. -->\n\n"

func main() {
	if err := writePages("."); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func writePages(root string) error {
	for _, page := range pages {
		text, err := page.write(root)
		if err != nil {
			return fmt.Errorf("making %s: %w", page.file, err)
		}
		if err := os.WriteFile(filepath.Join(root, "docs", page.file), []byte(notice+text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
