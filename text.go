package chancery

import (
	"unicode"
	"unicode/utf8"
)

// CheckText lets any text pass that a person could read and that has at most so
// many characters. parameter is where it came from.
func CheckText(parameter, text string, most int) error {
	if utf8.RuneCountInString(text) > most {
		return Errorf(InvalidParameter, "%s: more than %d characters", parameter, most)
	}
	for _, r := range text {
		if oddRune(r) {
			return Errorf(InvalidParameter, "%s: holds a control character or is not UTF-8", parameter)
		}
	}
	return nil
}

// oddRune tells what no text of ours holds: control characters, and what stands for bytes
// that are not UTF-8.
func oddRune(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
