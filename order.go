package chancery

import (
	"fmt"
	"time"
)

// OrderID is random and below 2^53, so that it tells nothing and keeps its
// digits in JavaScript.
type OrderID int64

// NewOrderID draws an id of 12 to 16 digits.
func NewOrderID() OrderID { return OrderID(randomBetween(100_000_000_000, 1<<53)) }

// NewInstanceID draws the resource id that an order and its certificate share.
func NewInstanceID() string {
	return "cas-ivauto-" + randomText("abcdefghijklmnopqrstuvwxyz0123456789", 12)
}

// Order is one certificate application and its whole life. Every write compares
// Version with the one that was read.
type Order struct {
	ID          OrderID
	AccountID   AccountID
	InstanceID  string
	AccessKeyID string // the key that signed the application
	ProductCode string
	PlanID      int64
	Names       Names
	Method      Method
	Applicant   Applicant
	Company     string // OV: the organisation that applies
	Tags        []Tag
	// ResourceGroup is where the account files the order and its certificate.
	ResourceGroup string
	// CSR is the applicant's own PKCS #10 request in DER; empty when the service
	// makes key and CSR.
	CSR []byte
	// CSRID is the entry of the account's CSR store that the CSR is from; 0 for none.
	// If the entry has a key, the certificate gets it.
	CSRID CSRID
	// Review is the operator's decision on the order, where its product asks for one.
	Review Review
	// Renews is the order that this one renews; 0 for none.
	Renews OrderID

	State  State
	Reason string // why it failed, for the applicant

	CreatedAt     time.Time
	ProveBy       time.Time // unproved by then, it fails
	ProvedAt      time.Time // zero until the proof was seen
	IssuedAt      time.Time // zero until issued
	CertificateID CertificateID
	Version       int64
}

// Applicant is who applies, free-form as the API takes it.
type Applicant struct {
	Username string
	Phone    string
	Email    string
}

// State is where an order is in its life. The text is DescribeCertificateState's
// Type, save for Deleted, which no caller ever sees.
type State string

// The states of an order.
const (
	Payed        State = "payed"         // withdrawn: nothing is submitted
	DomainVerify State = "domain_verify" // waits for the applicant's proof
	Process      State = "process"       // proved; the issuer is at work
	VerifyFail   State = "verify_fail"   // not proved in time, or refused by the issuer
	Issued       State = "certificate"   // the certificate is there
	Revoked      State = "revoked"       // the certificate was revoked; DescribeCertificateState has no word for it
	Deleted      State = "deleted"       // gone; its unit was given back
)

// States are all of them.
var States = []State{Payed, DomainVerify, Process, VerifyFail, Issued, Revoked, Deleted}

// Event is what happens to an order.
type Event string

// The events of an order's life.
const (
	Proved    Event = "proved"    // the proof was seen
	TimedOut  Event = "timed out" // no proof by ProveBy
	Refused   Event = "refused"   // the issuer will not issue
	Reopened  Event = "reopened"  // the issuer wants new proofs
	Signed    Event = "signed"    // the issuer's certificate passed our checks
	Withdrawn Event = "withdrawn" // CancelOrderRequest
	Removed   Event = "removed"   // DeleteCertificateRequest
	Rejected  Event = "rejected"  // the operator's review
	Recalled  Event = "revoked"   // CancelCertificateForPackageRequest, or the operator
)

// Transition is one row of the life of an order.
type Transition struct {
	From   State
	On     Event
	To     State
	Effect string // what else commits with it
}

// Transitions is the whole life of an order: nothing else changes a state.
var Transitions = []Transition{
	{DomainVerify, Proved, Process, "the time of the proof is kept"},
	{DomainVerify, TimedOut, VerifyFail, "the reason names the last look at the proof"},
	{DomainVerify, Refused, VerifyFail, "the reason is the issuer's"},
	{DomainVerify, Withdrawn, Payed, "background work and an unused key are removed; the unit stays with the order"},
	{Process, Signed, Issued, "certificate and sealed key are stored"},
	{Process, Refused, VerifyFail, "the reason is the issuer's"},
	{Process, Reopened, DomainVerify, "the proofs are taken back, and the issuer is asked for new ones"},
	{Process, Rejected, VerifyFail, "the reason is the reviewer's"},
	{Process, Withdrawn, Payed, "background work and an unused key are removed; the unit stays with the order"},
	{VerifyFail, Removed, Deleted, "the unit goes back to its plan, once"},
	{Payed, Removed, Deleted, "the unit goes back to its plan, once"},
	{Issued, Recalled, Revoked, "the issuer is told; the unit goes back to its plan within 30 days of issuance"},
}

// Apply moves the order on, or answers OrderStateError with the state it is in
// and changes nothing.
func (o *Order) Apply(event Event) error {
	for _, t := range Transitions {
		if t.From == o.State && t.On == event {
			o.State = t.To
			return nil
		}
	}
	return Errorf(OrderStateError, "order %d is in state %s, in which it cannot be %s", o.ID, o.State, event)
}

// Review is where an order stands with the operator.
type Review string

// An order whose product asks for no review has none.
const (
	NoReview      Review = ""
	ReviewPending Review = "pending"
	ReviewPassed  Review = "approved"
)

// Open tells whether work on the order goes on.
func (o *Order) Open() bool { return o.State == DomainVerify || o.State == Process }

// MakesKey tells whether the service makes the key and CSR of this order.
func (o *Order) MakesKey() bool { return len(o.CSR) == 0 }

// OrderKey is the private key and CSR that the service made for an order, kept
// with the order until its certificate takes the key over.
type OrderKey struct {
	OrderID   OrderID
	AccountID AccountID
	Key       Secret // PEM, "RSA PRIVATE KEY" or "EC PRIVATE KEY"
	CSR       []byte // PKCS #10 in DER
	CreatedAt time.Time
}

// Submission remembers an application, so that the same one sent again (clients
// retry after a cut connection) is answered with the first order.
type Submission struct {
	AccountID AccountID
	// Key is a hash over what makes two submissions the same: the client token, or
	// access key, operation and parameters.
	Key []byte
	// Content is a hash over operation and parameters.
	Content   []byte
	OrderID   OrderID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// String is for logs.
func (o *Order) String() string { return fmt.Sprintf("order %d (%s, %s)", o.ID, o.Names, o.State) }
