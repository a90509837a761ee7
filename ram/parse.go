package ram

import (
	"fmt"
	"slices"
	"strings"
)

const maxStatements = 100

// Parse reads an identity policy, one that is attached to users, groups or
// roles. Its error is a *chancery.Error with InvalidParameter, whose message
// names the place ("Statement 2: Condition IpAddress: ...") and what is allowed.
//
// A document has Version "1" and Statement, a list of at most 100 statements or
// a single one, and at most 6144 characters. A statement has
//
//   - Effect: Allow or Deny;
//   - either Action or NotAction: "*" or "<service>:<name>" with wildcards;
//   - Resource: "*" or "acs:<service>:<region>:<account>:<relative id>" with
//     wildcards, where an empty region is any region and the other parts are
//     not empty;
//   - perhaps Condition: see Condition.
//
// Action, NotAction, Resource and the values of a condition are text or a list.
// Names of members and operators are compared with case, keys of conditions
// without.
func Parse(name string, document []byte) (Policy, error) {
	return parse(name, document, identityStatement)
}

// parse reads the frame that identity and trust policies share.
func parse(name string, document []byte, statement func(place, node) (Statement, error)) (Policy, error) {
	root, err := readDocument(document)
	if err != nil {
		return Policy{}, err
	}
	top := place("")
	if err := root.check(top, "a policy document", "Version", "Statement"); err != nil {
		return Policy{}, err
	}
	if version, _ := root.member("Version"); version.kind != textNode || version.text != "1" {
		return Policy{}, top.refuse(`Version must be "1"`)
	}
	list, _ := root.member("Statement")
	nodes := list.inside
	if list.kind == objectNode {
		nodes = []node{list}
	}
	if len(nodes) == 0 || len(nodes) > maxStatements {
		return Policy{}, top.refuse("Statement must be a list of 1 to %d statements, or one statement", maxStatements)
	}
	p := Policy{Name: name, Statements: make([]Statement, len(nodes))}
	for i, n := range nodes {
		if p.Statements[i], err = statement(top.in(fmt.Sprintf("Statement %d", i+1)), n); err != nil {
			return Policy{}, err
		}
	}
	return p, nil
}

// identityStatement reads a statement of an identity policy.
func identityStatement(at place, n node) (s Statement, err error) {
	if err := n.check(at, "a statement", "Effect", "Action", "NotAction", "Resource", "Condition"); err != nil {
		return s, err
	}
	if s.Effect, err = readEffect(at, n); err != nil {
		return s, err
	}
	_, has := n.member("Action")
	if _, hasNot := n.member("NotAction"); has == hasNot {
		return s, at.refuse("it must have either Action or NotAction")
	}
	if s.Actions, err = n.patterns(at, "Action", checkAction); err != nil {
		return s, err
	}
	if s.NotActions, err = n.patterns(at, "NotAction", checkAction); err != nil {
		return s, err
	}
	if s.Resources, err = n.patterns(at, "Resource", checkResource); err != nil {
		return s, err
	}
	if len(s.Resources) == 0 {
		return s, at.refuse(`Resource is missing; "*" is every resource`)
	}
	s.Conditions, err = readConditions(at, n)
	return s, err
}

// check refuses a node that is not an object, or has members that are not known.
func (n *node) check(at place, what string, known ...string) error {
	if n.kind != objectNode {
		return at.refuse("%s must be an object, not %s", what, n.kind)
	}
	for _, name := range n.names {
		if !slices.Contains(known, name) {
			return at.refuse("%s is not known; the members of %s are %s", show(name), what, strings.Join(known, ", "))
		}
	}
	return nil
}

// patterns reads a member that is text or a list of texts, each of which must
// pass the check; nil if there is no such member.
func (n *node) patterns(at place, name string, check func(place, string) error) ([]string, error) {
	value, has := n.member(name)
	if !has {
		return nil, nil
	}
	at = at.in(name)
	nodes := value.inside
	if value.kind == textNode {
		nodes = []node{value}
	} else if value.kind != listNode || len(nodes) == 0 {
		return nil, at.refuse("it must be text or a list of texts")
	}
	texts := make([]string, len(nodes))
	for i, element := range nodes {
		if element.kind != textNode {
			return nil, at.refuse("it must be text or a list of texts, not %s", element.kind)
		}
		if err := check(at, element.text); err != nil {
			return nil, err
		}
		texts[i] = element.text
	}
	return texts, nil
}

// readEffect reads the Effect of a statement.
func readEffect(at place, n node) (Effect, error) {
	value, _ := n.member("Effect")
	effect := Effect(value.text)
	if value.kind != textNode || effect != Allow && effect != Deny {
		return "", at.refuse("Effect must be Allow or Deny")
	}
	return effect, nil
}

// checkAction refuses what is not the pattern of an action.
func checkAction(at place, text string) error {
	if text == "*" || isAction(text) {
		return nil
	}
	return at.refuse(`%s must be "*" or "<service>:<name>", of letters, digits, "-", "_", "." and the wildcards "*" and "?"`, show(text))
}

// isAction tells whether text is "<service>:<name>", perhaps with wildcards.
func isAction(text string) bool {
	service, name, ok := strings.Cut(text, ":")
	return ok && isWord(service) && isWord(name)
}

// isWord tells whether text is made of what actions are made of.
func isWord(text string) bool {
	for i := range len(text) {
		switch b := lower(text[i]); {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', strings.IndexByte("-_.*?", b) >= 0:
		default:
			return false
		}
	}
	return text != ""
}

// checkResource refuses what is not the pattern of a full name. An account that
// is left empty would never match, so it is refused too.
func checkResource(at place, text string) error {
	n, ok := splitName(text)
	if text == "*" || ok && n.account != "" && !strings.Contains(text, " ") {
		return nil
	}
	return at.refuse(`%s must be "*" or "acs:<service>:<region>:<account>:<relative id>", without spaces; `+
		`the region may be empty, the other parts may be "*"`, show(text))
}
