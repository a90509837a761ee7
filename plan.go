package chancery

import "time"

// Plan is a certificate resource plan: Total applications of one product,
// granted until a date. Used is how many orders hold a unit of it now; it never
// exceeds Total.
type Plan struct {
	ID          int64
	AccountID   AccountID
	ProductCode string
	Total       int64
	Used        int64
	GrantedAt   time.Time
	// ExpiresAt is when no further unit can be taken; zero means never.
	ExpiresAt time.Time
}

// Expired tells whether units can no longer be taken from the plan.
func (p Plan) Expired(now time.Time) bool {
	return !p.ExpiresAt.IsZero() && !now.Before(p.ExpiresAt)
}

// LedgerKind tells what a ledger line did to its plan.
type LedgerKind string

// An order takes one unit, and gives it back at most once.
const (
	Debit  LedgerKind = "debit"
	Refund LedgerKind = "refund"
)

// LedgerLine explains one unit of a plan by the order that took it or gave it
// back. There is at most one line of each kind for an order.
type LedgerLine struct {
	AccountID AccountID
	PlanID    int64
	OrderID   OrderID
	Kind      LedgerKind
	At        time.Time
}

// Quota is what DescribePackageState tells of one product. Total counts plans
// that can still be used and, of expired ones, only the units that orders hold,
// so that Total minus Used is always what is left to take.
type Quota struct {
	Total  int64
	Used   int64
	Issued int64
}

// MaxGrant bounds one grant of units.
const MaxGrant = 1_000_000_000

// FreePlanUnits is how many units of the default product a new instance's first account gets.
const FreePlanUnits = 20
