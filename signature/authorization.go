package signature

import "strings"

// authorization is the Authorization header of a V3 call after its algorithm:
// Credential=<key id>,SignedHeaders=<name;name>,Signature=<hex>.
type authorization struct{ credential, signedHeaders, signature string }

// parseAuthorization takes the three fields in any order, each exactly once and
// not empty, spaces around them allowed. A field it does not know is refused
// rather than skipped, since it may be meant to change what is signed.
func parseAuthorization(text string) (authorization, error) {
	var a authorization
	places := map[string]*string{
		"Credential": &a.credential, "SignedHeaders": &a.signedHeaders, "Signature": &a.signature,
	}
	for field := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		place, known := places[name]
		switch {
		case !known:
			return a, refuse("IncompleteSignature", "Authorization has an unknown field %q.", name)
		case *place != "":
			return a, refuse("IncompleteSignature", "Authorization has %s more than once.", name)
		case value == "":
			return a, refuse("IncompleteSignature", "Authorization has an empty %s.", name)
		}
		*place = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if *places[name] == "" {
			return a, refuse("IncompleteSignature", "Authorization has no %s.", name)
		}
	}
	if !hexDigest(a.signature) {
		return a, refuse("IncompleteSignature", "Signature must be 64 lower-case hexadecimal digits.")
	}
	return a, nil
}

func hexDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
