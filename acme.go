package chancery

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// LocalIssuer is the name of the embedded CA among issuers.
const LocalIssuer = "local"

var issuerName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)

// CheckIssuerName refuses what is no name for an issuer besides LocalIssuer.
func CheckIssuerName(name string) error {
	if !issuerName.MatchString(name) || name == LocalIssuer {
		return fmt.Errorf("%q is no name for an issuer: take up to 31 lower-case letters, digits and hyphens, and not %q", name, LocalIssuer)
	}
	return nil
}

// Prover is an Issuer that sets its own proofs, as ACME CAs do.
//
// Open makes an order at the CA, or finds the one that it has made before, and
// gives what to publish for each name. It may be called again after a crash at any
// point, and never has a second order at the CA while the first one lives. Its
// errors are those of Issue. Implementations are safe for concurrent use.
type Prover interface {
	Open(ctx context.Context, request OpenRequest) ([]Validation, error)
}

// OpenRequest asks for the proofs of an order.
type OpenRequest struct {
	AccountID AccountID
	OrderID   OrderID
	Names     Names
	Method    Method
	// ProveBy is when the order fails for want of a proof.
	ProveBy time.Time
}

// WaitError is an issuer's "not now": nothing failed, and the issuer wants to be
// asked again at Until, not earlier. Reason is for the applicant.
type WaitError struct {
	Until  time.Time
	Reason string
}

// Error implements error.
func (w *WaitError) Error() string { return w.Reason }

// ReopenError is an issuer's word that what was proved counts no more: the order
// needs new proofs, which Open will give. Reason is for the applicant.
type ReopenError struct{ Reason string }

// Error implements error.
func (r *ReopenError) Error() string { return r.Reason }

// Renewal is when a CA suggests to renew a certificate (RFC 9773).
type Renewal struct {
	OrderID   OrderID
	AccountID AccountID
	// Start and End bound the suggested window.
	Start, End time.Time
	// Explanation is a page of the CA that tells why, or "".
	Explanation string
	FetchedAt   time.Time
}

// Reclaimer is an Issuer that may have made a certificate that nobody will get: the
// order was withdrawn while it was at work.
//
// Reclaim revokes that certificate, if there is one. It may be called again after a
// crash at any point, and its errors are those of Issue.
type Reclaimer interface {
	Reclaim(ctx context.Context, account AccountID, order OrderID) error
}

// RenewalAdviser is an Issuer that suggests when to renew what it issued.
//
// Renewal asks the CA once, for an order's certificate in PEM, and says when to
// ask again. It is ErrNotFound if the CA has no opinion.
type RenewalAdviser interface {
	Renewal(ctx context.Context, certificate Certificate) (renewal Renewal, next time.Time, err error)
}

// ACMEIssuer is an ACME CA as the operator configured it.
type ACMEIssuer struct {
	Name      string
	Directory string
	// Contacts are URLs for the CA's notices, as mailto:ops@example.com.
	Contacts []string
	// EABKeyID and EABKey bind the account to one that exists at the CA (RFC 8555,
	// 7.3.4); empty where the CA needs none.
	EABKeyID string
	EABKey   Secret // the MAC key's bytes
	// Profile is one that the CA's directory lists; "" is the CA's choice.
	Profile string
	// PreferredChain is the common name of an issuer in the chain to take, if the CA
	// offers several; "" is the CA's first.
	PreferredChain string
	// CABundle is PEM of roots for the CA's own HTTPS, in place of the system's.
	CABundle string
	// OrdersLimit orders may be opened in OrdersWindow; 0 is no limit.
	OrdersLimit  int64
	OrdersWindow time.Duration
	// Concurrency is how many calls a node makes to the CA at once; 0 is the default.
	Concurrency int64
	// Fallbacks are the issuers that may take over an order, in this order.
	Fallbacks []string
	// AllowHTTP lets the CA be without TLS: for test directories alone.
	AllowHTTP bool
	CreatedAt time.Time
}

// ACMEAccount is the account that the service has at an issuer.
type ACMEAccount struct {
	Issuer    string
	Key       Secret // PKCS #8 in DER
	URL       string // "" until the CA was told of the key
	CreatedAt time.Time
}

// ACMEOrder is where the CA's order for one of ours stands. It is written before
// the next thing is asked of the CA; every write compares Version.
type ACMEOrder struct {
	OrderID   OrderID
	AccountID AccountID
	// Issuer has the order now; Tried had it before and gave it up.
	Issuer string
	Tried  []string
	// Openings counts the orders that were opened at CAs for it. BeganAgain: the
	// present issuer was asked for a second one already.
	Openings   int64
	BeganAgain bool

	// URL, Finalize and Certificate are the CA's; "" until it gave them.
	URL, Finalize, Certificate string
	Authorizations             []ACMEAuthorization
	ExpiresAt                  time.Time // of the CA's order; zero: unknown
	// FinalizedAt is when the CSR was about to be sent to the CA; zero: not yet.
	FinalizedAt time.Time

	// FailingSince is when the CA began to fail without a word; zero: it does not.
	FailingSince time.Time
	// NotBefore is when the CA may be asked again, Problem what it said.
	NotBefore time.Time
	Problem   string
	Version   int64
}

// ACMEAuthorization is one name's authorization at the CA.
type ACMEAuthorization struct {
	URL string `json:"url"`
	// Name is empty until the authorization was read.
	Name      Name   `json:"name,omitempty"`
	Challenge string `json:"challenge,omitempty"` // the URL to tell the CA at
	// Own: the CA's proof is, or could be, somebody else's, so the order shows one of
	// Chancery's own. OwnSeen: that one was seen.
	Own     bool `json:"own,omitempty"`
	OwnSeen bool `json:"ownSeen,omitempty"`
	// Told: the CA was, or was about to be, asked to look.
	Told bool `json:"told,omitempty"`
}

// Close forgets the order at the CA, so that the next Open makes a new one.
func (o *ACMEOrder) Close() {
	o.URL, o.Finalize, o.Certificate = "", "", ""
	o.Authorizations = nil
	o.ExpiresAt, o.FinalizedAt, o.FailingSince, o.NotBefore = time.Time{}, time.Time{}, time.Time{}, time.Time{}
}

// ACMETx is the part of Tx about ACME CAs.
type ACMETx interface {
	// AddACMEIssuer is ErrConflict for a name in use.
	AddACMEIssuer(ACMEIssuer) error
	ACMEIssuer(name string) (ACMEIssuer, error)
	// ACMEIssuers lists them by name.
	ACMEIssuers() ([]ACMEIssuer, error)
	// DeleteACMEIssuer removes one with its account key.
	DeleteACMEIssuer(name string) error
	// OpenACMEOrders counts the open orders that an issuer has.
	OpenACMEOrders(issuer string) (int64, error)

	// AddACMEAccount is ErrConflict when the issuer has a key already.
	AddACMEAccount(ACMEAccount) error
	ACMEAccount(issuer string) (ACMEAccount, error)
	// SetACMEAccountURL keeps the CA's name of the account.
	SetACMEAccountURL(issuer, url string) error

	// AddACMEOrder begins the record of an order that an issuer is to have.
	AddACMEOrder(account AccountID, order OrderID, issuer string) error
	ACMEOrder(AccountID, OrderID) (ACMEOrder, error)
	// UpdateACMEOrder is ErrConflict unless the stored Version is the order's, and
	// ErrTaken if another open order has its URL.
	UpdateACMEOrder(ACMEOrder) error
	// ClaimACMEAuthorization tells whose authorization this is: the first order that
	// claims one has it for good.
	ClaimACMEAuthorization(url string, account AccountID, order OrderID) (owner OrderID, ownerAccount AccountID, err error)

	// AddACMEOpening notes that an order was opened at an issuer.
	AddACMEOpening(issuer string, at time.Time) error
	// ACMEOpenings counts those after since and dates the oldest of them; older ones
	// are forgotten.
	ACMEOpenings(issuer string, since time.Time) (count int64, oldest time.Time, err error)
	// ForgetACMEOpenings forgets those of an issuer until then.
	ForgetACMEOpenings(issuer string, until time.Time) error

	// SetProof writes what to publish for a name, not yet proved; an empty token
	// takes the proof back.
	SetProof(Validation) error

	// PutRenewal keeps the newest suggestion for an order's certificate.
	PutRenewal(Renewal) error
	Renewal(AccountID, OrderID) (Renewal, error)
}
