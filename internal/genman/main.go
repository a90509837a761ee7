// Command genman writes the manual pages of the commands into a directory; `make man`
// runs it. The pages are made here and not by cobra/doc, which takes the texts for
// Markdown and runs their lists and examples together, and needs two modules more.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"chancery/internal/commandline"
)

func main() {
	if err := run("man"); err != nil {
		fmt.Fprintln(os.Stderr, "genman:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	program, err := commandline.Read(".")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return write(dir, program, "")
}

func write(dir string, c commandline.Command, parent string) error {
	name := strings.ReplaceAll(c.Path, " ", "-")
	if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(page(c, parent)), 0o600); err != nil {
		return err
	}
	for _, sub := range c.Commands {
		if err := write(dir, sub, name); err != nil {
			return err
		}
	}
	return nil
}

// page is a manual page in the macros of man(7).
func page(c commandline.Command, parent string) string {
	var b strings.Builder
	name := strings.ReplaceAll(c.Path, " ", "-")
	fmt.Fprintf(&b, ".TH %s 1 \"\" chancery \"Chancery manual\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.nf\n%s\n.fi\n",
		strings.ToUpper(escape(name)), escape(name), escape(c.Short), escape(c.Usage))
	if c.Long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n.nf\n%s\n.fi\n", escape(strings.TrimSpace(c.Long)))
	}
	if len(c.Commands) > 0 {
		b.WriteString(".SH COMMANDS\n")
	}
	for _, sub := range c.Commands {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", escape(sub.Path), escape(sub.Short))
	}
	if len(c.Flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
	}
	for _, f := range c.Flags {
		flag := "--" + f.Name
		if f.Shorthand != "" {
			flag = "-" + f.Shorthand + ", " + flag
		}
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR \\fI%s\\fR\n%s\n", escape(flag), escape(f.Value), escape(f.Usage))
		if f.Default != "" {
			fmt.Fprintf(&b, "(default %s)\n", escape(f.Default))
		}
	}
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", escape(strings.Trim(c.Example, "\n")))
	}
	if parent != "" {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", escape(parent))
	}
	return b.String()
}

var special = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\`")

// escape keeps text from being taken for a request of roff.
func escape(text string) string {
	lines := strings.Split(special.Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
