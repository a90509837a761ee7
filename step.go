package chancery

import "time"

// StepKind names a kind of background work; package work has a row for each.
type StepKind string

// The kinds of steps.
const (
	AdvanceOrder  StepKind = "advance_order"  // look at the proof, then have the issuer sign
	PrepareKey    StepKind = "prepare_key"    // make key and CSR for an order
	Sweep         StepKind = "sweep"          // remove nonces and submissions that have run out
	RevokeOrder   StepKind = "revoke_order"   // tell the issuer that an order's certificate is revoked
	OpenOrder     StepKind = "open_order"     // have the issuer say what to publish
	AskRenewal    StepKind = "ask_renewal"    // ask the issuer when to renew an order's certificate
	Reseal        StepKind = "reseal"         // seal every secret anew after the keyring was rotated
	DeliverNotice StepKind = "deliver_notice" // take a notice to one target
	FindExpiring  StepKind = "find_expiring"  // tell of certificates that end soon
	FindTrouble   StepKind = "find_trouble"   // tell of plans that are nearly used and of CAs that fail
)

// Step is a piece of background work: a row that commits together with what
// makes it necessary. Whoever works on it holds a lease; every commit of the
// work compares Version, so that a worker that was away too long changes nothing.
// One that keeps failing is parked: nobody begins it until the operator says so.
type Step struct {
	ID        int64
	Kind      StepKind
	AccountID AccountID // 0 for work that belongs to no account
	OrderID   OrderID   // 0 likewise
	Subject   int64     // the id of what else it is about: a delivery; else 0
	DueAt     time.Time
	Attempts  int64 // how often it was begun since it last went well
	LastRunAt time.Time
	LastError string // for the applicant
	Cause     string // LastError in full, for the operator alone
	ParkedAt  time.Time
	Version   int64
}

// StepFailure is what becomes of a step that failed.
type StepFailure struct {
	// Due is when it is tried again, unless it is parked.
	Due time.Time
	// ParkedAt parks it, if not zero.
	ParkedAt time.Time
	// Reason is for the applicant, and Cause for the operator.
	Reason, Cause string
}

// StepFilter picks steps for the operator to see.
type StepFilter struct {
	Parked bool    // only those
	Order  OrderID // only this order's, if not 0
}

// StepBacklog tells how background work stands.
type StepBacklog struct {
	Parked map[StepKind]int64
	// Waiting are those that are due and that nobody has in hand.
	Waiting map[StepKind]int64
	// OldestDue is when the first of those became due; zero when nothing waits.
	OldestDue time.Time
}

// What a step's pauses come to at most. A step that is due later than that was put off
// by a clock that was ahead (StepTx.RecallSteps).
const (
	FirstPause   = 10 * time.Minute    // of a step that is new
	LongestPause = 32 * 24 * time.Hour // of any; who is asked to wait for longer looks in between
)
