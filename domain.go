package chancery

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Name is a DNS name that a certificate can carry: lower-case A-labels, no
// trailing dot, at least two labels, perhaps a wildcard ("*.example.com").
// ParseName is the only way to make one, so what was checked is what is proved
// and issued.
type Name string

// Limits of a DNS name in text form without its trailing dot (RFC 1035, 2.3.4).
const (
	maxName  = 253
	maxLabel = 63
)

var toASCII = idna.New(
	idna.MapForLookup(),
	idna.StrictDomainName(true),
	idna.ValidateLabels(true),
	idna.CheckHyphens(true),
	idna.CheckJoiners(true),
	idna.BidiRule(),
)

// ParseName settles what the applicant wrote: upper case and Unicode are mapped
// to lower-case A-labels (UTS 46, non-transitional); IP addresses, single labels, public suffixes,
// underscores, trailing dots, and over-long names and labels are refused with
// InvalidParameter and a message that says what to write instead.
func ParseName(text string) (Name, error) {
	if text == "" {
		return "", nameError(text, "is empty; give a domain name such as www.example.com")
	}
	if len(text) > 4*maxName {
		return "", nameError(text[:32]+"...", "is too long: a domain name has at most 253 characters")
	}
	if !utf8.ValidString(text) {
		return "", nameError(text, "is not UTF-8")
	}
	base, wildcard := strings.CutPrefix(text, "*.")
	if why := refusedForm(base); why != "" {
		return "", nameError(text, why)
	}
	ascii, err := toASCII.ToASCII(base)
	if err == nil {
		// It judges directions before it maps: what it gave may break the rule.
		ascii, err = toASCII.ToASCII(ascii)
	}
	if err != nil {
		return "", nameError(text, "is not a valid domain name: labels hold letters, digits and inner hyphens, or are international names that IDNA allows")
	}
	if why := refusedName(ascii, wildcard); why != "" {
		return "", nameError(text, why)
	}
	if wildcard {
		ascii = "*." + ascii
	}
	return Name(ascii), nil
}

func nameError(text, why string) error {
	return Errorf(InvalidParameter, "Domain: %q %s", text, why)
}

// refusedForm finds what no mapping should repair.
func refusedForm(base string) string {
	switch {
	case base == "":
		return "has nothing after its wildcard"
	case strings.HasSuffix(base, "."):
		return "ends in a dot; leave the dot out"
	case strings.Contains(base, "*"):
		return `may have a wildcard only as its whole first label, as in "*.example.com"`
	case strings.Contains(base, "_"):
		return "has an underscore, which certificates for hosts do not allow"
	case isAddress(base):
		return "is an IP address; give a domain name"
	}
	return ""
}

// isAddress also takes forms that some resolvers read as an address, such as
// 127.1 or 0x7f.1: a name whose last label is a number is never a domain name.
func isAddress(text string) bool {
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return true
	}
	last := strings.ToLower(text[strings.LastIndexByte(text, '.')+1:])
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		last, digits = hex, "0123456789abcdef"
	}
	return strings.Trim(last, digits) == ""
}

func refusedName(ascii string, wildcard bool) string {
	length := len(ascii)
	if wildcard {
		length += len("*.")
	}
	if length > maxName {
		return "is too long: a domain name has at most 253 characters"
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if label == "" {
			return "has an empty label"
		}
		if len(label) > maxLabel {
			return "has a label of more than 63 characters"
		}
	}
	if isAddress(ascii) { // it was written in full-width digits
		return "is an IP address; give a domain name"
	}
	if len(labels) < 2 {
		return "is a single label; a certificate needs a full name such as www.example.com"
	}
	// The fall-back rule of the list ("*") is not ICANN's: names under private
	// top-level domains stay possible, which is what a private CA is for.
	if suffix, icann := publicsuffix.PublicSuffix(ascii); icann && suffix == ascii {
		return "is a public suffix, under which others register names"
	}
	return ""
}

// String is the name as certificates carry it.
func (n Name) String() string { return string(n) }

// Wildcard tells whether the first label is "*".
func (n Name) Wildcard() bool { return strings.HasPrefix(string(n), "*.") }

// Base is the name without its wildcard label: what has to be proved.
func (n Name) Base() Name { return Name(strings.TrimPrefix(string(n), "*.")) }

// Unicode is the name for people to read; it is the A-label form where that
// would not map back to the same name.
func (n Name) Unicode() string {
	text, err := idna.Display.ToUnicode(string(n.Base()))
	if err != nil {
		return string(n)
	}
	if n.Wildcard() {
		return "*." + text
	}
	return text
}

// Names are what one certificate names, the first of them as its common name.
type Names []Name

// ParseNames settles a list of names that commas separate. It refuses an empty
// list, more than most names, a name given twice, and plain names beside
// wildcards.
func ParseNames(text string, most int) (Names, error) {
	parts := strings.Split(text, ",")
	switch {
	case len(parts) > 1 && most == 1:
		return nil, Errorf(InvalidParameter, "Domain: one name can be given here, not %d", len(parts))
	case len(parts) > most:
		return nil, Errorf(InvalidParameter, "Domain: up to %d names can be given, not %d", most, len(parts))
	}
	names := make(Names, len(parts))
	for i, part := range parts {
		if len(parts) > 1 {
			part = strings.Trim(part, " ")
		}
		var err error
		if names[i], err = ParseName(part); err != nil {
			return nil, err
		}
	}
	return names, names.check()
}

func (n Names) check() error {
	for i, name := range n {
		if slices.Contains(n[:i], name) {
			return Errorf(InvalidParameter, "Domain: %s is given twice", name)
		}
		if name.Wildcard() != n[0].Wildcard() {
			return Errorf(InvalidParameter, "Domain: %s and %s cannot share a certificate; the names are all plain or all wildcards", n[0], name)
		}
	}
	return nil
}

// String separates the names by commas, as the API does.
func (n Names) String() string { return strings.Join(n.Strings(), ",") }

// Strings gives the names as certificates carry them.
func (n Names) Strings() []string {
	texts := make([]string, len(n))
	for i, name := range n {
		texts[i] = string(name)
	}
	return texts
}

// Same tells whether both are the same names, in whatever order.
func (n Names) Same(other Names) bool { return sameNames(n.Strings(), other.Strings()) }

// Common is the first name, which is the common name too.
func (n Names) Common() Name { return n[0] }

// MaxNames is how many names one order can have.
const MaxNames = 5
