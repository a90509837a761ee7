package chancery

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// mostNames is how many certificates a text names.
const mostNames = 50

// Subject says in one line what a notice is about. What comes from outside is shown
// as it is, save for what could break a line.
func (n *Notice) Subject() string {
	const most = 200
	return cut(oneLine(n.subject()), most)
}

func (n *Notice) subject() string {
	switch {
	case n.Expiring != nil && len(n.Expiring.Certificates) == 1:
		c := n.Expiring.Certificates[0]
		return fmt.Sprintf("The certificate of %s ends within %s", shortNames(c.Names), days(n.Expiring.Days))
	case n.Expiring != nil:
		return fmt.Sprintf("%d certificates end within %s", len(n.Expiring.Certificates), days(n.Expiring.Days))
	case n.Order != nil:
		return "The order for " + shortNames(n.Order.Names) + " failed"
	case n.Plan != nil && n.Plan.Used >= n.Plan.Total:
		return fmt.Sprintf("A plan of %s is used up", n.Plan.Product)
	case n.Plan != nil:
		return fmt.Sprintf("A plan of %s is used to %d %%", n.Plan.Product, n.Plan.Used*100/n.Plan.Total)
	case n.CA != nil:
		return fmt.Sprintf("The CA %s fails, and %d orders wait for it", n.CA.Issuer, n.CA.Orders)
	}
	return "A test of notices"
}

// Text says all of a notice in lines, without an empty one at the end.
func (n *Notice) Text() string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, oneLine(fmt.Sprintf(format, args...))) }
	switch {
	case n.Expiring != nil:
		for i, c := range n.Expiring.Certificates {
			if i == mostNames {
				say("and %d others", len(n.Expiring.Certificates)-i)
				break
			}
			say("%s ends on %s (certificate %d, %s)", strings.Join(c.Names, ", "), instant(c.NotAfter), c.ID, c.Name)
		}
		say("None has a successor yet that is good for longer: renew or replace them, or delete those of no more use.")
	case n.Order != nil:
		say("Order %d for %s (%s) failed: %s", n.Order.ID, strings.Join(n.Order.Names, ", "), n.Order.Product, n.Order.Reason)
	case n.Plan != nil:
		say("%d of %d applications of plan %d (%s) are used; all plans of this product have %d left.", n.Plan.Used, n.Plan.Total, n.Plan.ID, n.Plan.Product, n.Plan.Left)
		if n.Plan.Left == 0 {
			say("Applications are refused until there is a new plan.")
		}
	case n.CA != nil:
		say("Since %s the CA %s does not answer as it should. %d orders wait for it; the service goes on trying.", instant(n.CA.Since), n.CA.Issuer, n.CA.Orders)
		if n.CA.Problem != "" {
			say("What is known: %s", n.CA.Problem)
		}
	default:
		say("This is a test: notices arrive here.")
	}
	if n.AccountID != OperatorAccount {
		say("Account %d", n.AccountID)
	}
	return strings.Join(lines, "\n")
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func days(n int) string {
	if n == 1 {
		return "a day"
	}
	return fmt.Sprintf("%d days", n)
}

func shortNames(names []string) string {
	if len(names) > 1 {
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	return strings.Join(names, "")
}

// oneLine keeps a text from ending its line, or from changing the direction of what
// follows, and within a bound.
func oneLine(text string) string {
	const most = 1000
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return ' '
		}
		if unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return cut(text, most)
}

func cut(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}
