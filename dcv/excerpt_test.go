package dcv

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		limit := rapid.IntRange(3, 80).Draw(t, "limit")
		got := printable(text, limit)
		if strings.Trim(got, printableASCII) != "" || len(got) > limit {
			t.Fatalf("%q is not printable or longer than %d", got, limit)
		}
		if len(text) <= limit && strings.Trim(text, printableASCII) == "" && got != text {
			t.Fatalf("%q became %q without need", text, got)
		}
	})
}

func FuzzExcerpt(f *testing.F) {
	f.Add("plain", "with \"quotes\" and \x1b[31m", strings.Repeat("é", 100))
	f.Fuzz(func(t *testing.T, a, b, c string) {
		got := excerpt([]string{a, b, c, a, b})
		// Each quote and backslash doubles when it is quoted.
		if limit := maxValues*(2*maxValue+4) + len(" and 2 more"); len(got) > limit {
			t.Errorf("%d bytes", len(got))
		}
		if strings.Trim(got, printableASCII) != "" || !strings.HasSuffix(got, " and 2 more") {
			t.Errorf("got %q", got)
		}
	})
}
