package store

import (
	"fmt"
	"slices"

	"chancery"
	"chancery/store/query"
)

// An entry's tags stand in listed as well, so that whoever writes it anew knows which
// it had, without a statement more: an entry that has none, or keeps those it has,
// costs nothing here.

// listedTags writes tags as listed has them: nothing for none.
func listedTags(tags []chancery.Tag) (string, error) {
	if len(tags) == 0 {
		return "", nil
	}
	return tagText(tags)
}

// tagsListed reads what listedTags wrote.
func tagsListed(text string) ([]chancery.Tag, error) {
	if text == "" {
		return nil, nil
	}
	return tagsOf(text)
}

// retag moves an entry from the blocks of the tags that it had to those of the tags
// that it has, both as listed has them.
func (t *tx) retag(entry query.Listed, had, has string) error {
	if had == has {
		return nil
	}
	before, err := tagsListed(had)
	if err != nil {
		return err
	}
	after, err := tagsListed(has)
	if err != nil {
		return err
	}
	for _, tag := range before {
		if slices.Contains(after, tag) {
			continue
		}
		if err := t.untag(entry, tag); err != nil {
			return err
		}
	}
	for _, tag := range after {
		if slices.Contains(before, tag) {
			continue
		}
		if err := t.tag(entry, tag); err != nil {
			return err
		}
	}
	return nil
}

// tag makes an entry's number a member of a tag's block, as count does for lists.
func (t *tx) tag(entry query.Listed, tag chancery.Tag) error {
	number := entry.Seq % blockSize
	var alone blockSet
	alone.add(number)
	row := query.AddTagBlockParams{
		AccountID: entry.AccountID, Key: tag.Key, Value: tag.Value, Kind: entry.Kind, Block: entry.Seq / blockSize, Members: alone.bytes(),
	}
	stored, err := t.sql.AddTagBlock(t.ctx, row)
	if err != nil {
		return fmt.Errorf("adding to a block of a tag: %w", err)
	}
	members, err := blockSetOf(stored)
	if err != nil {
		return err
	}
	if !members.has(number) {
		members.add(number)
		row.Members = members.bytes()
		if err := t.sql.WriteTagBlock(t.ctx, query.WriteTagBlockParams(row)); err != nil {
			return fmt.Errorf("adding to a block of a tag: %w", err)
		}
	}
	return t.countTag(entry, tag, 1)
}

// untag takes an entry's number out of a tag's block, which goes with the last.
func (t *tx) untag(entry query.Listed, tag chancery.Tag) error {
	row := query.HoldTagBlockParams{AccountID: entry.AccountID, Key: tag.Key, Value: tag.Value, Kind: entry.Kind, Block: entry.Seq / blockSize}
	stored, err := t.sql.HoldTagBlock(t.ctx, row)
	if err != nil {
		return fmt.Errorf("taking from a block of a tag: %w", err)
	}
	members, err := blockSetOf(stored)
	if err != nil {
		return err
	}
	if members.remove(entry.Seq % blockSize); members == (blockSet{}) {
		err = t.sql.DeleteTagBlock(t.ctx, query.DeleteTagBlockParams(row))
	} else {
		err = t.sql.WriteTagBlock(t.ctx, query.WriteTagBlockParams{
			AccountID: row.AccountID, Key: row.Key, Value: row.Value, Kind: row.Kind, Block: row.Block, Members: members.bytes(),
		})
	}
	if err != nil {
		return fmt.Errorf("taking from a block of a tag: %w", err)
	}
	if err := t.countTag(entry, tag, -1); err != nil {
		return err
	}
	err = t.sql.ForgetTag(t.ctx, query.ForgetTagParams{AccountID: row.AccountID, Key: row.Key, Value: row.Value})
	return wrapped("forgetting a tag", err)
}

// countTag counts so many entries more that have a tag, of the kind of this one.
func (t *tx) countTag(entry query.Listed, tag chancery.Tag, more int64) error {
	row := query.CountTagParams{AccountID: entry.AccountID, Key: tag.Key, Value: tag.Value}
	if chancery.ListKind(entry.Kind) == chancery.ListOrder {
		row.Orders = more
	} else {
		row.Certificates = more
	}
	return wrapped("counting what has a tag", t.sql.CountTag(t.ctx, row))
}

// ofTag leaves the entries with a tag among the numbers.
func (t *tx) ofTag(account chancery.AccountID, among numbers, tag chancery.Tag) error {
	rows, err := t.sql.TagBlocks(t.ctx, query.TagBlocksParams{AccountID: int64(account), Key: tag.Key, Value: tag.Value})
	if err != nil {
		return fmt.Errorf("reading the blocks of a tag: %w", err)
	}
	tagged := numbers{}
	for _, row := range rows { // one for each kind
		set, err := blockSetOf(row.Members)
		if err != nil {
			return err
		}
		if tagged[row.Block] == nil {
			tagged[row.Block] = &blockSet{}
		}
		tagged[row.Block].addAll(set)
	}
	for block, set := range among {
		if some := tagged[block]; some != nil {
			set.keepAll(*some)
		} else {
			delete(among, block)
		}
	}
	return nil
}

// Tags implements chancery.ListTx.
func (t *tx) Tags(account chancery.AccountID, from chancery.Tag, most int64) ([]chancery.TagUse, error) {
	rows, err := t.sql.TagUses(t.ctx, query.TagUsesParams{AccountID: int64(account), FromKey: from.Key, FromValue: from.Value, Most: limit(most)})
	return each(rows, func(row query.TagUsesRow) chancery.TagUse {
		return chancery.TagUse{Tag: chancery.Tag{Key: row.Key, Value: row.Value}, Orders: row.Orders, Certificates: row.Certificates}
	}), wrapped("counting tags", err)
}
