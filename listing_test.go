package chancery

import (
	"strings"
	"testing"
)

func TestSearchText(t *testing.T) {
	for _, c := range []struct{ names, instance, want string }{
		{"www.example.com", "cas-1", "www.example.com\tcas-1"},
		{"WWW.Example.com,Ärger.example", "CAS-1", "www.example.com\tärger.example\tcas-1"},
		{"a\tb\nc\x00d\u0085e\r", "x\ny", "a b c d e \tx y"},
		{"not \xff UTF-8", "", "not \uFFFD utf-8\t"},
	} {
		if got := SearchText(c.names, c.instance); got != c.want {
			t.Errorf("%q with %q is searched as %q, not %q", c.names, c.instance, got, c.want)
		}
	}
}

// Whatever a name or keyword holds, a keyword is found in one value or in none.
func FuzzSearchText(f *testing.F) {
	f.Add("www.example.com", "cas-1", "EXAMPLE")
	f.Add("a\tb", "c\nd", "b\tc")
	f.Fuzz(func(t *testing.T, name, instance, keyword string) {
		name = strings.ReplaceAll(name, ",", "")
		found := strings.Contains(SearchText(name, instance), Fold(keyword))
		if in := strings.Contains(Fold(name), Fold(keyword)) || strings.Contains(Fold(instance), Fold(keyword)); found != in {
			t.Errorf("%q is found in %q with %q: %v, want %v", keyword, name, instance, found, in)
		}
		if text := SearchText(name, instance); strings.Count(text, "\t") != 1 || strings.Contains(text, "\n") {
			t.Errorf("%q is not one line of two values", text)
		}
	})
}
