package ram

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// operand is a value, of the request or of the policy: of its fields the one
// that its kind uses. Moments are numbers, in seconds since 1970.
type operand struct {
	text    string
	number  float64
	truth   bool
	address netip.Addr   // of the request
	network netip.Prefix // of the policy
}

// kind is a family of operators: how the values beside them are written.
type kind struct {
	form    string // for messages
	literal nodeKind
	read    func(string) (operand, bool)
}

var (
	stringKind  = &kind{"text that is not empty", textNode, readString}
	numericKind = &kind{"a number", numberNode, readNumber}
	dateKind    = &kind{`a time in whole seconds like "2006-01-02T15:04:05Z" or "2006-01-02T15:04:05+08:00"`, textNode, readDate}
	boolKind    = &kind{"true or false", truthNode, readBool}
	addressKind = &kind{`an address or a CIDR range, like "203.0.113.0/24" or "2001:db8::/32",`, textNode, readNetwork}
)

// operator is one row of the table of operators.
type operator struct {
	name string
	kind *kind
	// not turns the answer of fits round, once all values were asked.
	not  bool
	fits func(value, wanted operand) bool
}

func (o *operator) label() string { return o.name }

var operators = []operator{
	{"StringEquals", stringKind, false, sameText},
	{"StringNotEquals", stringKind, true, sameText},
	{"StringEqualsIgnoreCase", stringKind, false, sameTextWithoutCase},
	{"StringNotEqualsIgnoreCase", stringKind, true, sameTextWithoutCase},
	{"StringLike", stringKind, false, likeText},
	{"StringNotLike", stringKind, true, likeText},
	{"NumericEquals", numericKind, false, equal},
	{"NumericNotEquals", numericKind, true, equal},
	{"NumericLessThan", numericKind, false, less},
	{"NumericLessThanEquals", numericKind, false, lessOrEqual},
	{"NumericGreaterThan", numericKind, false, greater},
	{"NumericGreaterThanEquals", numericKind, false, greaterOrEqual},
	{"DateEquals", dateKind, false, equal},
	{"DateNotEquals", dateKind, true, equal},
	{"DateLessThan", dateKind, false, less},
	{"DateLessThanEquals", dateKind, false, lessOrEqual},
	{"DateGreaterThan", dateKind, false, greater},
	{"DateGreaterThanEquals", dateKind, false, greaterOrEqual},
	{"Bool", boolKind, false, sameTruth},
	{"IpAddress", addressKind, false, inNetwork},
	{"NotIpAddress", addressKind, true, inNetwork},
}

func sameText(v, w operand) bool            { return v.text == w.text }
func sameTextWithoutCase(v, w operand) bool { return strings.EqualFold(v.text, w.text) }
func likeText(v, w operand) bool            { return matches(w.text, v.text, false) }
func equal(v, w operand) bool               { return v.number == w.number }
func less(v, w operand) bool                { return v.number < w.number }
func lessOrEqual(v, w operand) bool         { return v.number <= w.number }
func greater(v, w operand) bool             { return v.number > w.number }
func greaterOrEqual(v, w operand) bool      { return v.number >= w.number }
func sameTruth(v, w operand) bool           { return v.truth == w.truth }
func inNetwork(v, w operand) bool           { return w.network.Contains(v.address) }

// readString takes any text but none: an empty value is an absent one.
func readString(text string) (operand, bool) { return operand{text: text}, text != "" }

// readNumber takes what JSON takes as a number, within the range of a double.
func readNumber(text string) (operand, bool) {
	if text == "" || strings.IndexByte("-0123456789", text[0]) < 0 || !json.Valid([]byte(text)) {
		return operand{}, false
	}
	number, err := strconv.ParseFloat(text, 64)
	return operand{number: number}, err == nil
}

// readDate takes RFC 3339 in whole seconds, with any offset. time.Parse is more
// liberal (hours of one digit, fractions), so the time must read as it is written.
func readDate(text string) (operand, bool) {
	const offset = "2006-01-02T15:04:05-07:00" // zero too, where RFC3339 has Z
	t, err := time.Parse(time.RFC3339, text)
	return operand{number: float64(t.Unix())}, err == nil && (t.Format(time.RFC3339) == text || t.Format(offset) == text)
}

func readBool(text string) (operand, bool) {
	return operand{truth: text == "true"}, text == "true" || text == "false"
}

// readNetwork takes an address or a CIDR range; bits behind the range's length
// are dropped. An IPv4-mapped one becomes IPv4, as request addresses do; a range
// that holds more than all mapped addresses has no such form and is refused.
func readNetwork(text string) (operand, bool) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return operand{}, false
		}
		network = netip.PrefixFrom(address, address.BitLen())
	}
	if network.Addr().Is4In6() {
		const mapped = 96
		if network.Bits() < mapped {
			return operand{}, false
		}
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-mapped)
	}
	return operand{network: network.Masked()}, true
}

// key is one row of the table of condition keys: which kinds of operators may
// ask for it, and its value in a context, if it is there.
type key struct {
	name  string
	kinds []*kind
	value func(*Context) (operand, bool)
}

func (k *key) label() string { return k.name }

// operators lists the names of the operators that go with the key.
func (k *key) operators() (names []string) {
	for _, o := range operators {
		for _, kind := range k.kinds {
			if o.kind == kind {
				names = append(names, o.name)
			}
		}
	}
	return names
}

var keys = []key{
	{"acs:SourceIp", []*kind{addressKind}, func(c *Context) (operand, bool) {
		return operand{address: c.SourceIP.Unmap().WithZone("")}, c.SourceIP.IsValid()
	}},
	{"acs:CurrentTime", []*kind{dateKind, numericKind}, func(c *Context) (operand, bool) {
		return operand{number: float64(c.Time.Unix())}, !c.Time.IsZero()
	}},
	{"acs:SecureTransport", []*kind{boolKind}, func(c *Context) (operand, bool) {
		return operand{truth: c.Secure}, true
	}},
	{"acs:MFAPresent", []*kind{boolKind}, func(c *Context) (operand, bool) {
		return operand{truth: c.MFA}, true
	}},
	{"acs:PrincipalARN", []*kind{stringKind}, func(c *Context) (operand, bool) {
		return operand{text: c.PrincipalARN}, c.PrincipalARN != ""
	}},
}
