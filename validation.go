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
)

// Validation is domain control validation of one name of an order: what the
// applicant must publish.
type Validation struct {
	OrderID   OrderID
	AccountID AccountID
	// Name is the name to prove, without a wildcard label.
	Name   Name
	Method Method
	// Token is the value of the TXT record or the content of the file, the same
	// for all names of an order.
	Token string
	// ProvedAt is when the proof was seen; zero until then.
	ProvedAt time.Time
}

// tokenRandom characters of 36 hold 258 bits; BR asks for 112.
const tokenRandom = 50

// NewValidations decides what has to be published to prove the names: the same
// token for each, at its own place. FILE for a wildcard is refused (a file proves
// one host, BR 3.2.2.4.18), and so is a name whose record would be too long for
// DNS.
func NewValidations(names Names, method Method, now time.Time) ([]Validation, error) {
	token := now.UTC().Format("20060102150405") + randomText("abcdefghijklmnopqrstuvwxyz0123456789", tokenRandom)
	validations := make([]Validation, len(names))
	for i, name := range names {
		if err := checkMethod(name, method); err != nil {
			return nil, err
		}
		validations[i] = Validation{Name: name.Base(), Method: method, Token: token}
	}
	return validations, nil
}

func checkMethod(name Name, method Method) error {
	base := name.Base()
	switch {
	case method == FILE && name.Wildcard():
		return Errorf(InvalidParameter, "ValidateType: a file cannot prove control of the wildcard %s; use DNS", name)
	case method == DNS && len(ProofLabel)+1+len(base) > maxName:
		return Errorf(InvalidParameter, "ValidateType: the record %s.%s would be longer than DNS allows; use FILE", ProofLabel, base)
	}
	return nil
}

// Record is the full name of the TXT record.
func (v Validation) Record() string { return ProofLabel + "." + string(v.Name) }

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
