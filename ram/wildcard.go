package ram

import "unicode/utf8"

// matches tells whether text has the form of pattern. `*` stands for any run of
// characters, also none, also across ':' and '/'. `?` stands for one character,
// but not for a '*' in the text, which there means "all of them" and is met by a
// `*` only. Everything else stands for itself; with fold, ASCII letters of
// either case are the same.
//
// Only the last `*` is ever tried again, which suffices because a `*` before it
// could gain nothing by taking more. So the time is at most the product of both
// lengths, whatever the pattern, and for ordinary patterns their sum.
func matches(pattern, text string, fold bool) bool {
	p, t := 0, 0
	star, again := -1, 0 // the last star, and the text behind what it has taken
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			star, again = p, t
			p++
			continue
		}
		if width := step(pattern, p, text, t, fold); width > 0 {
			p++
			t += width
			continue
		}
		if star < 0 {
			return false
		}
		_, width := utf8.DecodeRuneInString(text[again:])
		again += width
		p, t = star+1, again
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// step is how many bytes of text the byte of pattern at p stands for; 0 for none.
func step(pattern string, p int, text string, t int, fold bool) int {
	if p == len(pattern) {
		return 0
	}
	want, have := pattern[p], text[t]
	switch {
	case want == '?' && have == '*':
		return 0
	case want == '?':
		_, width := utf8.DecodeRuneInString(text[t:])
		return width
	case want == have, fold && lower(want) == lower(have):
		return 1
	}
	return 0
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// matchesAny tells whether an action has the form of one of the patterns.
func matchesAny(patterns []string, action string) bool {
	for _, pattern := range patterns {
		if matches(pattern, action, true) {
			return true
		}
	}
	return false
}
