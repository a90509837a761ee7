package ram

import "strings"

// name is the full name of an object, or a pattern of such names:
// "acs:<service>:<region>:<account>:<relative id>". The relative id may hold
// further colons.
type name struct {
	service, region, account, relative string
}

// splitName cuts a full name at its first four colons.
func splitName(text string) (n name, ok bool) {
	prefix, rest, ok := strings.Cut(text, ":")
	if !ok || prefix != "acs" {
		return name{}, false
	}
	for _, part := range []*string{&n.service, &n.region, &n.account} {
		if *part, rest, ok = strings.Cut(rest, ":"); !ok {
			return name{}, false
		}
	}
	n.relative = rest
	return n, n.service != "" && n.relative != ""
}

// matchesName tells whether a resource pattern covers a name: "*" covers all,
// another is compared part by part, with case. So a wildcard in the region
// cannot reach into the account, however an object is called; in the relative id
// it runs across ':' and '/'. An empty region in the pattern is any region.
func matchesName(pattern string, n name) bool {
	if pattern == "*" {
		return true
	}
	p, ok := splitName(pattern)
	return ok &&
		matches(p.service, n.service, false) &&
		(p.region == "" || matches(p.region, n.region, false)) &&
		matches(p.account, n.account, false) &&
		matches(p.relative, n.relative, false)
}
