package chancery

import (
	"context"
	"strings"
	"time"
)

// Method is how control of a domain is proved.
type Method string

// The two methods of the API's ValidateType.
const (
	DNS  Method = "DNS"
	FILE Method = "FILE"
)

// ParseMethod reads ValidateType, in any letter case as clients send it.
func ParseMethod(text string) (Method, error) {
	for _, m := range []Method{DNS, FILE} {
		if strings.EqualFold(text, string(m)) {
			return m, nil
		}
	}
	return "", Errorf(InvalidParameter, "ValidateType: %q is not DNS or FILE", text)
}

// Where a proof is published.
const (
	// ProofLabel is the label before the name at which the TXT record stands
	// (BR 3.2.2.4.7 wants one that begins with an underscore).
	ProofLabel = "_dnsauth"
	// ProofPath is the path of the file (BR 3.2.2.4.18).
	ProofPath = "/.well-known/pki-validation/fileauth.txt"
	// ACMEProofLabel and ACMEProofPath are where ACME CAs look (RFC 8555, 8.3 and
	// 8.4); the token of the challenge follows the path.
	ACMEProofLabel = "_acme-challenge"
	ACMEProofPath  = "/.well-known/acme-challenge/"
)

// Validation is domain control validation of one name of an order: what the
// applicant must publish.
type Validation struct {
	OrderID   OrderID
	AccountID AccountID
	// Name is the name to prove, without a wildcard label.
	Name   Name
	Method Method
	// Token is the value of the TXT record or the content of the file: the same for
	// all names of an order where the proof is Chancery's own, and for each its own
	// where it is the CA's. It is empty until the CA has given it.
	Token string
	// Place is where a CA wants it: the full name of the record or the path of the
	// file. It is empty where the proof is Chancery's own.
	Place string
	// ExpiresAt is when the CA takes the proof no more; zero: as long as the order waits.
	ExpiresAt time.Time
	// ProvedAt is when the proof was seen; zero until then.
	ProvedAt time.Time
}

// MadeAt is when a proof of Chancery's own was made, to the second, with which its token
// begins; zero for a CA's own, and until there is one.
func (v Validation) MadeAt() time.Time {
	if v.Place != "" || len(v.Token) < len(tokenTime) {
		return time.Time{}
	}
	at, _ := time.Parse(tokenTime, v.Token[:len(tokenTime)]) // zero for what is no time
	return at
}

// tokenTime is how a token of Chancery's own begins.
const tokenTime = "20060102150405"

// tokenRandom characters of 36 hold 258 bits; BR asks for 112.
const tokenRandom = 50

// NewValidations decides what has to be published to prove the names: the same
// token for each, at its own place. FILE for a wildcard is refused (a file proves
// one host, BR 3.2.2.4.18), and so is a name whose record would be too long for
// DNS.
func NewValidations(names Names, method Method, now time.Time) ([]Validation, error) {
	token := now.UTC().Format(tokenTime) + randomText("abcdefghijklmnopqrstuvwxyz0123456789", tokenRandom)
	validations := make([]Validation, len(names))
	for i, name := range names {
		if err := checkMethod(name, method, ProofLabel); err != nil {
			return nil, err
		}
		validations[i] = Validation{Name: name.Base(), Method: method, Token: token}
	}
	return validations, nil
}

func checkMethod(name Name, method Method, label string) error {
	base := name.Base()
	switch {
	case method == FILE && name.Wildcard():
		return Errorf(InvalidParameter, "ValidateType: a file cannot prove control of the wildcard %s; use DNS", name)
	case method == DNS && len(label)+1+len(base) > maxName:
		return Errorf(InvalidParameter, "ValidateType: the record %s.%s would be longer than DNS allows; use FILE", label, base)
	}
	return nil
}

// NewCAValidations are what stands of the proofs of names until a CA has said what
// to publish; they refuse what NewValidations refuses.
func NewCAValidations(names Names, method Method) ([]Validation, error) {
	validations := make([]Validation, len(names))
	for i, name := range names {
		if err := checkMethod(name, method, ACMEProofLabel); err != nil {
			return nil, err
		}
		validations[i] = Validation{Name: name.Base(), Method: method}
	}
	return validations, nil
}

// Given tells whether it is known what to publish.
func (v Validation) Given() bool { return v.Token != "" }

// Record is the full name of the TXT record.
func (v Validation) Record() string {
	if v.Place != "" {
		return v.Place
	}
	return ProofLabel + "." + string(v.Name)
}

// Path is the path of the file.
func (v Validation) Path() string {
	if v.Place != "" {
		return v.Place
	}
	return ProofPath
}

// Finding is what one look at a proof came to.
type Finding string

// The findings. Only Seen proves anything.
const (
	Seen         Finding = "seen"
	WrongValue   Finding = "wrong value"      // something else is published there
	NoRecord     Finding = "no record"        // the name exists, but has no TXT record
	NoName       Finding = "no such name"     // NXDOMAIN
	ServerFailed Finding = "server failure"   // SERVFAIL and other refusals of a DNS server
	NoAnswer     Finding = "no answer"        // time ran out, or the connection failed
	Refusal      Finding = "not allowed"      // the address or redirect may not be followed
	BadStatus    Finding = "not status 200"   // the web server has no such file
	BadAnswer    Finding = "answer not valid" // CNAME loop, too long, malformed
	NotAsked     Finding = "not asked"        // nobody there could be found or may be asked; what others say counts
	// What an issuer says of an order, among the looks at its proof.
	BeginsAgain Finding = "begins again" // the CA's order is gone; there are new proofs
	NextIssuer  Finding = "next issuer"  // the issuer gave the order up, and another takes it
)

// Evidence is one look at a proof: when, by which resolver or address, what was
// found, and why it was not enough. The applicant can read all of it, so it
// holds no text that a checked server could choose beyond a short excerpt of
// DNS values, and never the body of a web page.
type Evidence struct {
	At      time.Time
	Method  Method
	Name    Name
	Where   string // "resolver 192.0.2.53:53", "http://www.example.com/... at 192.0.2.80:80"
	Finding Finding
	Detail  string
	// Count is how many looks in a row came to the same; At is the newest of them.
	Count int64
}

// Looker looks once whether the proof is published.
//
// Look gives at least one piece of evidence, one per resolver or address it
// asked; the proof holds if and only if the first result is true. It ends within
// 30 s or with ctx, whichever is sooner, and has no side effects.
type Looker interface {
	Look(ctx context.Context, v Validation) (proved bool, evidence []Evidence)
}
