package chancery

import "context"

// Preflighter looks, before anything is spent, whether the names of an application
// could be proved and issued.
//
// Preflight gives at least one piece of foresight for each name. It goes nowhere that
// a Looker would not go for the same names and tells no more of what it meets there;
// it ends within 30 s or with ctx, whichever is sooner, and has no side effects.
type Preflighter interface {
	Preflight(ctx context.Context, names Names, method Method, authority CAAPolicy) []Foresight
}

// CAAPolicy is how an issuer stands to CAA records (RFC 8659).
type CAAPolicy struct {
	// Heeds: it looks for them before it issues. The embedded CA does not, being private.
	Heeds bool
	// Identities are the domains by which records name the issuer; empty: not known.
	Identities []string
}

// Foresight is what looking ahead found about a name.
type Foresight struct {
	Name    Name
	Outcome Outcome
	// Where is what the outcome is about: a zone, the owner of CAA records, a URL.
	Where string
	// Detail is more about it, in the words of Evidence.
	Detail string
}

// Outcome is what looking ahead at one thing came to.
type Outcome string

// The outcomes.
const (
	ZoneFound   Outcome = "zoneFound"   // Where is the zone
	ZoneMissing Outcome = "zoneMissing" // nothing up to the top-level domain is a zone
	ZoneUnknown Outcome = "zoneUnknown" // the resolvers could not tell
	CAANone     Outcome = "caaNone"     // no record: any CA may issue
	CAAAllows   Outcome = "caaAllows"   // the records let this issuer issue
	CAAOthers   Outcome = "caaOthers"   // they name CAs, and nobody knows whether this is one of them
	CAAIgnored  Outcome = "caaIgnored"  // they name other CAs or none, and this issuer does not look
	CAAForbids  Outcome = "caaForbids"  // they do not let this issuer issue
	CAAUnknown  Outcome = "caaUnknown"  // the resolvers could not tell, so a CA may refuse
	FileReached Outcome = "fileReached" // a web server answers where the file is to be
	FileMissed  Outcome = "fileMissed"  // none does
)

// Outcomes are all of them.
var Outcomes = []Outcome{
	ZoneFound, ZoneMissing, ZoneUnknown, CAANone, CAAAllows, CAAOthers, CAAIgnored, CAAForbids, CAAUnknown, FileReached, FileMissed,
}

// Stops tells whether an application would fail for it, if nothing is changed.
func (o Outcome) Stops() bool { return o == ZoneMissing || o == CAAForbids || o == FileMissed }

// Doubtful tells whether it is worth a look.
func (o Outcome) Doubtful() bool { return o == ZoneUnknown || o == CAAOthers || o == CAAUnknown }
