// Package ram decides who may do what: it parses RAM policy documents, matches
// them against a request and evaluates them. It holds rules only: it stores
// nothing, asks nobody, and reads no clock.
//
// A document is parsed strictly. What is not understood (an operator, a key, a
// member, a value that is not of its operator's form) is refused when the policy
// is made, because a policy that is stored and half understood either denies
// what it should allow or, worse, the other way round. The same holds for what
// could be read in two ways: a member given twice, text that is not UTF-8.
//
// Deciding is simple: a matching Deny wins, else a matching Allow allows, else
// the request is denied. The order of policies and statements decides nothing.
package ram

// Effect is what a matching statement does.
type Effect string

// The two effects, spelled as in the document.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Policy is one parsed policy document. Parse and ParseTrust make it; after that
// it is only read, by as many goroutines as wanted.
type Policy struct {
	Name       string
	Statements []Statement
}

// Statement is one rule of a policy. It covers a request when its actions, its
// resources (in a trust policy: its principals) and all its conditions do.
type Statement struct {
	Effect Effect
	// Actions are patterns of which one must match; NotActions are patterns of
	// which none may. One of the two is empty. Case does not matter.
	Actions, NotActions []string
	// Resources are patterns of which one must match: "*" for every object, or
	// "acs:<service>:<region>:<account>:<relative id>", compared part by part and
	// with case; an empty region is any region. Empty in a trust policy.
	Resources []string
	// Principals are the names whom a trust policy trusts (or, with Deny, does
	// not): see ParseTrust. Empty in an identity policy.
	Principals []string
	// Conditions must all hold.
	Conditions []Condition
}

// coversAction tells whether the statement speaks of this action.
func (s *Statement) coversAction(action string) bool {
	if len(s.NotActions) > 0 {
		return !matchesAny(s.NotActions, action)
	}
	return matchesAny(s.Actions, action)
}

// coversName tells whether the statement speaks of an object under one of its names.
func (s *Statement) coversName(names []name) bool {
	for _, pattern := range s.Resources {
		for _, n := range names {
			if matchesName(pattern, n) {
				return true
			}
		}
	}
	return false
}

// holds tells whether all conditions hold.
func (s *Statement) holds(c *Context) bool {
	for i := range s.Conditions {
		if !s.Conditions[i].holds(c) {
			return false
		}
	}
	return true
}
