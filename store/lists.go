package store

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"chancery"
	"chancery/store/query"
)

// Lists are kept as a table of their own. Each entry has a sequence number in its
// account, and list_blocks counts the entries of each kind, status and resource
// group in every blockSize numbers. A page is found by adding up blocks from the
// newest and reading no more than one block's entries before it, so that neither
// a page deep in the list nor the total reads every entry.
const blockSize = 512

// listOrder lists an order as it stands.
func (t *tx) listOrder(o chancery.Order) error {
	var end time.Time
	if o.State == chancery.Issued && o.CertificateID != 0 {
		ms, err := t.sql.CertificateEnd(t.ctx, query.CertificateEndParams{AccountID: int64(o.AccountID), ID: int64(o.CertificateID)})
		if err = found("reading the end of a certificate", err); err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		end = fromMillis(ms)
	}
	if entry := o.Entry(end); entry != nil {
		return t.list(entry)
	}
	return t.unlist(o.AccountID, chancery.ListOrder, int64(o.ID))
}

// list writes an entry: a new one with the next number of the account, another in
// its place.
func (t *tx) list(e *chancery.ListEntry) error {
	stored, err := t.entry(e.AccountID, e.Kind, e.ID)
	if errors.Is(err, chancery.ErrNotFound) {
		return t.addEntry(e)
	}
	if err != nil {
		return err
	}
	err = t.sql.UpdateListEntry(t.ctx, query.UpdateListEntryParams{
		AccountID: int64(e.AccountID), Kind: string(e.Kind), RowID: e.ID, Status: string(e.Status),
		NotAfter: toMillis(e.NotAfter), ChangesAt: toMillis(e.ChangesAt), ResourceGroup: e.ResourceGroup, Search: e.Search,
	})
	if err != nil {
		return fmt.Errorf("writing a list entry: %w", err)
	}
	if stored.Status == string(e.Status) && stored.ResourceGroup == e.ResourceGroup {
		return nil
	}
	if err := t.discount(stored); err != nil {
		return err
	}
	return t.count(e, stored.Seq)
}

func (t *tx) addEntry(e *chancery.ListEntry) error {
	seq, err := t.sql.LastListSeq(t.ctx, int64(e.AccountID))
	if err = found("numbering a list entry", err); err != nil && !errors.Is(err, chancery.ErrNotFound) {
		return err
	}
	seq++
	err = t.sql.AddListEntry(t.ctx, query.AddListEntryParams{
		Kind: string(e.Kind), RowID: e.ID, AccountID: int64(e.AccountID), Seq: seq, Status: string(e.Status),
		NotAfter: toMillis(e.NotAfter), ChangesAt: toMillis(e.ChangesAt), ResourceGroup: e.ResourceGroup, Search: e.Search,
	})
	if err != nil {
		return fmt.Errorf("adding a list entry: %w", err)
	}
	return t.count(e, seq)
}

// unlist removes an entry if there is one.
func (t *tx) unlist(account chancery.AccountID, kind chancery.ListKind, id int64) error {
	stored, err := t.entry(account, kind, id)
	if errors.Is(err, chancery.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.sql.DeleteListEntry(t.ctx, query.DeleteListEntryParams{AccountID: int64(account), Kind: string(kind), RowID: id}); err != nil {
		return fmt.Errorf("removing a list entry: %w", err)
	}
	return t.discount(stored)
}

func (t *tx) entry(account chancery.AccountID, kind chancery.ListKind, id int64) (query.Listed, error) {
	row, err := t.sql.ListEntry(t.ctx, query.ListEntryParams{AccountID: int64(account), Kind: string(kind), RowID: id})
	return row, found("reading a list entry", err)
}

func (t *tx) count(e *chancery.ListEntry, seq int64) error {
	err := t.sql.CountInBlock(t.ctx, query.CountInBlockParams{
		AccountID: int64(e.AccountID), Kind: string(e.Kind), Status: string(e.Status), Block: seq / blockSize, ResourceGroup: e.ResourceGroup,
	})
	if err != nil {
		return fmt.Errorf("counting a list entry: %w", err)
	}
	return nil
}

func (t *tx) discount(stored query.Listed) error {
	err := t.sql.DiscountInBlock(t.ctx, query.DiscountInBlockParams{
		AccountID: stored.AccountID, Kind: stored.Kind, Status: stored.Status, Block: stored.Seq / blockSize, ResourceGroup: stored.ResourceGroup,
	})
	if err != nil {
		return fmt.Errorf("counting a list entry: %w", err)
	}
	return nil
}

// ListsSettled implements chancery.ListTx.
func (t *tx) ListsSettled(account chancery.AccountID, now time.Time) (bool, error) {
	rows, err := t.changes(account, now, 1)
	return len(rows) == 0, err
}

// SettleLists implements chancery.ListTx.
func (t *tx) SettleLists(account chancery.AccountID, now time.Time, most int64) (int, error) {
	rows, err := t.changes(account, now, most)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		entry := chancery.ListEntry{
			AccountID: chancery.AccountID(row.AccountID), Kind: chancery.ListKind(row.Kind), ID: row.RowID,
			Status: chancery.CertificateStatus(row.Status), NotAfter: fromMillis(row.NotAfter), ChangesAt: fromMillis(row.ChangesAt),
			ResourceGroup: row.ResourceGroup, Search: row.Search,
		}
		entry.Settle(now)
		if err := t.list(&entry); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func (t *tx) changes(account chancery.AccountID, now time.Time, most int64) ([]query.Listed, error) {
	var rows []query.Listed
	var err error
	if account == 0 {
		rows, err = t.sql.ListChanges(t.ctx, query.ListChangesParams{Now: toMillis(now), Most: limit(most)})
	} else {
		rows, err = t.sql.AccountChanges(t.ctx, query.AccountChangesParams{AccountID: int64(account), Now: toMillis(now), Most: limit(most)})
	}
	if err != nil {
		return nil, fmt.Errorf("looking for statuses that changed: %w", err)
	}
	return rows, nil
}

// posting is a run of entries of one kind and status.
type posting struct {
	kind   chancery.ListKind
	status chancery.CertificateStatus
}

// position is an entry of a posting.
type position struct {
	seq int64
	chancery.Listed
}

// List implements chancery.ListTx.
func (t *tx) List(account chancery.AccountID, filter chancery.ListFilter, page chancery.Page) ([]chancery.Listed, int64, error) {
	if len(filter.Statuses) == 0 {
		filter.Statuses = chancery.ListStatuses
	}
	var postings []posting
	for _, kind := range filter.Kinds {
		for _, status := range filter.Statuses {
			postings = append(postings, posting{kind, status})
		}
	}
	if filter.Keyword != "" {
		return t.search(account, filter, postings, page)
	}
	blocks, total, err := t.blocks(account, filter, postings)
	if err != nil || page.Offset() >= total {
		return nil, total, err
	}
	upto, skip := locate(blocks, page.Offset())
	var all []position
	for _, p := range postings {
		some, err := t.newest(account, filter.ResourceGroup, p, upto, skip+page.Size)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, some...)
	}
	return newestFirst(all, skip, page.Size), total, nil
}

// blocks adds up the postings' entries in each block, and all of them.
func (t *tx) blocks(account chancery.AccountID, filter chancery.ListFilter, postings []posting) (blocks map[int64]int64, total int64, err error) {
	blocks = map[int64]int64{}
	for _, p := range postings {
		rows, err := t.sql.ListBlocks(t.ctx, query.ListBlocksParams{AccountID: int64(account), Kind: string(p.kind), Status: string(p.status)})
		if err != nil {
			return nil, 0, fmt.Errorf("counting a list: %w", err)
		}
		for _, row := range rows {
			if filter.ResourceGroup == "" || row.ResourceGroup == filter.ResourceGroup {
				blocks[row.Block] += row.Entries
				total += row.Entries
			}
		}
	}
	return blocks, total, nil
}

// locate finds the block in which the entry after offset others stands: its last
// number, and how many of its entries to skip.
func locate(blocks map[int64]int64, offset int64) (upto, skip int64) {
	numbers := make([]int64, 0, len(blocks))
	for number := range blocks {
		numbers = append(numbers, number)
	}
	slices.SortFunc(numbers, func(a, b int64) int { return cmp.Compare(b, a) })
	for _, number := range numbers {
		if offset < blocks[number] {
			return (number+1)*blockSize - 1, offset
		}
		offset -= blocks[number]
	}
	return -1, 0
}

// newest gives the newest entries of a posting up to a number.
func (t *tx) newest(account chancery.AccountID, group string, p posting, upto, most int64) ([]position, error) {
	if group != "" {
		rows, err := t.sql.ListGroupEntries(t.ctx, query.ListGroupEntriesParams{
			AccountID: int64(account), ResourceGroup: group, Kind: string(p.kind), Status: string(p.status), Upto: upto, Most: limit(most),
		})
		if err != nil {
			return nil, fmt.Errorf("reading a list: %w", err)
		}
		return each(rows, func(row query.ListGroupEntriesRow) position { return p.at(row.Seq, row.RowID) }), nil
	}
	rows, err := t.sql.ListEntries(t.ctx, query.ListEntriesParams{
		AccountID: int64(account), Kind: string(p.kind), Status: string(p.status), Upto: upto, Most: limit(most),
	})
	if err != nil {
		return nil, fmt.Errorf("reading a list: %w", err)
	}
	return each(rows, func(row query.ListEntriesRow) position { return p.at(row.Seq, row.RowID) }), nil
}

// limit is a LIMIT as sqlc types it; a page and a block are far smaller.
func limit(rows int64) int32 { return int32(min(max(rows, 0), math.MaxInt32)) }

func (p posting) at(seq, id int64) position {
	return position{seq, chancery.Listed{ID: id, Status: p.status}}
}

// search looks at every entry of the postings: there is no index on parts of names.
func (t *tx) search(account chancery.AccountID, filter chancery.ListFilter, postings []posting, page chancery.Page) ([]chancery.Listed, int64, error) {
	var all []position
	for _, p := range postings {
		rows, err := t.sql.SearchList(t.ctx, query.SearchListParams{
			AccountID: int64(account), Kind: string(p.kind), Status: string(p.status), Pattern: containing(strings.ToLower(filter.Keyword)),
		})
		if err != nil {
			return nil, 0, fmt.Errorf("searching a list: %w", err)
		}
		for _, row := range rows {
			if filter.ResourceGroup == "" || row.ResourceGroup == filter.ResourceGroup {
				all = append(all, p.at(row.Seq, row.RowID))
			}
		}
	}
	return newestFirst(all, page.Offset(), page.Size), int64(len(all)), nil
}

func newestFirst(all []position, skip, size int64) []chancery.Listed {
	slices.SortFunc(all, func(a, b position) int { return cmp.Compare(b.seq, a.seq) })
	skip = min(skip, int64(len(all)))
	all = all[skip:min(skip+size, int64(len(all)))]
	return each(all, func(p position) chancery.Listed { return p.Listed })
}
