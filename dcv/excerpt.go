package dcv

import (
	"fmt"
	"strconv"
	"strings"
)

// What evidence repeats of what strangers wrote, in bytes.
const (
	maxValue  = 64  // of one TXT value
	maxValues = 3   // such values
	maxShown  = 200 // of a name or a URL
)

// excerpt shows the first few values, each quoted and cut, and how many more
// there are.
func excerpt(values []string) string {
	var shown []string
	for _, value := range values[:min(len(values), maxValues)] {
		shown = append(shown, strconv.Quote(printable(value, maxValue)))
	}
	text := strings.Join(shown, ", ")
	if more := len(values) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// printable is text with "?" for every byte that is not printable ASCII, cut to
// at most limit bytes; "..." at its end says that it was cut.
func printable(text string, limit int) string {
	const dots = "..."
	cut := len(text) > limit
	if cut {
		text = text[:limit-len(dots)]
	}
	clean := []byte(text)
	for i, c := range clean {
		if c < ' ' || c > '~' {
			clean[i] = '?'
		}
	}
	if cut {
		return string(clean) + dots
	}
	return string(clean)
}
