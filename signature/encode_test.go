package signature

import (
	"net/url"
	"strings"
	"testing"
	"testing/quick"
)

func TestEncode(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"azAZ09-_.~":          "azAZ09-_.~",
		"a +*%/:=&?#'()!;,@$": "a%20%2B%2A%25%2F%3A%3D%26%3F%23%27%28%29%21%3B%2C%40%24",
		"证":                   "%E8%AF%81",
		"\x00\xff\n":          "%00%FF%0A",
		"already%20encoded":   "already%2520encoded",
	} {
		if got := Encode(in); got != want {
			t.Errorf("Encode(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEncodeDecodesBack(t *testing.T) {
	back := func(b []byte) bool {
		encoded := Encode(string(b))
		decoded, err := url.PathUnescape(encoded)
		return err == nil && decoded == string(b) && strings.Trim(encoded, "%-_.~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
	}
	if err := quick.Check(back, nil); err != nil {
		t.Error(err)
	}
}

func TestCanonicalQuery(t *testing.T) {
	for _, test := range []struct {
		params map[string]string
		want   string
	}{
		{nil, ""},
		{map[string]string{"b": "", "a": "1"}, "a=1&b="},
		{map[string]string{"": ""}, "="},
		{map[string]string{"a.10": "x", "a.2": "y", "A": "z"}, "A=z&a.10=x&a.2=y"},
		{map[string]string{"a=b&c": "d=e&f"}, "a%3Db%26c=d%3De%26f"},
		{map[string]string{"a": "1", "a b": "2", "a~": "3"}, "a=1&a%20b=2&a~=3"},
	} {
		if got := canonicalQuery(test.params); got != test.want {
			t.Errorf("canonicalQuery(%q) = %q, want %q", test.params, got, test.want)
		}
	}
}
