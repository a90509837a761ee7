package signature

import (
	"maps"
	"slices"
)

// Encode percent-encodes every byte of s that RFC 3986 does not call unreserved
// (letters, digits and -_.~), in upper case. Different texts have different
// encodings, and percent-decoding gives s back whatever bytes it holds.
func Encode(s string) string {
	for i := range len(s) {
		if !unreserved(s[i]) {
			return string(appendEncoded(make([]byte, 0, len(s)+len(s)/2+8), s))
		}
	}
	return s
}

// canonicalQuery writes parameters in the one form both schemes sign: sorted by
// the bytes of the decoded name, encoded, an empty value as "name=". As Encode
// leaves neither "=" nor "&", two different sets never come out alike.
func canonicalQuery(params map[string]string) string {
	var out []byte
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if len(out) > 0 {
			out = append(out, '&')
		}
		out = appendEncoded(out, name)
		out = append(out, '=')
		out = appendEncoded(out, params[name])
	}
	return string(out)
}

func appendEncoded(out []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return out
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '_' || c == '.' || c == '~'
}
