package chancery

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Store keeps everything. It promises:
//
//   - Write runs fn in one transaction that commits if and only if fn returns
//     nil; what committed survives a crash of process and machine.
//
//   - Read runs fn on one consistent state and changes nothing (but see Glance).
//
//   - fn may be run again after a conflict with another transaction, so it has
//     no effects outside its Tx, and it makes no network call.
//
//   - Secrets are sealed with the keyring and bound to their row before they are
//     written, and no error holds one.
//
//   - Every method on tenant data takes the account id, and somebody else's row
//     is ErrNotFound just as a row that does not exist.
//
//   - Writes are as if one came after another, also those of other processes on the
//     same data; fn may look first and then write. Confine is how a Write tells
//     that it need not wait for those of other accounts.
//
//   - A database that cannot be reached is ServiceUnavailable, within seconds, with
//     ErrStoreAway in it; so is one, under Hurry, that takes too long. If it was lost while a transaction was being committed,
//     nobody knows what became of it: whoever tries again must look first, as
//     submission records and steps do.
//
// store/storetest holds the suite that an implementation must pass.
type Store interface {
	Read(ctx context.Context, fn func(Tx) error) error
	Write(ctx context.Context, fn func(Tx) error) error
}

// ErrStoreAway means that the database cannot be reached.
var ErrStoreAway = errors.New("the database cannot be reached")

type confineKey struct{}

// Confine gives a context under which every Write looks at and changes rows of one
// account, so that an engine with many writers lets it run beside those of other
// accounts. Rows of others, and of nobody, it may change as well by methods that are
// one statement with its own condition, such as FinishStep or PutCRL; account 0 is
// for a Write that does nothing else. A Write under another context has the whole
// store alone.
func Confine(ctx context.Context, account AccountID) context.Context {
	return context.WithValue(ctx, confineKey{}, account)
}

// Unconfine undoes Confine, for a Write that also looks at what is common to all
// accounts before it changes that.
func Unconfine(ctx context.Context) context.Context {
	return context.WithValue(ctx, confineKey{}, nil)
}

// Confined gives the account that Confine named.
func Confined(ctx context.Context) (account AccountID, ok bool) {
	account, ok = ctx.Value(confineKey{}).(AccountID)
	return account, ok
}

type glanceKey struct{}

// Glance gives a context under which a Read needs no one consistent state: each method
// sees what was committed by then, which costs an engine less. It is for looks of one
// call, and for what whoever acts on it checks again.
func Glance(ctx context.Context) context.Context {
	return context.WithValue(ctx, glanceKey{}, true)
}

// Glances tells whether the context is one of Glance.
func Glances(ctx context.Context) bool { return ctx.Value(glanceKey{}) != nil }

type hurryKey struct{}

// Hurry gives a context for a caller who waits: all Reads and Writes under it together
// take no longer than most, on an engine that a network can keep waiting. What takes
// longer ends as ServiceUnavailable, even while a transaction is being committed.
func Hurry(ctx context.Context, most time.Duration) context.Context {
	left := new(atomic.Int64)
	left.Store(int64(most))
	return context.WithValue(ctx, hurryKey{}, left)
}

// Hurried tells a store how long a Read or Write may take, and is told how long it took.
// It is false when nobody waits.
func Hurried(ctx context.Context) (left time.Duration, took func(time.Duration), ok bool) {
	all, ok := ctx.Value(hurryKey{}).(*atomic.Int64)
	if !ok {
		return 0, nil, false
	}
	return time.Duration(all.Load()), func(d time.Duration) { all.Add(-int64(d)) }, true
}

// Tx is one transaction; it is used by one goroutine and not kept.
type Tx interface {
	AccountTx
	PlanTx
	OrderTx
	ReadyKeyTx
	CertificateTx
	ListTx
	AuthorityTx
	StepTx
	CSRTx
	ContactTx
	ACMETx
	PrincipalTx
	PolicyTx
	SessionTx
	ConsoleTx
	AuditTx
	KeyringTx
	NoticeTx
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
	// SigningKey is AccessKey and NonceUsed in one question, as every call asks both.
	SigningKey(id, nonce string) (key AccessKey, nonceUsed bool, err error)
	// AccessKeys lists the keys of an account and its users without secrets.
	AccessKeys(AccountID) ([]AccessKey, error)
	// DisableAccessKey is ErrNotFound for a key that the account does not have.
	DisableAccessKey(AccountID, string) error

	// UseNonce records a nonce of a verified request and is ErrConflict if the
	// access key used it before. The record may be forgotten after until.
	UseNonce(accessKeyID, nonce string, until time.Time) error
	// NonceUsed tells whether UseNonce would be ErrConflict.
	NonceUsed(accessKeyID, nonce string) (bool, error)
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
	// LedgerPage gives a page of it, newest first, and how many lines there are.
	LedgerPage(AccountID, Page) (lines []LedgerLine, total int64, err error)
}

// OrderTx is the part of Tx about orders, their proofs and keys.
type OrderTx interface {
	// AddOrder is ErrConflict for an id in use.
	AddOrder(Order) error
	// Order is ErrNotFound also for a deleted order.
	Order(AccountID, OrderID) (Order, error)
	// OrderOfInstance finds one by its resource id.
	OrderOfInstance(AccountID, string) (OrderID, error)
	// UpdateOrder writes what can change and is ErrConflict unless the stored
	// Version is the order's; the stored one is then one more.
	UpdateOrder(Order) error
	// IssuedOrders gives at most so many of the account's orders that are issued.
	IssuedOrders(account AccountID, most int) ([]OrderID, error)

	// OrdersUnderReview lists the proved orders of all accounts that wait for the
	// operator, oldest first.
	OrdersUnderReview() ([]Order, error)
	// AccountOfOrder finds an order's account, for the operator.
	AccountOfOrder(OrderID) (AccountID, error)

	// AddValidations keeps what must be published for an order, in its order.
	AddValidations([]Validation) error
	// Validations lists those of an order, in the order of its names.
	Validations(AccountID, OrderID) ([]Validation, error)
	// MarkProved keeps when the proof of a name was first seen.
	MarkProved(account AccountID, order OrderID, name Name, at time.Time) error
	// AddEvidence appends looks at the proof; a look that came to the same as the
	// last one in the same place is counted on that line.
	AddEvidence(AccountID, OrderID, []Evidence) error
	// Evidence lists the looks at an order's proof, oldest first.
	Evidence(AccountID, OrderID) ([]Evidence, error)

	// AddOrderKey is ErrConflict when the order has a key already.
	AddOrderKey(OrderKey) error
	OrderKey(AccountID, OrderID) (OrderKey, error)
	// DeleteOrderKey does nothing when there is none.
	// OrderKeyMade is when the order's key was given to it; it opens no key.
	OrderKeyMade(AccountID, OrderID) (time.Time, error)
	DeleteOrderKey(AccountID, OrderID) error
}

// ReadyKeyTx is the part of Tx about keys that were made ahead. Each method is one
// statement at a time with its own condition, so a Write under any Confine may call it.
type ReadyKeyTx interface {
	// AddReadyKey is ErrConflict for an id in use.
	AddReadyKey(ReadyKey) error
	// TakeReadyKey removes the oldest of an algorithm and gives it; nobody else gets
	// it unless the Write fails, and then it is there again. Those that take at once do
	// not wait for each other. ErrNotFound when there is none.
	TakeReadyKey(KeyAlgorithm) (ReadyKey, error)
	CountReadyKeys() (map[KeyAlgorithm]int64, error)
	// ForgetReadyKeys removes those that were made before.
	ForgetReadyKeys(before time.Time) error
}

// CertificateTx is the part of Tx about the certificates of accounts.
type CertificateTx interface {
	// AddCertificate is ErrConflict for an id, or a name of the account, in use.
	AddCertificate(Certificate) error
	// Certificate gives one without its keys; like all but CertificateOfOrder it is
	// ErrNotFound for a deleted one.
	Certificate(AccountID, CertificateID) (Certificate, error)
	// CertificateNamed finds one by its name in the account.
	CertificateNamed(AccountID, string) (CertificateID, error)
	// CertificateOfInstance finds one by its resource id, without its keys.
	CertificateOfInstance(AccountID, string) (Certificate, error)
	// CertificateOfOrder gives an order's, without its keys.
	CertificateOfOrder(AccountID, OrderID) (Certificate, error)
	// CertificateKeys gives one with its keys opened; they are empty where the
	// service never had them.
	CertificateKeys(AccountID, CertificateID) (Certificate, error)
	// HasCertificateKey tells whether the service has a certificate's keys.
	HasCertificateKey(AccountID, CertificateID) (bool, error)
	// UpdateCertificate writes name, resource group, tags and revocation; ErrConflict
	// for a name in use.
	UpdateCertificate(Certificate) error
	// DeleteCertificate removes one with its keys. That of an order is kept without
	// its keys, since the order has it, and is seen through CertificateOfOrder alone.
	DeleteCertificate(account AccountID, id CertificateID, now time.Time) error
}

// ListTx is the part of Tx about lists. An order or certificate is listed in the
// transaction that writes it. The status that a list shows may change by date
// alone; SettleLists brings that up to date and comes before List.
type ListTx interface {
	// SettleLists moves entries of the account (0: of all) on whose status changed
	// by now, at most so many, and tells how many it moved.
	SettleLists(account AccountID, now time.Time, most int64) (moved int, err error)
	// UnsettleLists gives the status by date at now to entries, at most so many, that
	// are said to have expired, or to do so soon, and have not: the clock was ahead.
	UnsettleLists(now time.Time, most int64) (moved int, err error)
	// ListsSettled tells whether there is nothing to move.
	ListsSettled(account AccountID, now time.Time) (bool, error)
	// List gives a page of the entries that the filter lets through, newest first,
	// and how many they are in all.
	List(AccountID, ListFilter, Page) (entries []Listed, total int64, err error)
	// ListByEnd gives a page of the certificates that end from first on and before last,
	// those that end first first, and how many they are. The filter names kinds of
	// certificates and up to four statuses; its keyword and its tag do not count.
	ListByEnd(account AccountID, filter ListFilter, first, last time.Time, page Page) (entries []Listed, total int64, err error)
	// ResourceGroups counts what is listed in each resource group that is in use.
	ResourceGroups(AccountID) ([]ResourceGroupUse, error)
	// Tags counts what is listed with each tag that is in use: at most so many tags, by
	// key and then by value, in whatever order the engine has texts, from the given one on.
	Tags(account AccountID, from Tag, most int64) ([]TagUse, error)
}

// AuthorityTx is the part of Tx about the embedded CA.
type AuthorityTx interface {
	AddAuthority(Authority) error
	// Authorities lists them with their keys, oldest first.
	Authorities() ([]Authority, error)
	// AddIssuance records what is about to be signed; ErrConflict for a serial in use.
	AddIssuance(Issuance) error
	// Issuance gives a completed or intended one by serial.
	Issuance(serial string) (Issuance, error)
	// CompleteIssuance records what was signed; ErrConflict when the order has a certificate already.
	CompleteIssuance(serial string, certificate []byte) error
	// SignedIssuance gives the order's completed issuance.
	SignedIssuance(AccountID, OrderID) (Issuance, error)

	// RevokeIssuance keeps when and why a certificate was revoked; the first time
	// stays. ErrNotFound for a serial that was never signed.
	RevokeIssuance(serial string, at time.Time, reason Reason) error
	// RevokedIssuances lists what a CRL shows of those that are good at notAfter or
	// later: serial, RevokedAt, Reason and NotAfter, in the order of revocation.
	RevokedIssuances(authority string, crl int64, notAfter time.Time) ([]Issuance, error)
	// CRL gives one of an authority's CRLs; ErrNotFound until an issuance names it.
	CRL(authority string, crl int64) (CRL, error)
	// NewestCRL gives the authority's CRL with the highest partition, without its DER.
	NewestCRL(authority string) (CRL, error)
	// LateCRLs lists CRLs of all authorities that ended before now, without their DER, that
	// which ended first first, at most so many.
	LateCRLs(now time.Time, most int) ([]CRL, error)
	// PutCRL stores what a newly made CRL says (Number, DER, Listed, Partial and its
	// times); ErrConflict unless the stored Number is one less.
	PutCRL(CRL) error
}

// StepTx is the part of Tx about background work.
type StepTx interface {
	AddStep(Step) error
	// ClaimSteps leases at most so many steps that are due and not leased, for the
	// given time by the database's clock, those due longest first.
	ClaimSteps(now time.Time, lease time.Duration, most int) ([]Step, error)
	// RenewSteps has the leases of those steps whose version is still ours last the
	// given time from now, by the database's clock, and tells which those are.
	RenewSteps(steps []Step, lease time.Duration) ([]Step, error)
	// NextStep tells when the earliest step that is neither leased nor parked is due;
	// ErrNotFound when there is none.
	NextStep() (time.Time, error)
	// RecallSteps makes due now what a clock that was ahead has put off: steps that were
	// last begun a minute or more after now, that never were and are due more than
	// FirstPause after it, or LongestPause after it; and it ends leases that are longer
	// than a lease is. It tells how many those were.
	RecallSteps(now time.Time) (recalled int64, err error)
	// FinishStep removes a step; ErrLeaseLost unless the version is still ours.
	FinishStep(Step) error
	// PostponeStep ends the lease and sets when the step is due next, with the
	// error that delayed it ("" for none); ErrLeaseLost as above.
	PostponeStep(step Step, due time.Time, lastError string) error
	// DeferStep is PostponeStep for a step that did not fail but waits, with why:
	// attempts are counted anew.
	DeferStep(step Step, due time.Time, reason string) error
	// ContinueStep says that a part of the step is done, in the transaction that holds
	// it, and that the worker goes on under its lease: whoever takes the step over is
	// to begin at once. ErrLeaseLost as above.
	ContinueStep(step Step, now time.Time) error
	// FailStep ends the lease of a step that failed and sets when it is due next, or
	// parks it; ErrLeaseLost as above.
	FailStep(Step, StepFailure) error
	// OrderSteps lists the steps of an order.
	OrderSteps(AccountID, OrderID) ([]Step, error)
	// HurryStep makes an order's step due at once, unless it ran after notSince, or is
	// leased or parked.
	HurryStep(account AccountID, order OrderID, kind StepKind, now, notSince time.Time) error
	// MarkTold counts the first time that an order's owner is told what to publish as a
	// run of its AdvanceOrder step, if that did not run yet: before it, nobody can have
	// published.
	MarkTold(account AccountID, order OrderID, now time.Time) error
	// DeleteOrderSteps removes an order's background work, save for RevokeOrder:
	// what is revoked stays so whatever becomes of the order.
	DeleteOrderSteps(AccountID, OrderID) error

	// Steps lists at most so many for the operator: the parked ones parked longest
	// first, others due first.
	Steps(filter StepFilter, most int) ([]Step, error)
	// Step finds one by its id, for the operator.
	Step(id int64) (Step, error)
	// RetryStep makes a step due, parked or not, and forgets how it failed; ErrConflict
	// while it is leased.
	RetryStep(id int64, now time.Time) error
	// StepBacklog counts the steps of all accounts that are parked or waiting.
	StepBacklog(now time.Time) (StepBacklog, error)
}

// CSRTx is the part of Tx about the CSR stores of accounts.
type CSRTx interface {
	// AddCSR is ErrConflict for an id in use.
	AddCSR(StoredCSR) error
	// CSR gives one without its key.
	CSR(AccountID, CSRID) (StoredCSR, error)
	// CSRKey gives one with its key opened; that is empty where the store has none.
	CSRKey(AccountID, CSRID) (StoredCSR, error)
	// CSRByKey finds the newest with this KeySHA2 that the store has the private key of.
	CSRByKey(account AccountID, keySHA2 string) (CSRID, error)
	// UpdateCSR writes the key; it is ErrConflict when there is one already.
	UpdateCSR(StoredCSR) error
	// DeleteCSR removes one with its key; ErrNotFound when there is none.
	DeleteCSR(AccountID, CSRID) error
	// CSRAwaited tells whether an open order will take its key from the CSR.
	CSRAwaited(AccountID, CSRID) (bool, error)
	// OrdersOfCSR lists the orders whose certificate has, or will have, the key of the
	// CSR, each with its certificate or 0.
	OrdersOfCSR(AccountID, CSRID) (map[OrderID]CertificateID, error)
	// ListCSRs gives a page of them without keys, the newest first, and how many there are.
	ListCSRs(AccountID, CSRFilter, Page) (list []StoredCSR, total int64, err error)
}

// ContactTx is the part of Tx about the contacts and companies of accounts.
type ContactTx interface {
	// AddContact is ErrConflict for an id in use.
	AddContact(Contact) error
	Contact(account AccountID, id int64) (Contact, error)
	// NewestContact is ErrNotFound when the account has none.
	NewestContact(AccountID) (Contact, error)
	// UpdateContact and DeleteContact are ErrNotFound when there is none.
	UpdateContact(Contact) error
	DeleteContact(account AccountID, id int64) error
	// ListContacts gives a page of those with keyword in name, e-mail address or mobile
	// number, in any case, the newest first, and how many there are.
	ListContacts(account AccountID, keyword string, page Page) (list []Contact, total int64, err error)

	// AddCompany is ErrConflict for an id in use.
	AddCompany(Company) error
	Company(account AccountID, id int64) (Company, error)
	// NewestCompany is ErrNotFound when the account has none.
	NewestCompany(AccountID) (Company, error)
	// CompanyNamed finds the newest of exactly this name.
	CompanyNamed(account AccountID, name string) (Company, error)
	// UpdateCompany and DeleteCompany are ErrNotFound when there is none.
	UpdateCompany(Company) error
	DeleteCompany(account AccountID, id int64) error
	// ListCompanies gives a page of those that the filter picks, the newest first,
	// and how many there are.
	ListCompanies(AccountID, CompanyFilter, Page) (list []Company, total int64, err error)
}

// PrincipalTx is the part of Tx about the users, groups and roles of accounts.
type PrincipalTx interface {
	// AddUser, AddGroup and AddRole are ErrConflict for an id, or a name of the
	// account, in use.
	AddUser(User) error
	AddGroup(Group) error
	AddRole(Role) error
	User(account AccountID, name string) (User, error)
	UserOfID(account AccountID, id int64) (User, error)
	Group(account AccountID, name string) (Group, error)
	Role(account AccountID, name string) (Role, error)
	RoleOfID(account AccountID, id int64) (Role, error)
	// Users, Groups and Roles list an account's by name.
	Users(AccountID) ([]User, error)
	Groups(AccountID) ([]Group, error)
	Roles(AccountID) ([]Role, error)
	// UpdateRole writes description, trust and longest session.
	UpdateRole(Role) error
	// DeleteUser, DeleteGroup and DeleteRole remove one with what hangs on it:
	// memberships, attachments, access keys, sessions.
	DeleteUser(account AccountID, id int64) error
	DeleteGroup(account AccountID, id int64) error
	DeleteRole(account AccountID, id int64) error

	// AddMember puts a user into a group and is ErrNotFound unless the account has
	// both; RemoveMember takes one out. Both do nothing when it is so already.
	AddMember(account AccountID, group, user int64) error
	RemoveMember(account AccountID, group, user int64) error
	// Members lists a group's users by name.
	Members(account AccountID, group int64) ([]User, error)
}

// PolicyTx is the part of Tx about policies and who has them.
type PolicyTx interface {
	// AddPolicy is ErrConflict for a name in use.
	AddPolicy(PolicyDocument) error
	Policy(account AccountID, name string) (PolicyDocument, error)
	Policies(AccountID) ([]PolicyDocument, error)
	// UpdatePolicy writes description and document.
	UpdatePolicy(PolicyDocument) error
	// DeletePolicy is ErrConflict while somebody has the policy.
	DeletePolicy(account AccountID, name string) error
	// AttachPolicy and DetachPolicy do nothing when it is so already. AttachPolicy is
	// ErrNotFound unless the account has the user, group or role.
	AttachPolicy(Attachment) error
	DetachPolicy(Attachment) error
	// Attachments lists all of an account.
	Attachments(AccountID) ([]Attachment, error)
	// PoliciesOf gives the policies of a user, with those of the user's groups, or of a role.
	PoliciesOf(Principal) ([]Attached, error)
}

// SessionTx is the part of Tx about temporary credentials.
type SessionTx interface {
	// AddSession is ErrConflict for an id in use.
	AddSession(Session) error
	// Session gives one with its secret, also a revoked or expired one: for authentication only.
	Session(accessKeyID string) (Session, error)
	// Sessions lists an account's that have not expired, newest first, without secrets.
	Sessions(account AccountID, now time.Time) ([]Session, error)
	// RevokeSession is ErrNotFound for one that the account does not have; the first
	// revocation stays.
	RevokeSession(account AccountID, accessKeyID string, now time.Time) error
	// RevokeSessions revokes all of a role and tells how many were open.
	RevokeSessions(account AccountID, role int64, now time.Time) (int64, error)
	// ForgetSessions removes those that expired before.
	ForgetSessions(before time.Time) error
}

// ConsoleTx is the part of Tx about the console: who may operate the instance from
// it, what people sign in with, and who is signed in.
type ConsoleTx interface {
	// SetOperator says whether an account's principals may make the operator's calls.
	SetOperator(account AccountID, operator bool) error

	// ConsoleLogin is ErrNotFound for a user who has none.
	ConsoleLogin(account AccountID, user int64) (ConsoleLogin, error)
	// PutConsoleLogin writes one, over what there is.
	PutConsoleLogin(ConsoleLogin) error
	// DeleteConsoleLogin does nothing when there is none.
	DeleteConsoleLogin(account AccountID, user int64) error
	// UseConsoleCode keeps that the code of a time step was used; ErrConflict if it, or
	// that of a later step, was before.
	UseConsoleCode(account AccountID, user, step int64) error

	AddConsoleSession(ConsoleSession) error
	// ConsoleSession finds one by its hash, also one that has ended.
	ConsoleSession(idHash []byte) (ConsoleSession, error)
	// ConsoleSessions lists an account's, newest first.
	ConsoleSessions(AccountID) ([]ConsoleSession, error)
	// SeeConsoleSession keeps when a session was last used.
	SeeConsoleSession(idHash []byte, at time.Time) error
	// DeleteConsoleSession is ErrNotFound for one that the account does not have.
	DeleteConsoleSession(account AccountID, idHash []byte) error
	// DeleteConsoleSessions ends all of a user; 0: of the account itself.
	DeleteConsoleSessions(account AccountID, user int64) error

	AddConsoleLink(ConsoleLink) error
	// TakeConsoleLink gives a link and removes it, so that one of several takes it.
	TakeConsoleLink(tokenHash []byte) (ConsoleLink, error)

	// CountAttempt counts an attempt to sign in and gives how many there were, this
	// one too, and when they are forgotten: at until, if this is the first.
	CountAttempt(subject []byte, now, until time.Time) (attempts int64, forgotten time.Time, err error)
	// ForgiveAttempt takes one attempt back, ForgetAttempts all.
	ForgiveAttempt(subject []byte) error
	ForgetAttempts(subject []byte) error

	// SweepConsole removes sessions that ended or were last used before idle, links and
	// attempts whose time is over.
	SweepConsole(now, idle time.Time) error

	// Endings counts the account's valid certificates by the day on which they end,
	// days counted from first.
	Endings(account AccountID, first, last time.Time) (map[int]int64, error)
}

// AuditTx is the part of Tx about the audit log.
type AuditTx interface {
	// AppendAudit numbers a line, chains it to the account's last one, and seals the
	// new end of the chain.
	AppendAudit(AuditLine) error
	AuditLines(AccountID, AuditFilter) ([]AuditLine, error)
	// ForgetAudit removes an account's oldest lines up to the first that is of a time
	// or later, at most so many, and keeps where the chain now begins.
	ForgetAudit(account AccountID, before time.Time, most int64) (removed int64, err error)
}

// KeyringTx is the part of Tx about what secrets are sealed with.
type KeyringTx interface {
	// StaleSecrets lists sealed values that stand after a place, of whatever account,
	// and are sealed with another key than the keyring's newest, by their places and at
	// most so many.
	StaleSecrets(after SealedPlace, most int) ([]SealedValue, error)
	// Reseal seals a value anew with the newest key, unless it was changed or removed
	// since it was read, or is being changed: then it does nothing. It is ErrDoesNotOpen
	// for a damaged value.
	Reseal(SealedValue) error
}

// ErrDoesNotOpen means that a sealed value is damaged, or not of its place.
var ErrDoesNotOpen = errors.New("a sealed value does not open")

// SealedPlace is where a sealed value stands; they have an order, in which the zero
// value comes before all.
type SealedPlace struct {
	Column int    // of those that hold sealed values
	ID     int64  // of the row, where that is a number
	Name   string // of the row, where it is not
}

// SealedValue is a sealed value as it was read.
type SealedValue struct {
	Place     SealedPlace
	AccountID AccountID // 0 for a value of the service
	Sealed    []byte
}
