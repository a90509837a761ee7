package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// A keyword that is somewhere in a block is never ruled out, and whatever the
// block knows of its text, the lines that match are those that hold the keyword.
func TestMatchAgreesWithContains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[ab.é\t]{0,12}`)).Draw(t, "lines")
		keyword := rapid.StringMatching(`[ab.é]{1,7}`).Draw(t, "keyword")
		text := newBlockText(strings.Join(append(lines, ""), "\n"))
		if rapid.Bool().Draw(t, "with runs") {
			text.runs = runsOf(text.lines)
		}
		var set blockSet
		want := []int64{}
		for i := range int64(len(lines) + 3) { // numbers without a line never match
			if !rapid.Bool().Draw(t, "member") {
				continue
			}
			set.add(i)
			if i < int64(len(lines)) && strings.Contains(lines[i], keyword) {
				want = append(want, i)
			}
		}
		text.match(&set, keyword)
		slices.Reverse(want)
		if got := slices.Collect(set.falling()); !slices.Equal(got, want) {
			t.Fatalf("%q is found in %v, not %v", keyword, got, want)
		}
	})
}

// Most keywords that are nowhere in a full block of ordinary names are ruled out.
func TestRareKeywordsAreRuledOut(t *testing.T) {
	var lines []string
	for i := range blockSize {
		lines = append(lines, fmt.Sprintf("host%d.example.test\tcas-ivauto-%012x", i, uint64(i)*0x9e3779b97f4a7c15>>16))
	}
	runs, passed := runsOf(lines), 0
	for i := range 1000 {
		if runs.mayHold(fmt.Sprintf("shop%d.example.org", i)) {
			passed++
		}
	}
	if passed > 10 {
		t.Errorf("%d of 1000 were not", passed)
	}
}

func TestTextCache(t *testing.T) {
	full := func() *blockText { return newBlockText(strings.Repeat("\n", blockSize)) }
	measure := full()
	newTextCache(1<<20).put(textKey{}, measure)
	c := newTextCache(2 * measure.size)
	one, two, three := textKey{1, 0}, textKey{1, 1}, textKey{2, 0}
	has := func(want ...bool) {
		t.Helper()
		for i, key := range []textKey{one, two, three} {
			if _, got := c.texts[key]; got != want[i] {
				t.Errorf("text %d is there: %v", i+1, got)
			}
		}
		if c.recent.Len() != len(c.texts) || c.room != (2-len(c.texts))*measure.size {
			t.Errorf("%d texts in a row of %d leave %d bytes", len(c.texts), c.recent.Len(), c.room)
		}
	}
	c.put(one, full())
	c.put(two, full())
	c.put(two, full()) // another search was as far
	has(true, true, false)
	if c.get(one) == nil || c.get(three) != nil {
		t.Error("it gives what it does not have, or not what it has")
	}
	c.put(three, full())
	has(true, false, true) // two was not used for longest
	c.put(two, newBlockText(strings.Repeat("\n", blockSize)+strings.Repeat("x", 3*measure.size)))
	has(false, false, false) // there is no room for one so large
	var none *textCache
	if none.put(one, full()); none.get(one) != nil {
		t.Error("no cache gives a text")
	}
}

// The race detector looks on.
func TestTextCacheIsForAll(*testing.T) {
	c := newTextCache(1 << 20)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range int64(100) {
				key := textKey{1, i % 10}
				if text := c.get(key); text != nil {
					text.match(&blockSet{1}, "keyword")
					continue
				}
				c.put(key, newBlockText(strings.Repeat("line\n", blockSize)))
			}
		})
	}
	all.Wait()
}
