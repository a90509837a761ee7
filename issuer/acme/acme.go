// Package acme speaks to an ACME server (RFC 8555) as a client that must survive
// its own death and a server that is slow, strict or hostile.
//
// Every method makes one request, save for the nonce it needs, and tells when the
// server wants to be asked next: what to do then, and what to write down before, is
// the caller's. Nothing here waits, polls or tries again, except that a refused
// nonce is replaced, as RFC 8555, 6.5 has it.
//
// A server is not trusted with URLs (https, unless the operator allows http),
// sizes, content types, tokens or names: an answer that is not as it must be is an
// *AnswerError and nothing of it is used.
package acme

import (
	"crypto"
	"net/http"
	"sync"
	"time"
)

// Client is one account at one server. Its exported fields are set before its
// first use; it may be used by any number of goroutines.
type Client struct {
	// Directory is the URL of the server's directory.
	Directory string
	// Key is the account's, ECDSA on P-256.
	Key crypto.Signer
	// HTTP sends the requests; NewHTTP makes one with limits.
	HTTP *http.Client
	// AllowHTTP takes URLs without TLS: for test servers.
	AllowHTTP bool
	// Now is the time, for what Retry-After counts from.
	Now func() time.Time

	mu      sync.Mutex // guards what follows
	account string     // the account's URL
	known   *Directory
	knownAt time.Time
	nonces  []string
}

// SetAccount tells the account's URL, with which all but NewAccount sign.
func (c *Client) SetAccount(url string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account = url
}

func (c *Client) accountURL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.account
}

// The states of orders, authorizations and challenges (RFC 8555, 7.1.6).
const (
	Pending     = "pending"
	Ready       = "ready"
	Processing  = "processing"
	Valid       = "valid"
	Invalid     = "invalid"
	Deactivated = "deactivated"
	Expired     = "expired"
	Revoked     = "revoked"
)

// Directory is what a server offers.
type Directory struct {
	NewNonce    string `json:"newNonce"`
	NewAccount  string `json:"newAccount"`
	NewOrder    string `json:"newOrder"`
	RevokeCert  string `json:"revokeCert"`
	RenewalInfo string `json:"renewalInfo"`
	Meta        struct {
		TermsOfService          string            `json:"termsOfService"`
		Website                 string            `json:"website"`
		CAAIdentities           []string          `json:"caaIdentities"`
		ExternalAccountRequired bool              `json:"externalAccountRequired"`
		Profiles                map[string]string `json:"profiles"`
	} `json:"meta"`
}

// Account is an account as the server sees it.
type Account struct {
	URL     string   `json:"-"`
	Status  string   `json:"status"`
	Contact []string `json:"contact"`
}

// Identifier is a name, wildcards included.
type Identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Order is a server's order. After is when it wants to be asked again, if it said so.
type Order struct {
	URL            string        `json:"-"`
	Status         string        `json:"status"`
	Expires        time.Time     `json:"expires"`
	Identifiers    []Identifier  `json:"identifiers"`
	Error          *ProblemError `json:"error"`
	Authorizations []string      `json:"authorizations"`
	Finalize       string        `json:"finalize"`
	Certificate    string        `json:"certificate"`
	After          time.Time     `json:"-"`
}

// Authorization is a server's view of our control of one name.
type Authorization struct {
	Identifier Identifier  `json:"identifier"`
	Status     string      `json:"status"`
	Expires    time.Time   `json:"expires"`
	Challenges []Challenge `json:"challenges"`
	Wildcard   bool        `json:"wildcard"`
	After      time.Time   `json:"-"`
}

// Name is the identifier as it was ordered.
func (a Authorization) Name() string {
	if a.Wildcard {
		return "*." + a.Identifier.Value
	}
	return a.Identifier.Value
}

// The types of challenges.
const (
	DNS01  = "dns-01"
	HTTP01 = "http-01"
)

// Challenge is a way to show control.
type Challenge struct {
	Type   string        `json:"type"`
	URL    string        `json:"url"`
	Status string        `json:"status"`
	Token  string        `json:"token"`
	Error  *ProblemError `json:"error"`
}

// Challenge finds the challenge of a type.
func (a Authorization) Challenge(kind string) (Challenge, bool) {
	for _, c := range a.Challenges {
		if c.Type == kind {
			return c, true
		}
	}
	return Challenge{}, false
}
