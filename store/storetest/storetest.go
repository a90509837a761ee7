// Package storetest is the contract of chancery.Store as a suite: every promise
// that the comments in store.go make is a subtest here. An engine's own test is
// one line:
//
//	func TestContract(t *testing.T) { storetest.Run(t, open) }
//
// The suite reaches a store through its interface alone. What an engine can do
// beyond it, Tamperer and Auditor, is asked for by type assertion, and promises
// that need it are skipped where it is missing.
package storetest

import (
	"context"
	"testing"

	"chancery"
)

// Tamperer changes rows behind the store's back, in SQL that both engines
// understand, so that the suite can move a sealed value to another row.
type Tamperer interface {
	Tamper(statement string) error
}

// Auditor checks the invariants of all data; the error names those that do not hold.
type Auditor interface {
	Audit(ctx context.Context) error
}

// promise is one sentence of the contract and what shows that it is kept.
type promise struct {
	says string
	show func(*testing.T, chancery.Store)
}

// contract is all promises, by what they are about.
var contract = []struct {
	about    string
	promises []promise
}{
	{"transactions", transactions},
	{"accounts", accounts},
	{"plans", plans},
	{"orders", orders},
	{"ready keys", readyKeys},
	{"certificates", certificates},
	{"lists", lists},
	{"steps", steps},
	{"acme", acme},
	{"principals", principals},
	{"policies", policies},
	{"sessions", sessions},
	{"console", console},
	{"audit", auditLog},
	{"notices", notices},
	{"secrets", secrets},
	{"tenants", tenants},
	{"lives", lives},
}

// Run holds an engine to the contract. Each promise gets a store of its own: open
// gives an empty one, ready for use, and closes it when its test ends.
func Run(t *testing.T, open func(t *testing.T) chancery.Store) {
	for _, part := range contract {
		for _, p := range part.promises {
			t.Run(part.about+"/"+p.says, func(t *testing.T) {
				t.Parallel()
				p.show(t, open(t))
			})
		}
	}
}
