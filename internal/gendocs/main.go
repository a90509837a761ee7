// Command gendocs writes what is made from the tables in the code: pages of docs/ and
// the data of package apidoc. `make generate` runs it; a test fails while a file is
// not current.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// pages is the table of generated files. root is the repository's directory.
var pages = []struct {
	file  string
	write func(root string) (string, error)
}{
	{"docs/states.md", page(states)},
	{"docs/operations.md", page(operations)},
	{"docs/errors.md", page(errorCodes)},
	{"docs/configuration.md", page(configuration)},
	{"docs/command-line.md", page(commands)},
	{"internal/apidoc/reference.json", reference},
	{"internal/apidoc/openapi.json", openAPI},
}

// page puts a notice above a Markdown page.
func page(write func(root string) (string, error)) func(root string) (string, error) {
	return func(root string) (string, error) {
		text, err := write(root)
		return "<!-- Made by `make generate`; change the code it is made from, not this page. -->\n\n" + text, err
	}
}

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
		if err := os.WriteFile(filepath.Join(root, page.file), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
