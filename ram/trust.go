package ram

import (
	"slices"
	"strings"
)

// AssumeRole is the action that a trust policy speaks of.
const AssumeRole = "sts:AssumeRole"

const ramPrefix = "acs:ram::"

// ParseTrust reads the trust policy of a role: who may assume it. It is a policy
// as Parse reads it, except that a statement has
//
//   - Principal: {"RAM": name or [names]}, required;
//   - Action: sts:AssumeRole and nothing else; no NotAction;
//   - no Resource: it is the role itself.
//
// A principal is
//
//   - "acs:ram::<account>:root": the account and all its users and roles;
//   - "acs:ram::<account>:user/<name>" or "acs:ram::<account>:role/<name>":
//     exactly that user, or the sessions of that role;
//   - "*", everybody, in a Deny statement only: trusting every account of the
//     service is never what is meant.
//
// There are no other wildcards in principals. To be trusted is one half: the
// caller's own policies must allow sts:AssumeRole on the role as well.
func ParseTrust(name string, document []byte) (Policy, error) {
	return parse(name, document, trustStatement)
}

// trustStatement reads a statement of a trust policy.
func trustStatement(at place, n node) (s Statement, err error) {
	if err := n.check(at, "a statement of a trust policy", "Effect", "Principal", "Action", "Condition"); err != nil {
		return s, err
	}
	if s.Effect, err = readEffect(at, n); err != nil {
		return s, err
	}
	if s.Actions, err = n.patterns(at, "Action", checkAssumeRole); err != nil {
		return s, err
	}
	if len(s.Actions) == 0 {
		return s, at.refuse("Action is missing; it must be %s", AssumeRole)
	}
	if s.Principals, err = readPrincipals(at, n, s.Effect); err != nil {
		return s, err
	}
	s.Conditions, err = readConditions(at, n)
	return s, err
}

func checkAssumeRole(at place, text string) error {
	if strings.EqualFold(text, AssumeRole) {
		return nil
	}
	return at.refuse("it must be %s, not %s", AssumeRole, show(text))
}

// readPrincipals reads whom a statement of a trust policy is about.
func readPrincipals(at place, n node, effect Effect) ([]string, error) {
	block, has := n.member("Principal")
	if !has {
		return nil, at.refuse(`Principal is missing; it must be {"RAM": [...]}`)
	}
	at = at.in("Principal")
	if err := block.check(at, "Principal", "RAM"); err != nil {
		return nil, err
	}
	principals, err := block.patterns(at, "RAM", func(at place, text string) error {
		if text == "*" && effect == Deny || isPrincipal(text) {
			return nil
		}
		return at.refuse(`%s must be "acs:ram::<account>:root", "acs:ram::<account>:user/<name>" or "acs:ram::<account>:role/<name>", `+
			`without wildcards; "*" only in a Deny statement`, show(text))
	})
	if err == nil && len(principals) == 0 {
		err = at.refuse(`it must be {"RAM": [...]}`)
	}
	return principals, err
}

// isPrincipal tells whether text names one account, user or role.
func isPrincipal(text string) bool {
	rest, ok := strings.CutPrefix(text, ramPrefix)
	account, who, found := strings.Cut(rest, ":")
	if !ok || !found || account == "" || strings.Trim(account, "0123456789") != "" {
		return false
	}
	if who == "root" {
		return true
	}
	sort, name, _ := strings.Cut(who, "/")
	return (sort == "user" || sort == "role") && name != "" && !strings.ContainsAny(name, "*?/: ")
}

// coversPrincipal tells whether the statement speaks of one who bears these names.
func (s *Statement) coversPrincipal(arns []string) bool {
	return slices.ContainsFunc(s.Principals, func(principal string) bool {
		if principal == "*" {
			return true
		}
		account, whole := strings.CutSuffix(principal, ":root")
		return slices.ContainsFunc(arns, func(arn string) bool {
			return arn == principal || whole && strings.HasPrefix(arn, account+":")
		})
	})
}

// EvaluateTrust decides whether a principal may assume the role whose trust
// policy this is. principalARNs are all names of the one who asks: a user is
// "acs:ram::1234567890123456:user/alice", the session of a role bears the role's
// name "acs:ram::1234567890123456:role/deployer". As everywhere a Deny that
// covers any of the names wins. An identity policy trusts nobody.
func EvaluateTrust(trust Policy, principalARNs []string, c Context) Decision {
	return decide([]Policy{trust}, func(s *Statement) bool {
		return s.coversPrincipal(principalARNs) && s.holds(&c)
	})
}
