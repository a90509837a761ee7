package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"chancery"
)

// examineBlocks compares the blocks of lists with their entries.
func (s *Store) examineBlocks(ctx context.Context, report *Report) error {
	const name = "the blocks of lists have their entries as members, and no others"
	type block struct {
		account             int64
		kind, status, group string
		number              int64
	}
	unlike := map[block]blockSet{} // what is of one side alone
	rows, err := s.slow.QueryContext(ctx, `
		SELECT account_id, kind, status, resource_group, block, 0, members FROM list_blocks UNION ALL
		SELECT account_id, kind, status, resource_group, seq / $1, seq % $1, NULL FROM listed`, blockSize)
	if err != nil {
		return fmt.Errorf("examining the blocks of lists: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var b block
		var number int64
		var stored []byte
		if err := rows.Scan(&b.account, &b.kind, &b.status, &b.group, &b.number, &number, &stored); err != nil {
			return fmt.Errorf("examining the blocks of lists: %w", err)
		}
		set, err := blockSetOf(stored)
		if stored == nil {
			set.add(number)
		} else if err != nil || set == (blockSet{}) {
			report.Problems = append(report.Problems, Problem{name, fmt.Sprintf("block %d %s %s %d %s: has no members", b.account, b.kind, b.status, b.number, b.group)})
		}
		for i, word := range unlike[b] {
			set[i] ^= word
		}
		unlike[b] = set
	}
	if err := rows.Err(); err != nil { // the rest would be missed
		return fmt.Errorf("examining the blocks of lists: %w", err)
	}
	for b, set := range unlike {
		if set != (blockSet{}) {
			report.Problems = append(report.Problems, Problem{name, fmt.Sprintf("block %d %s %s %d %s", b.account, b.kind, b.status, b.number, b.group)})
		}
	}
	return nil
}

// examineTexts compares what keywords are looked for in with what is listed: the
// rows of both come in the order of their numbers, each part before its entries.
func (s *Store) examineTexts(ctx context.Context, report *Report) error {
	const name = "the texts of lists have a line for each number, which says what its entry is found by"
	rows, err := s.slow.QueryContext(ctx, `
		SELECT account_id, part * $1, 0, lines, text, '' FROM list_texts UNION ALL
		SELECT l.account_id, l.seq, 1, 0, COALESCE(o.names, c.common_name || ',' || c.sans), COALESCE(o.instance_id, c.instance_id)
		FROM listed l LEFT JOIN orders o ON o.id = l.row_id AND l.kind = 'order' LEFT JOIN certificates c ON c.id = l.row_id AND l.kind <> 'order'
		ORDER BY 1, 2, 3`, textLines)
	if err != nil {
		return fmt.Errorf("examining the texts of lists: %w", err)
	}
	defer func() { _ = rows.Close() }()
	part := examinedPart{problem: func(row string) { report.Problems = append(report.Problems, Problem{name, row}) }}
	for rows.Next() {
		var account, seq, lines int64
		var isEntry bool
		var text, instance sql.NullString // null for an entry of nothing, which another check finds
		if err := rows.Scan(&account, &seq, &isEntry, &lines, &text, &instance); err != nil {
			return fmt.Errorf("examining the texts of lists: %w", err)
		}
		if !isEntry {
			part.next(account, seq, lines, text.String)
		} else if line := part.take(account, seq); text.Valid && line != chancery.SearchText(text.String, instance.String) {
			part.problem(fmt.Sprintf("line %d %d", account, seq))
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("examining the texts of lists: %w", err)
	}
	part.end()
	return nil
}

// examinedPart is a row of list_texts, with what is left of it to be explained.
type examinedPart struct {
	problem        func(row string)
	account, first int64    // first is the number of the first line
	lines          []string // those that were taken are empty
}

// next ends a part and begins another: the first of an account begins with the
// number 0, and any other follows a full one.
func (p *examinedPart) next(account, first, lines int64, text string) {
	p.end()
	follows := first == 0
	if account == p.account {
		follows = first == p.first+textLines && len(p.lines) == textLines
	}
	p.account, p.first, p.lines = account, first, newBlockText(text).lines
	if !follows || int64(len(p.lines)) != lines || !strings.HasSuffix(text, "\n") {
		p.problem(fmt.Sprintf("part %d %d", account, first/textLines))
	}
}

// take gives the line of a number, empty where there is none.
func (p *examinedPart) take(account, seq int64) (line string) {
	if i := seq - p.first; account == p.account && i < int64(len(p.lines)) {
		line, p.lines[i] = p.lines[i], ""
	}
	return line
}

// end finds lines of no entry.
func (p *examinedPart) end() {
	for i, line := range p.lines {
		if line != "" {
			p.problem(fmt.Sprintf("line %d %d", p.account, p.first+int64(i)))
		}
	}
}
