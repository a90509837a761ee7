package store

import (
	"context"
	"fmt"

	"chancery"
)

// tagExamination compares the blocks and the counts of tags with the entries of lists,
// whose tags another check compares with those of the orders and certificates.
type tagExamination struct {
	unlike map[tagBlock]blockSet     // members of one side alone
	uses   map[tagOf]chancery.TagUse // what the entries have and is not counted
	report *Report
}

type tagOf struct {
	account int64
	tag     chancery.Tag
}

type tagBlock struct {
	tagOf
	kind   string
	number int64
}

const (
	tagBlocksAreRight = "the blocks of tags have the entries with the tag as members, and no others"
	tagUsesAreRight   = "a tag is counted as often as orders and certificates have it"
)

func (s *Store) examineTags(ctx context.Context, report *Report) error {
	e := &tagExamination{map[tagBlock]blockSet{}, map[tagOf]chancery.TagUse{}, report}
	rows, err := s.slow.QueryContext(ctx, `
		SELECT account_id, kind, key, value, block, 0, members, '' FROM tag_blocks UNION ALL
		SELECT account_id, '', key, value, orders, certificates, NULL, '' FROM tag_uses UNION ALL
		SELECT account_id, kind, '', '', seq / $1, seq % $1, NULL, tags FROM listed WHERE tags <> ''`, blockSize)
	if err != nil {
		return fmt.Errorf("examining tags: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var b tagBlock
		var other int64 // the number in the block; of a count, the certificates, and the orders are in b
		var members []byte
		var tags string
		if err := rows.Scan(&b.account, &b.kind, &b.tag.Key, &b.tag.Value, &b.number, &other, &members, &tags); err != nil {
			return fmt.Errorf("examining tags: %w", err)
		}
		switch {
		case members != nil:
			e.block(b, members)
		case b.kind == "":
			e.count(b.tagOf, b.number, other)
		default:
			e.entry(b, other, tags)
		}
	}
	if err := rows.Err(); err != nil { // the rest would be missed
		return fmt.Errorf("examining tags: %w", err)
	}
	e.end()
	return nil
}

func (e *tagExamination) problem(name string, of tagOf, what string) {
	e.report.Problems = append(e.report.Problems, Problem{name, fmt.Sprintf("tag %d %q %q%s", of.account, of.tag.Key, of.tag.Value, what)})
}

func (e *tagExamination) differ(b tagBlock, set blockSet) {
	for i, word := range e.unlike[b] {
		set[i] ^= word
	}
	e.unlike[b] = set
}

func (e *tagExamination) block(b tagBlock, stored []byte) {
	set, err := blockSetOf(stored)
	if err != nil || set == (blockSet{}) {
		e.problem(tagBlocksAreRight, b.tagOf, fmt.Sprintf(" %s %d: has no members", b.kind, b.number))
	}
	e.differ(b, set)
}

func (e *tagExamination) count(of tagOf, orders, certificates int64) {
	if orders == 0 && certificates == 0 {
		e.problem(tagUsesAreRight, of, ": is there for nothing")
	}
	use := e.uses[of]
	use.Orders -= orders
	use.Certificates -= certificates
	e.uses[of] = use
}

// entry takes the tags of an entry, which has this number in the block.
func (e *tagExamination) entry(b tagBlock, number int64, text string) {
	tags, err := tagsListed(text)
	if err != nil {
		e.problem(tagBlocksAreRight, b.tagOf, fmt.Sprintf(" %s %d: the tags of an entry cannot be read", b.kind, b.number))
	}
	for _, b.tag = range tags {
		var alone blockSet
		alone.add(number)
		e.differ(b, alone)
		use := e.uses[b.tagOf]
		if chancery.ListKind(b.kind) == chancery.ListOrder {
			use.Orders++
		} else {
			use.Certificates++
		}
		e.uses[b.tagOf] = use
	}
}

func (e *tagExamination) end() {
	for b, set := range e.unlike {
		if set != (blockSet{}) {
			e.problem(tagBlocksAreRight, b.tagOf, fmt.Sprintf(" %s %d", b.kind, b.number))
		}
	}
	for of, use := range e.uses {
		if use != (chancery.TagUse{}) {
			e.problem(tagUsesAreRight, of, "")
		}
	}
}
