package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"chancery/internal/qrcode"
)

// width is that of the terminal which out is; 0 where it is none. What is written
// uses no colours but for a QR code, which is black on white or cannot be read, so
// there is nothing for NO_COLOR to turn off.
func width(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	const usual = 80
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns < 1 {
		return usual
	}
	return columns
}

// draw shows a text as a QR code on a terminal that has room for it, and elsewhere nothing.
func draw(out io.Writer, text string) error {
	code, err := qrcode.New(text)
	if err != nil {
		return err
	}
	if os.Getenv("TERM") != "dumb" && width(out) >= code.Size() {
		_, err = fmt.Fprint(out, "\n", code.Blocks())
	}
	return err
}

// line is the last line of a terminal, which can be written anew. On what is no
// terminal, or one that cannot do so, nothing is.
type line struct {
	to      io.Writer
	moving  bool
	columns func() int // a window may change its size
}

func newLine(to io.Writer) line {
	return line{
		to: to, moving: width(to) > 0 && os.Getenv("TERM") != "dumb",
		columns: func() int { return width(to) },
	}
}

// set writes the line anew, as much of it as fits: what wraps could not be taken back.
func (l line) set(text string) {
	if l.moving {
		_, _ = fmt.Fprint(l.to, "\r\x1b[K", shorten(text, l.columns()-1))
	}
}

func (l line) clear() {
	if l.moving {
		_, _ = fmt.Fprint(l.to, "\r\x1b[K")
	}
}
