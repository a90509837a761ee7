package qrcode

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const secret = "otpauth://totp/Chancery:ada@1234567890123456?issuer=Chancery&secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// Both drawings show the same modules, with the marks in three corners by which readers
// find a code, and a blank border.
func TestDrawings(t *testing.T) {
	code, err := New(secret)
	if err != nil {
		t.Fatal(err)
	}
	size := code.Size()
	drawn := map[[2]int]bool{}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`).FindAllStringSubmatch(code.Path(), -1) {
		x, y, wide := number(run[1]), number(run[2]), number(run[3])
		for i := range wide {
			drawn[[2]int{x + i, y}] = true
		}
	}
	lines := strings.Split(strings.TrimSuffix(code.Blocks(), "\n"), "\n")
	if len(lines) != (size+1)/2 {
		t.Errorf("%d lines for %d modules", len(lines), size)
	}
	for row, line := range lines {
		shown := []rune(strings.TrimSuffix(strings.TrimPrefix(line, blackOnWhite), plain))
		if len(shown) != size {
			t.Fatalf("line %d has %d of %d characters", row, len(shown), size)
		}
		for x, r := range shown {
			upper, lower := r == '▀' || r == '█', r == '▄' || r == '█'
			if upper != drawn[[2]int{x, 2 * row}] || lower != drawn[[2]int{x, 2*row + 1}] {
				t.Fatalf("at %d in line %d the drawings differ", x, row)
			}
		}
	}
	const wide = 7
	for _, corner := range [][2]int{{border, border}, {size - border - wide, border}, {border, size - border - wide}} {
		for i := range wide {
			for _, at := range [][2]int{{corner[0] + i, corner[1]}, {corner[0] + i, corner[1] + wide - 1}, {corner[0], corner[1] + i}, {corner[0] + 3, corner[1] + 3}} {
				if !drawn[at] {
					t.Errorf("the mark at %v lacks %v", corner, at)
				}
			}
		}
	}
	for at := range drawn {
		if min(at[0], at[1]) < border || max(at[0], at[1]) >= size-border {
			t.Errorf("%v is in the border", at)
		}
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func TestTooLong(t *testing.T) {
	if _, err := New(strings.Repeat("a long text ", 300)); err == nil {
		t.Error("it was drawn")
	}
}

func ExampleCode() {
	code, _ := New("short")
	fmt.Println(code.Size(), strings.Count(code.Blocks(), "\n"))
	// Output: 29 15
}
