package main

import (
	"fmt"
	"strings"

	"chancery"
)

// states draws the life of an order from its transition table.
func states(string) (string, error) {
	var b strings.Builder
	b.WriteString(`# The states of an order

The names are those of DescribeCertificateState's Type; ` + "`deleted`" + ` is never shown, since a
deleted order answers as one that does not exist. A row of this table, in
order.go, is the only thing that changes a state, and every write compares the
version that it read.

` + "```mermaid\nstateDiagram-v2\n    [*] --> domain_verify: applied\n")
	for _, t := range chancery.Transitions {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", t.From, t.To, t.On)
	}
	b.WriteString("    certificate --> [*]\n    deleted --> [*]\n```\n\n")
	b.WriteString("| in | when it is | it becomes | and with it commits |\n| --- | --- | --- | --- |\n")
	b.WriteString("| | applied | domain_verify | one unit of quota with its ledger line, the proof to publish, background steps, the record that recognises a repeated submission |\n")
	for _, t := range chancery.Transitions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", t.From, t.On, t.To, t.Effect)
	}
	return b.String(), nil
}
