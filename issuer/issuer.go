// Package issuer is the table of certificate authorities that a product may name.
package issuer

import (
	"errors"

	"chancery"
	"chancery/ca"
)

// Table finds an issuer by the name that products use. Its fields are not changed
// once the service runs.
type Table struct {
	// Local is the embedded CA.
	Local chancery.Issuer
	// ACME is every other name; nil: there are none.
	ACME *ACME
}

// New makes the table.
func New(local *ca.Authority, acme *ACME) *Table {
	return &Table{Local: Local{CA: local}, ACME: acme}
}

// Find gives the issuer of a name. Whether an ACME CA of that name is configured
// shows when it is asked, since the operator may add one at any time.
func (t *Table) Find(name string) (chancery.Issuer, error) {
	switch {
	case name == chancery.LocalIssuer:
		return t.Local, nil
	case t.ACME != nil && chancery.CheckIssuerName(name) == nil:
		return t.ACME.Named(name), nil
	}
	return nil, errors.New("there is no issuer of this name; " + chancery.LocalIssuer + " is the embedded CA")
}
