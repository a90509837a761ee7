// Package issuer is the table of certificate authorities that a product may name.
package issuer

import (
	"fmt"
	"maps"
	"slices"

	"chancery"
	"chancery/ca"
)

// Table finds an issuer by the name that products use. It is not changed once
// the service runs.
type Table map[string]chancery.Issuer

// New makes the table. A further issuer is one more line here.
func New(local *ca.Authority) Table {
	return Table{
		"local": Local{CA: local},
	}
}

// Find gives the issuer of a name. The error for an unknown one lists the names
// that exist; it speaks of the product list, so it is the operator's to read.
func (t Table) Find(name string) (chancery.Issuer, error) {
	issuer, ok := t[name]
	if !ok {
		return nil, fmt.Errorf("there is no issuer %q; the issuers are %v", name, slices.Sorted(maps.Keys(t)))
	}
	return issuer, nil
}
