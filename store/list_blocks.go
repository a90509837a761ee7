package store

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math/bits"
	"slices"

	"chancery"
	"chancery/store/query"
)

// blockSize is how many numbers a row of list_blocks tells of. A list reads all its
// blocks, so they are few.
const blockSize = 2048

// blockSet is a set of a block's numbers, counted from 0: a bit for each.
type blockSet [blockSize / 64]uint64

// blockSetOf reads what bytes wrote.
func blockSetOf(stored []byte) (set blockSet, err error) {
	if len(stored) != blockSize/8 {
		return set, fmt.Errorf("a block of a list has %d bytes", len(stored))
	}
	for i := range set {
		set[i] = binary.LittleEndian.Uint64(stored[8*i:])
	}
	return set, nil
}

func (s *blockSet) bytes() []byte {
	stored := make([]byte, 0, blockSize/8)
	for _, word := range s {
		stored = binary.LittleEndian.AppendUint64(stored, word)
	}
	return stored
}

func (s *blockSet) add(number int64)      { s[number/64] |= 1 << (number % 64) }
func (s *blockSet) remove(number int64)   { s[number/64] &^= 1 << (number % 64) }
func (s *blockSet) has(number int64) bool { return s[number/64]&(1<<(number%64)) != 0 }

func (s *blockSet) addAll(other blockSet) {
	for i := range s {
		s[i] |= other[i]
	}
}

func (s *blockSet) keepAll(other blockSet) {
	for i := range s {
		s[i] &= other[i]
	}
}

func (s *blockSet) count() (n int64) {
	for _, word := range s {
		n += int64(bits.OnesCount64(word))
	}
	return n
}

// falling gives the numbers, the highest first. The one at hand may be removed.
func (s *blockSet) falling() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i, word := range slices.Backward(s[:]) {
			for word != 0 {
				top := bits.Len64(word) - 1
				word &^= 1 << top
				if !yield(int64(64*i + top)) {
					return
				}
			}
		}
	}
}

// numbers is a set of an account's numbers, by their blocks.
type numbers map[int64]*blockSet

func (n numbers) count() (total int64) {
	for _, set := range n {
		total += set.count()
	}
	return total
}

// newest gives the highest numbers after so many others, at most so many.
func (n numbers) newest(skip, most int64) (some []int64) {
	for _, block := range slices.Backward(slices.Sorted(maps.Keys(n))) {
		if count := n[block].count(); skip >= count {
			skip -= count
			continue
		}
		for number := range n[block].falling() {
			switch {
			case skip > 0:
				skip--
			case int64(len(some)) == most:
				return some
			default:
				some = append(some, block*blockSize+number)
			}
		}
	}
	return some
}

// members gives the numbers of the entries that the filter lets through by kind,
// status and resource group.
func (t *tx) members(account chancery.AccountID, filter chancery.ListFilter) (numbers, error) {
	if len(filter.Statuses) == 0 {
		filter.Statuses = chancery.ListStatuses
	}
	all := numbers{}
	for _, kind := range filter.Kinds {
		for _, status := range filter.Statuses {
			rows, err := t.sql.ListBlocks(t.ctx, query.ListBlocksParams{AccountID: int64(account), Kind: string(kind), Status: string(status)})
			if err != nil {
				return nil, fmt.Errorf("reading the blocks of a list: %w", err)
			}
			for _, row := range rows {
				if filter.ResourceGroup != "" && row.ResourceGroup != filter.ResourceGroup {
					continue
				}
				set, err := blockSetOf(row.Members)
				if err != nil {
					return nil, err
				}
				if all[row.Block] == nil {
					all[row.Block] = &blockSet{}
				}
				all[row.Block].addAll(set)
			}
		}
	}
	return all, nil
}

// count makes an entry's number a member of its block. The statement that reads
// the members writes the row, so that no other transaction does until this ends.
func (t *tx) count(e *chancery.ListEntry, seq int64) error {
	number := seq % blockSize
	var alone blockSet
	alone.add(number)
	row := query.AddListBlockParams{
		AccountID: int64(e.AccountID), Kind: string(e.Kind), Status: string(e.Status), Block: seq / blockSize, ResourceGroup: e.ResourceGroup,
		Members: alone.bytes(),
	}
	stored, err := t.sql.AddListBlock(t.ctx, row)
	if err != nil {
		return fmt.Errorf("adding to a block of a list: %w", err)
	}
	members, err := blockSetOf(stored)
	if err != nil || members.has(number) {
		return err
	}
	members.add(number)
	row.Members = members.bytes()
	if err := t.sql.WriteListBlock(t.ctx, query.WriteListBlockParams(row)); err != nil {
		return fmt.Errorf("adding to a block of a list: %w", err)
	}
	return nil
}

// discount takes an entry's number out of its block, which goes with the last.
func (t *tx) discount(entry query.Listed) error {
	row := query.HoldListBlockParams{
		AccountID: entry.AccountID, Kind: entry.Kind, Status: entry.Status, Block: entry.Seq / blockSize, ResourceGroup: entry.ResourceGroup,
	}
	stored, err := t.sql.HoldListBlock(t.ctx, row)
	if err != nil {
		return fmt.Errorf("taking from a block of a list: %w", err)
	}
	members, err := blockSetOf(stored)
	if err != nil {
		return err
	}
	if members.remove(entry.Seq % blockSize); members == (blockSet{}) {
		err = t.sql.DeleteListBlock(t.ctx, query.DeleteListBlockParams(row))
	} else {
		err = t.sql.WriteListBlock(t.ctx, query.WriteListBlockParams{
			AccountID: row.AccountID, Kind: row.Kind, Status: row.Status, Block: row.Block, ResourceGroup: row.ResourceGroup, Members: members.bytes(),
		})
	}
	if err != nil {
		return fmt.Errorf("taking from a block of a list: %w", err)
	}
	return nil
}
