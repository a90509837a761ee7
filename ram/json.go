package ram

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chancery"
)

// Bounds of a document. The first is RAM's own for a custom policy; no document
// that says something reaches the others.
const (
	maxCharacters = 6144
	maxDepth      = 8
	maxMembers    = 32
)

// place is where in a document something stands, for messages.
type place string

// in is a place further inside.
func (p place) in(part string) place {
	if p == "" {
		return place(part)
	}
	return p + ": " + place(part)
}

// refuse makes the error of a document that is not accepted.
func (p place) refuse(format string, args ...any) error {
	return chancery.Errorf(chancery.InvalidParameter, "%s", p.in(fmt.Sprintf(format, args...)))
}

// show quotes a piece of the document for a message, cut to a decent length.
func show(text string) string {
	const enough = 64
	if runes := []rune(text); len(runes) > enough {
		text = string(runes[:enough]) + "..."
	}
	return strconv.Quote(text)
}

// nodeKind is what a JSON value is.
type nodeKind string

const (
	textNode   nodeKind = "text"
	numberNode nodeKind = "a number"
	truthNode  nodeKind = "a boolean"
	nullNode   nodeKind = "null"
	listNode   nodeKind = "a list"
	objectNode nodeKind = "an object"
)

// node is one JSON value. text is the text, or the literal of a number or a
// boolean; inside are the elements of a list, or the members of an object, whose
// names stand in names at the same index.
type node struct {
	kind   nodeKind
	text   string
	names  []string
	inside []node
}

// member gives a member of an object by name.
func (n *node) member(name string) (node, bool) {
	if i := slices.Index(n.names, name); i >= 0 {
		return n.inside[i], true
	}
	return node{}, false
}

// readDocument reads JSON that has one meaning. encoding/json alone takes the
// last of two members with one name, compares their names without case when it
// fills structs, and repairs text that is not UTF-8; here all of that is refused.
func readDocument(document []byte) (node, error) {
	var top place
	switch {
	case len(document) > maxCharacters*utf8.UTFMax || utf8.RuneCount(document) > maxCharacters:
		return node{}, top.refuse("the policy document may have at most %d characters", maxCharacters)
	case !utf8.Valid(document):
		return node{}, top.refuse("the policy document is not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(document, &whole); err != nil { // also finds what follows the document
		return node{}, top.refuse("the policy document is not JSON: %s", err.Error())
	}
	r := reader{rest: document}
	return r.value(0)
}

// reader makes nodes of JSON whose syntax was checked: then commas and colons say
// nothing that the brackets do not, and pass for white space.
type reader struct{ rest []byte }

const between = " \t\r\n,:"

// next skips to the next thing and shows its first byte.
func (r *reader) next() byte {
	r.rest = bytes.TrimLeft(r.rest, between)
	return r.rest[0]
}

// take takes the next n bytes.
func (r *reader) take(n int) []byte {
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// value reads one value; depth is how many lists and objects it stands in.
func (r *reader) value(depth int) (node, error) {
	switch first := r.next(); first {
	case '"':
		text, err := r.text()
		return node{kind: textNode, text: text}, err
	case '[', '{':
		r.take(1)
		if depth == maxDepth {
			return node{}, place("").refuse("the policy document is nested deeper than %d lists and objects", maxDepth)
		}
		if first == '[' {
			return r.list(depth + 1)
		}
		return r.object(depth + 1)
	case 't', 'f':
		return node{kind: truthNode, text: r.literal()}, nil
	case 'n':
		return node{kind: nullNode, text: r.literal()}, nil
	}
	return node{kind: numberNode, text: r.literal()}, nil
}

// literal reads a number, a boolean or null.
func (r *reader) literal() string {
	n := bytes.IndexAny(r.rest, between+"]}")
	if n < 0 {
		n = len(r.rest)
	}
	return string(r.take(n))
}

// text reads a text.
func (r *reader) text() (string, error) {
	end, escaped := 1, false
	for ; r.rest[end] != '"'; end++ {
		if r.rest[end] == '\\' {
			end, escaped = end+1, true
		}
	}
	quoted := r.take(end + 1)
	text := string(quoted[1:end])
	if escaped {
		if err := json.Unmarshal(quoted, &text); err != nil {
			return "", place("").refuse("the policy document is not JSON: %s", err.Error())
		}
	}
	return text, checkText(text)
}

// list reads the rest of a list.
func (r *reader) list(depth int) (node, error) {
	n := node{kind: listNode}
	for r.next() != ']' {
		value, err := r.value(depth)
		if err != nil {
			return node{}, err
		}
		n.inside = append(n.inside, value)
	}
	r.take(1)
	return n, nil
}

// object reads the rest of an object.
func (r *reader) object(depth int) (node, error) {
	n := node{kind: objectNode}
	for r.next() != '}' {
		name, err := r.text()
		if err != nil {
			return node{}, err
		}
		if slices.Contains(n.names, name) {
			return node{}, place("").refuse("%s is given twice in one object", show(name))
		}
		if len(n.names) == maxMembers {
			return node{}, place("").refuse("an object of the policy document has more than %d members", maxMembers)
		}
		value, err := r.value(depth)
		if err != nil {
			return node{}, err
		}
		n.names, n.inside = append(n.names, name), append(n.inside, value)
	}
	r.take(1)
	return n, nil
}

// checkText refuses characters that cannot be seen. Among them is U+FFFD, which
// the decoder puts for half a surrogate pair: many texts would become one.
func checkText(text string) error {
	unseen := func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }
	if strings.ContainsFunc(text, unseen) {
		return place("").refuse("%s has characters that cannot be printed", show(text))
	}
	return nil
}
