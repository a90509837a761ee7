package ram

import (
	"slices"
	"strings"
)

// Condition is one test of the request's context: one operator on one key. It
// holds when the key's value fits one of the values; with a Not operator, when it
// fits none. See Context for a value that is absent.
//
// Which operators a key takes depends on what its value is:
//
//   - acs:SourceIp, an address: IpAddress and NotIpAddress, with addresses and
//     CIDR ranges, IPv4 or IPv6. A range covers its own kind only: "0.0.0.0/0" is
//     no IPv6 address.
//   - acs:CurrentTime, a moment: Date operators with RFC 3339 values in whole
//     seconds ("2006-01-02T15:04:05Z", "2006-01-02T15:04:05+08:00"), and Numeric
//     operators with seconds since 1970.
//   - acs:SecureTransport and acs:MFAPresent, truths: Bool with true or false.
//   - acs:PrincipalARN, text: String operators. "Like" takes wildcards.
//
// Any other pairing is refused while parsing: it could never hold.
type Condition struct {
	Operator string
	// Key is spelled as above, however the document spelled it.
	Key string
	// Values are as in the document; numbers and booleans as their literals.
	Values []string

	key      *key
	operator *operator
	operands []operand
}

// holds tells whether the condition holds.
func (c *Condition) holds(context *Context) bool {
	value, present := c.key.value(context)
	fits := present && slices.ContainsFunc(c.operands, func(o operand) bool {
		return c.operator.fits(value, o)
	})
	return fits != c.operator.not
}

// readConditions reads the Condition of a statement, if it has one.
func readConditions(at place, n node) ([]Condition, error) {
	block, has := n.member("Condition")
	if !has {
		return nil, nil
	}
	if block.kind != objectNode || len(block.names) == 0 {
		return nil, at.refuse("Condition must be an object {operator: {key: value}} that is not empty")
	}
	var conditions []Condition
	for i, name := range block.names {
		o := find(operators, func(o *operator) bool { return o.name == name })
		if o == nil {
			return nil, at.refuse("Condition %s is not known; the operators are %s", show(name), namesOf(operators, (*operator).label))
		}
		more, err := readKeys(at.in("Condition "+name), o, block.inside[i])
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, more...)
	}
	return conditions, nil
}

// readKeys reads the keys and values of one operator.
func readKeys(at place, o *operator, block node) ([]Condition, error) {
	if block.kind != objectNode || len(block.names) == 0 {
		return nil, at.refuse("it must be an object {key: value} that is not empty")
	}
	conditions := make([]Condition, len(block.names))
	for i, name := range block.names {
		k := find(keys, func(k *key) bool { return strings.EqualFold(k.name, name) })
		switch {
		case k == nil:
			return nil, at.refuse("%s is not known; the keys are %s", show(name), namesOf(keys, (*key).label))
		case !slices.Contains(k.kinds, o.kind):
			return nil, at.refuse("it does not go with %s, which takes %s", k.name, strings.Join(k.operators(), ", "))
		case slices.ContainsFunc(conditions[:i], func(c Condition) bool { return c.key == k }):
			return nil, at.refuse("%s is given twice; write one key with a list of values", k.name)
		}
		c := Condition{Operator: o.name, Key: k.name, key: k, operator: o}
		if err := c.readValues(at.in(k.name), block.inside[i]); err != nil {
			return nil, err
		}
		conditions[i] = c
	}
	return conditions, nil
}

// readValues reads the value or the list of values of a key.
func (c *Condition) readValues(at place, value node) error {
	nodes := value.inside
	if value.kind != listNode {
		nodes = []node{value}
	}
	if len(nodes) == 0 {
		return at.refuse("the list of values is empty")
	}
	c.Values, c.operands = make([]string, len(nodes)), make([]operand, len(nodes))
	for i, n := range nodes {
		// A number or a boolean may be written as text; text may not be written as those.
		if n.kind != textNode && n.kind != c.operator.kind.literal {
			return at.refuse("%s was expected, not %s", c.operator.kind.form, n.kind)
		}
		o, ok := c.operator.kind.read(n.text)
		if !ok {
			return at.refuse("%s was expected, not %s", c.operator.kind.form, show(n.text))
		}
		c.Values[i], c.operands[i] = n.text, o
	}
	return nil
}

// find gives the first row of a table that is so, or nil.
func find[T any](table []T, so func(*T) bool) *T {
	for i := range table {
		if so(&table[i]) {
			return &table[i]
		}
	}
	return nil
}

// namesOf lists the names of a table's rows for a message.
func namesOf[T any](table []T, label func(*T) string) string {
	names := make([]string, len(table))
	for i := range table {
		names[i] = label(&table[i])
	}
	return strings.Join(names, ", ")
}
