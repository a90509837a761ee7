package store

import (
	"container/list"
	"strings"
	"sync"

	"chancery"
)

// blockText is what the entries of a block are found by, a line for each number.
// It never changes once it is in a cache.
type blockText struct {
	lines []string
	runs  *runSet // nil: any may be there
	size  int     // bytes
}

func newBlockText(text string) *blockText {
	lines := strings.Split(text, "\n")
	return &blockText{lines: lines[:len(lines)-1], size: len(text)} // after the last end there is no line
}

// match leaves those numbers of the set whose lines have the keyword in them.
func (b *blockText) match(set *blockSet, keyword string) {
	if b.runs != nil && !b.runs.mayHold(keyword) {
		*set = blockSet{}
		return
	}
	for number := range set.falling() {
		if number >= int64(len(b.lines)) || !strings.Contains(b.lines[number], keyword) {
			set.remove(number)
		}
	}
}

// runSet tells of most texts that they are nowhere in a block: it has a bit, not
// always another, for every run of runLength bytes that is.
type runSet [1 << runBits / 64]uint64

const (
	runLength = 4
	runBits   = 17
)

// runBit is Knuth's multiplicative hash of the run that begins at i.
func runBit(text string, i int) (word, bit uint32) {
	run := uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16 | uint32(text[i+3])<<24
	hash := run * 2654435761 >> (32 - runBits)
	return hash / 64, hash % 64
}

func runsOf(lines []string) *runSet {
	set := &runSet{}
	for _, line := range lines {
		for i := range len(line) - runLength + 1 {
			word, bit := runBit(line, i)
			set[word] |= 1 << bit
		}
	}
	return set
}

func (s *runSet) mayHold(text string) bool {
	for i := range len(text) - runLength + 1 {
		if word, bit := runBit(text, i); s[word]&(1<<bit) == 0 {
			return false
		}
	}
	return true
}

// textCache keeps the texts of full blocks that were looked through last, up to a
// size. Such a text changes in one way, that a line is blanked when its entry is
// removed, and a search looks at the lines of entries alone; so an old text serves
// as well as a new one. (A search that runs while an entry is removed may find it or
// not.) What is kept must have been committed, though: only reading transactions
// have a cache, writing ones have nil.
type textCache struct {
	mu     sync.Mutex                // guards what follows, not the texts: those stay as they are
	room   int                       // bytes
	texts  map[textKey]*list.Element // of recent
	recent *list.List                // of cachedText, the one used last in front
}

// textCacheSize is about 400,000 entries' texts.
const textCacheSize = 32 << 20

type textKey struct {
	account chancery.AccountID
	block   int64
}

type cachedText struct {
	key  textKey
	text *blockText
}

func newTextCache(size int) *textCache {
	return &textCache{room: size, texts: map[textKey]*list.Element{}, recent: list.New()}
}

// get gives nil for what it does not have.
func (c *textCache) get(key textKey) *blockText {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.texts[key]
	if element == nil {
		return nil
	}
	c.recent.MoveToFront(element)
	return element.Value.(cachedText).text
}

// put takes over the text of a full block, and drops what was not used for longest.
func (c *textCache) put(key textKey, text *blockText) {
	if c == nil {
		return
	}
	text.runs = runsOf(text.lines)
	text.size += 8*len(text.runs) + 16*blockSize // the headers of the lines
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts[key] != nil { // another search was first
		return
	}
	c.texts[key] = c.recent.PushFront(cachedText{key, text})
	for c.room -= text.size; c.room < 0; {
		oldest := c.recent.Remove(c.recent.Back()).(cachedText)
		delete(c.texts, oldest.key)
		c.room += oldest.text.size
	}
}
