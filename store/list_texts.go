package store

import (
	"errors"
	"fmt"
	"strings"

	"chancery"
	"chancery/store/query"
)

// textLines is how many numbers share a row of list_texts, as the table and
// AddListLine know too. Fewer than a block has, since each new line writes the
// row anew.
const textLines = 64

// addLine keeps what an entry can be found by, and gives the number that its line
// has: none is given out twice, whatever was removed since.
func (t *tx) addLine(account chancery.AccountID, text string) (seq int64, err error) {
	for further := range int64(2) { // to the last part or, where that is full, the one after it
		row, err := t.sql.AddListLine(t.ctx, query.AddListLineParams{AccountID: int64(account), Further: further, Text: text + "\n"})
		if err = found("numbering a list entry", err); !errors.Is(err, chancery.ErrNotFound) {
			return row.Part*textLines + row.Lines - 1, err
		}
	}
	return 0, errors.New("numbering a list entry: there is no part after the last one")
}

// blankLine removes what an entry could be found by.
func (t *tx) blankLine(account chancery.AccountID, seq int64) error {
	part := seq / textLines
	// It writes the row, so that nobody adds a line between reading and writing.
	text, err := t.sql.HoldListText(t.ctx, query.HoldListTextParams{AccountID: int64(account), Part: part})
	if err != nil {
		return fmt.Errorf("reading the text of a list: %w", err)
	}
	lines := strings.SplitAfter(text, "\n")
	if int(seq%textLines) >= len(lines)-1 { // after the last end there is no line
		return fmt.Errorf("part %d of the text of a list has no line %d", part, seq%textLines)
	}
	lines[seq%textLines] = "\n"
	err = t.sql.WriteListText(t.ctx, query.WriteListTextParams{AccountID: int64(account), Part: part, Text: strings.Join(lines, "")})
	if err != nil {
		return fmt.Errorf("writing the text of a list: %w", err)
	}
	return nil
}

// search leaves those numbers whose lines have the keyword in them. It takes some
// 15 nanoseconds for each, and nothing for most blocks when the keyword is rare.
func (t *tx) search(account chancery.AccountID, among numbers, keyword string) error {
	for block, set := range among {
		text, err := t.blockText(account, block)
		if err != nil {
			return err
		}
		text.match(set, keyword)
	}
	return nil
}

// blockText gives what the entries of a block are found by, which must not be changed.
func (t *tx) blockText(account chancery.AccountID, block int64) (*blockText, error) {
	key := textKey{account, block}
	if text := t.texts.get(key); text != nil {
		return text, nil
	}
	const parts = blockSize / textLines
	stored, err := t.sql.ListTexts(t.ctx, query.ListTextsParams{AccountID: int64(account), First: block * parts, Last: block*parts + parts - 1})
	if err != nil {
		return nil, fmt.Errorf("reading the text of a list: %w", err)
	}
	text := newBlockText(strings.Join(stored, ""))
	if len(text.lines) == blockSize { // no line is added any more
		t.texts.put(key, text)
	}
	return text, nil
}
