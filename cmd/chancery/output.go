package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// format is the value of --output: how results are written.
type format string

const (
	asTable format = "table" // for people; "text" is another name of it
	asJSON  format = "json"
	asYAML  format = "yaml"
)

// add adds --output to a command's flags. more says what is particular there.
func (f *format) add(flags *pflag.FlagSet, more string) {
	*f = asTable
	flags.VarP(f, "output", "o", "`format` of what is printed: table, json or yaml"+more)
}

// String implements pflag.Value.
func (f *format) String() string { return string(*f) }

// Type implements pflag.Value; messages say that a value is not that.
func (f *format) Type() string { return "one of table, json, yaml" }

// Set implements pflag.Value.
func (f *format) Set(text string) error {
	switch chosen := format(text); chosen {
	case asTable, asJSON, asYAML:
		*f = chosen
	case "text":
		*f = asTable
	default:
		return fmt.Errorf("%q is not %s", text, f.Type())
	}
	return nil
}

// data tells whether it is for programs.
func (f *format) data() bool { return *f == asJSON || *f == asYAML }

// write writes one result as data, by itself.
func (f *format) write(out io.Writer, result any) error {
	if *f == asYAML {
		text, err := yamlOf(result)
		if err != nil {
			return err
		}
		_, err = out.Write(text)
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}

// writeNext writes one of many results as data: a line of JSON, or a document of YAML.
func (f *format) writeNext(out io.Writer, result any) error {
	if *f == asYAML {
		if _, err := io.WriteString(out, "---\n"); err != nil {
			return err
		}
		return f.write(out, result)
	}
	return json.NewEncoder(out).Encode(result)
}

// yamlOf writes what JSON would have, with the same names in the same order.
func yamlOf(result any) ([]byte, error) {
	text, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil { // JSON is YAML in another style
		return nil, err
	}
	plain(&document)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err = encoder.Encode(&document)
	return out.Bytes(), err
}

// plain takes braces and quotes away; those that are needed come back.
func plain(node *yaml.Node) {
	node.Style = 0
	for _, inner := range node.Content {
		plain(inner)
	}
}

// table writes rows in columns under a head.
func table(out io.Writer, head string, rows [][]string) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, strings.Join(strings.Fields(head), "\t"))
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// fit shortens the cells of one column so that rows have at most width characters; 0
// is any. Only what is for reading is shortened, never an id.
func fit(width int, head string, rows [][]string, column int) [][]string {
	if width == 0 {
		return rows
	}
	const gap, least = 2, 12
	room := width
	for i, title := range strings.Fields(head) {
		if i == column {
			continue
		}
		widest := len(title)
		for _, row := range rows {
			widest = max(widest, utf8.RuneCountInString(row[i]))
		}
		room -= widest + gap
	}
	room = max(room, least)
	for i := range rows {
		rows[i] = slices.Clone(rows[i])
		rows[i][column] = shorten(rows[i][column], room)
	}
	return rows
}

// shorten cuts a text to so many characters.
func shorten(text string, room int) string {
	if characters := []rune(text); len(characters) > room {
		return string(characters[:max(room-1, 0)]) + "…"
	}
	return text
}
