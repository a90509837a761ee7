// Command everyoperation calls every operation with every parameter once: with
// the older client what that has, with the generic call of the current one all.
// ../../README.md describes the contract.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// current is the version that both clients are made for.
const current = "2020-04-07"

// material is what the test gives: which operations are served, and what calls
// need that the program does not make.
type material struct {
	Operations                                     []string
	IssuedOrder                                    int64
	RenewalCsr, Csr, CsrKey, OtherCsr, OtherCsrKey string
	Cert, Key                                      string
	SignCert, SignKey, EncryptCert, EncryptKey     string
}

// line is what is printed for a call.
type line struct {
	Operation  string   `json:"operation"`
	Version    string   `json:"version"`
	Client     string   `json:"client"`
	Parameters []string `json:"parameters"`
	OK         bool     `json:"ok"`
	Answer     any      `json:"answer,omitempty"`
	Error      string   `json:"error,omitempty"`
}

// program prints a line for each call and remembers what it has called.
type program struct {
	given  material
	out    *json.Encoder
	called map[string]bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	p := &program{out: json.NewEncoder(os.Stdout), called: map[string]bool{}}
	text, err := os.ReadFile(os.Getenv("CHANCERY_MATERIAL"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &p.given); err != nil {
		return err
	}
	if err := p.byGeneric(); err != nil {
		return err
	}
	if err := p.byLegacy(); err != nil {
		return err
	}
	for _, name := range p.given.Operations {
		if !p.called[name] {
			version, operation := name[:len(current)], name[len(current)+1:]
			p.print(line{Operation: operation, Version: version, Error: "this program does not call it"})
		}
	}
	return nil
}

// serves tells whether an operation is to be called, and takes note of it.
func (p *program) serves(version, operation string) bool {
	name := version + " " + operation
	p.called[name] = true
	return slices.Contains(p.given.Operations, name)
}

func (p *program) print(l line) {
	slices.Sort(l.Parameters)
	if err := p.out.Encode(l); err != nil {
		panic(err)
	}
}
