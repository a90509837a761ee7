// Package qrcode draws a text as a QR code (ISO/IEC 18004), for telephones to read off a
// page or a terminal.
package qrcode

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// Code is a text as a QR code.
type Code struct{ modules *qr.Code }

// border is the blank around a code, in modules, that readers ask for.
const border = 4

// New draws a text, of up to some 2,000 bytes. A seventh of what is drawn may be unreadable.
func New(text string) (Code, error) {
	modules, err := qr.Encode(text, qr.M)
	if err != nil {
		return Code{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	return Code{modules}, nil
}

// Size is how many modules it is wide and high, with its border.
func (c Code) Size() int { return c.modules.Size + 2*border }

// black tells of a module whether it is, counted from the border's corner.
func (c Code) black(x, y int) bool { return c.modules.Black(x-border, y-border) }

// Path is the black part as the path of an SVG that is Size wide and high: a rectangle for
// each run of modules in a row.
func (c Code) Path() string {
	var path strings.Builder
	for y := range c.Size() {
		for x := 0; x < c.Size(); x++ {
			begin := x
			for c.black(x, y) {
				x++
			}
			if x > begin {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", begin, y, x-begin, x-begin)
			}
		}
	}
	return path.String()
}

// blocks are the characters for two modules, one above the other, by whether the upper (1)
// and the lower (2) are black.
var blocks = [...]string{" ", "▀", "▄", "█"}

// Black on white, whatever the colours of the terminal are: not every reader takes the
// reverse.
const blackOnWhite, plain = "\x1b[30;107m", "\x1b[0m"

// Blocks is the code for a terminal: lines of block characters, two rows of modules in each.
func (c Code) Blocks() string {
	var text strings.Builder
	for y := 0; y < c.Size(); y += 2 {
		text.WriteString(blackOnWhite)
		for x := range c.Size() {
			both := 0
			if c.black(x, y) {
				both = 1
			}
			if c.black(x, y+1) {
				both += 2
			}
			text.WriteString(blocks[both])
		}
		text.WriteString(plain + "\n")
	}
	return text.String()
}
