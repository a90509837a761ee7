package chancery

import (
	"context"
	"time"
)

// Store keeps everything. It promises:
//
//   - Write runs fn in one transaction that commits if and only if fn returns
//     nil; what committed survives a crash of process and machine.
//   - Read runs fn on one consistent state and changes nothing.
//   - fn may be run again after a conflict with another transaction, so it has
//     no effects outside its Tx, and it makes no network call.
//   - Secrets are sealed with the keyring and bound to their row before they are
//     written, and no error holds one.
//   - Every method on tenant data takes the account id, and somebody else's row
//     is ErrNotFound just as a row that does not exist.
//
// store/storetest holds the suite that an implementation must pass.
type Store interface {
	Read(ctx context.Context, fn func(Tx) error) error
	Write(ctx context.Context, fn func(Tx) error) error
}

// Tx is one transaction; it is used by one goroutine and not kept.
type Tx interface {
	AccountTx
	PlanTx
	OrderTx
	CertificateTx
	AuthorityTx
	StepTx
}

// AccountTx is the part of Tx about accounts and who signs for them.
type AccountTx interface {
	AddAccount(Account) error
	// Account is ErrNotFound for an unknown id.
	Account(AccountID) (Account, error)
	Accounts() ([]Account, error)

	// AddAccessKey is ErrConflict for an id in use.
	AddAccessKey(AccessKey) error
	// AccessKey gives the key with its secret: for authentication only.
	AccessKey(id string) (AccessKey, error)
	// AccessKeys lists an account's keys without secrets.
	AccessKeys(AccountID) ([]AccessKey, error)
	// DisableAccessKey is ErrNotFound for a key that the account does not have.
	DisableAccessKey(AccountID, string) error

	// UseNonce records a nonce of a verified request and is ErrConflict if the
	// access key used it before. The record may be forgotten after until.
	UseNonce(accessKeyID, nonce string, until time.Time) error
	// ForgetNonces removes the records whose time has run out.
	ForgetNonces(now time.Time) error

	// DeleteSubmissionsBefore removes records that ran out.
	DeleteSubmissionsBefore(time.Time) error
	// Submission gives the record under an account's key that has not run out.
	Submission(account AccountID, key []byte, now time.Time) (Submission, error)
	// PutSubmission writes a record, over one that has run out or whose order is no longer open.
	PutSubmission(Submission) error
}

// PlanTx is the part of Tx about quota.
type PlanTx interface {
	// AddPlan stores a plan and gives it its id.
	AddPlan(Plan) (Plan, error)
	Plans(AccountID) ([]Plan, error)
	// TakeUnit takes one unit of the plan that ends first for the order, and
	// writes its ledger line. It is ErrNotFound when no plan has a unit left.
	TakeUnit(account AccountID, product string, order OrderID, now time.Time) (planID int64, err error)
	// ReturnUnit gives the order's unit back to its plan, with a ledger line, the
	// first time it is called for the order, and does nothing after that.
	ReturnUnit(account AccountID, order OrderID, now time.Time) error
	Quota(account AccountID, product string, now time.Time) (Quota, error)
	Ledger(AccountID) ([]LedgerLine, error)
}

// OrderTx is the part of Tx about orders, their proofs and keys.
type OrderTx interface {
	// AddOrder is ErrConflict for an id in use.
	AddOrder(Order) error
	// Order is ErrNotFound also for a deleted order.
	Order(AccountID, OrderID) (Order, error)
	// UpdateOrder writes what can change and is ErrConflict unless the stored
	// Version is the order's; the stored one is then one more.
	UpdateOrder(Order) error

	AddValidation(Validation) error
	Validation(AccountID, OrderID) (Validation, error)
	// AddEvidence appends looks at the proof; a look that came to the same as the
	// last one in the same place is counted on that line.
	AddEvidence(AccountID, OrderID, []Evidence) error
	// Evidence lists the looks at an order's proof, oldest first.
	Evidence(AccountID, OrderID) ([]Evidence, error)

	// AddOrderKey is ErrConflict when the order has a key already.
	AddOrderKey(OrderKey) error
	OrderKey(AccountID, OrderID) (OrderKey, error)
	// DeleteOrderKey does nothing when there is none.
	DeleteOrderKey(AccountID, OrderID) error
}

// CertificateTx is the part of Tx about issued certificates.
type CertificateTx interface {
	// AddCertificate is ErrConflict for an id in use.
	AddCertificate(Certificate) error
	// Certificate gives one without its key.
	Certificate(AccountID, CertificateID) (Certificate, error)
	// CertificateKey gives the sealed key opened; it is empty when the service never had it.
	CertificateKey(AccountID, CertificateID) (Secret, error)
}

// AuthorityTx is the part of Tx about the embedded CA.
type AuthorityTx interface {
	AddAuthority(Authority) error
	// Authorities lists them with their keys, oldest first.
	Authorities() ([]Authority, error)
	// AddIssuance records what is about to be signed; ErrConflict for a serial in use.
	AddIssuance(Issuance) error
	// CompleteIssuance records what was signed; ErrConflict when the order has a certificate already.
	CompleteIssuance(serial string, certificate []byte) error
	// SignedIssuance gives the order's completed issuance.
	SignedIssuance(AccountID, OrderID) (Issuance, error)
}

// StepTx is the part of Tx about background work.
type StepTx interface {
	AddStep(Step) error
	// ClaimSteps leases at most so many steps that are due and not leased, for the
	// given time by the database's clock, those due longest first.
	ClaimSteps(now time.Time, lease time.Duration, most int) ([]Step, error)
	// NextStep tells when the earliest step that is not leased is due; ErrNotFound when there is none.
	NextStep() (time.Time, error)
	// FinishStep removes a step; ErrLeaseLost unless the version is still ours.
	FinishStep(Step) error
	// PostponeStep ends the lease and sets when the step is due next, with the
	// error that delayed it ("" for none); ErrLeaseLost as above.
	PostponeStep(step Step, due time.Time, lastError string) error
	// OrderSteps lists the steps of an order.
	OrderSteps(AccountID, OrderID) ([]Step, error)
	// HurryStep makes an order's step due at once, unless it ran after notSince or is leased.
	HurryStep(account AccountID, order OrderID, kind StepKind, now, notSince time.Time) error
	// DeleteOrderSteps removes an order's background work.
	DeleteOrderSteps(AccountID, OrderID) error
}
