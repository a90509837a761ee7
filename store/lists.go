package store

import (
	"errors"
	"fmt"
	"math"
	"time"

	"chancery"
	"chancery/store/query"
)

// Lists are kept as tables of their own. Each entry has a number in its account,
// list_blocks holds which numbers are of each kind, status and resource group,
// tag_blocks which have each tag, and list_texts what keywords are looked for in. A page is found by putting sets
// of numbers together and reads no entries but its own, so that neither a page
// deep in the list nor the total nor a keyword reads every entry.

// listOrder lists an order as it stands.
func (t *tx) listOrder(o chancery.Order) error {
	entry, err := t.orderEntry(o)
	if err != nil {
		return err
	}
	if entry == nil {
		return t.unlist(o.AccountID, chancery.ListOrder, int64(o.ID))
	}
	return t.list(entry)
}

// orderEntry is nil for an order that is not listed.
func (t *tx) orderEntry(o chancery.Order) (*chancery.ListEntry, error) {
	var end time.Time
	if o.State == chancery.Issued && o.CertificateID != 0 {
		ms, err := t.sql.CertificateEnd(t.ctx, query.CertificateEndParams{AccountID: int64(o.AccountID), ID: int64(o.CertificateID)})
		if err = found("reading the end of a certificate", err); err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return nil, err
		}
		end = fromMillis(ms)
	}
	return o.Entry(end), nil
}

// list writes an entry: a new one with the next number of the account, another in
// its place. What keywords are looked for in stays as it was first.
func (t *tx) list(e *chancery.ListEntry) error {
	stored, err := t.entry(e.AccountID, e.Kind, e.ID)
	if errors.Is(err, chancery.ErrNotFound) {
		return t.addEntry(e)
	}
	if err != nil {
		return err
	}
	row, err := entryRow(e, stored.Seq)
	if err != nil || stored == row {
		return err
	}
	err = t.sql.UpdateListEntry(t.ctx, query.UpdateListEntryParams{
		AccountID: row.AccountID, Kind: row.Kind, RowID: row.RowID, Status: row.Status,
		NotAfter: row.NotAfter, ChangesAt: row.ChangesAt, ResourceGroup: row.ResourceGroup, Tags: row.Tags,
	})
	if err != nil {
		return fmt.Errorf("writing a list entry: %w", err)
	}
	if err := t.retag(row, stored.Tags, row.Tags); err != nil {
		return err
	}
	if stored.Status == string(e.Status) && stored.ResourceGroup == e.ResourceGroup {
		return nil
	}
	if err := t.discount(stored); err != nil {
		return err
	}
	return t.count(e, stored.Seq)
}

func entryRow(e *chancery.ListEntry, seq int64) (query.Listed, error) {
	tags, err := listedTags(e.Tags)
	return query.Listed{
		Kind: string(e.Kind), RowID: e.ID, AccountID: int64(e.AccountID), Seq: seq, Status: string(e.Status),
		NotAfter: toMillis(e.NotAfter), ChangesAt: toMillis(e.ChangesAt), ResourceGroup: e.ResourceGroup, Tags: tags,
	}, err
}

// addEntry lists what was not listed before.
func (t *tx) addEntry(e *chancery.ListEntry) error {
	seq, err := t.addLine(e.AccountID, e.Search)
	if err != nil {
		return err
	}
	row, err := entryRow(e, seq)
	if err != nil {
		return err
	}
	if err := t.sql.AddListEntry(t.ctx, query.AddListEntryParams(row)); err != nil {
		return fmt.Errorf("adding a list entry: %w", err)
	}
	if err := t.retag(row, "", row.Tags); err != nil {
		return err
	}
	return t.count(e, seq)
}

// unlist removes an entry if there is one, and what it could be found by.
func (t *tx) unlist(account chancery.AccountID, kind chancery.ListKind, id int64) error {
	stored, err := t.entry(account, kind, id)
	if errors.Is(err, chancery.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.blankLine(account, stored.Seq); err != nil {
		return err
	}
	if err := t.sql.DeleteListEntry(t.ctx, query.DeleteListEntryParams{AccountID: int64(account), Kind: string(kind), RowID: id}); err != nil {
		return fmt.Errorf("removing a list entry: %w", err)
	}
	if err := t.retag(stored, stored.Tags, ""); err != nil {
		return err
	}
	return t.discount(stored)
}

func (t *tx) entry(account chancery.AccountID, kind chancery.ListKind, id int64) (query.Listed, error) {
	row, err := t.sql.ListEntry(t.ctx, query.ListEntryParams{AccountID: int64(account), Kind: string(kind), RowID: id})
	return row, found("reading a list entry", err)
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
	return len(rows), t.relist(rows, now)
}

// UnsettleLists implements chancery.ListTx.
func (t *tx) UnsettleLists(now time.Time, most int64) (int, error) {
	rows, err := t.sql.ListChangesAhead(t.ctx, query.ListChangesAheadParams{
		Now: toMillis(now), Expired: string(chancery.StatusExpired), WillExpire: string(chancery.StatusWillExpire),
		ExpiresBy: toMillis(now.Add(chancery.ExpiryWindow)), Most: limit(most),
	})
	if err != nil {
		return 0, fmt.Errorf("looking for statuses that changed too early: %w", err)
	}
	return len(rows), t.relist(rows, now)
}

// relist lists entries with the status that they have by date.
func (t *tx) relist(rows []query.Listed, now time.Time) error {
	for _, row := range rows {
		tags, err := tagsListed(row.Tags)
		if err != nil {
			return err
		}
		entry := chancery.ListEntry{
			AccountID: chancery.AccountID(row.AccountID), Kind: chancery.ListKind(row.Kind), ID: row.RowID,
			NotAfter: fromMillis(row.NotAfter), ResourceGroup: row.ResourceGroup, Tags: tags,
		}
		entry.Begin()
		entry.Settle(now)
		if err := t.list(&entry); err != nil {
			return err
		}
	}
	return nil
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

// limit is a LIMIT as sqlc types it; a batch is far smaller.
func limit(rows int64) int32 { return int32(min(max(rows, 0), math.MaxInt32)) }

// List implements chancery.ListTx.
func (t *tx) List(account chancery.AccountID, filter chancery.ListFilter, page chancery.Page) ([]chancery.Listed, int64, error) {
	found, err := t.members(account, filter)
	if err == nil && filter.Tag.Key != "" {
		err = t.ofTag(account, found, filter.Tag)
	}
	if err == nil && filter.Product != "" {
		err = t.ofProduct(account, found, filter.Product)
	}
	if err == nil && filter.Keyword != "" {
		keyword := chancery.Fold(filter.Keyword)
		if filter.WholeName {
			keyword += "\t" // see chancery.SearchText
		}
		err = t.search(account, found, keyword)
	}
	if err != nil {
		return nil, 0, err
	}
	entries, err := t.entriesAt(account, found.newest(page.Offset(), page.Size))
	return entries, found.count(), err
}

// maxGap is how far two entries of a page may be apart and still be read together:
// to read those between them takes no longer than to ask again.
const maxGap = 16

// entriesAt reads the entries with the given numbers, which fall.
func (t *tx) entriesAt(account chancery.AccountID, numbers []int64) ([]chancery.Listed, error) {
	read := map[int64]chancery.Listed{}
	for rest := numbers; len(rest) > 0; {
		run := 1
		for run < len(rest) && rest[run-1]-rest[run] <= maxGap {
			run++
		}
		rows, err := t.sql.ListEntries(t.ctx, query.ListEntriesParams{AccountID: int64(account), First: rest[run-1], Last: rest[0]})
		if err != nil {
			return nil, fmt.Errorf("reading a list: %w", err)
		}
		for _, row := range rows {
			read[row.Seq] = chancery.Listed{ID: row.RowID, Status: chancery.CertificateStatus(row.Status)}
		}
		rest = rest[run:]
	}
	entries := make([]chancery.Listed, 0, len(numbers))
	for _, number := range numbers {
		if entry, ok := read[number]; ok {
			entries = append(entries, entry)
		}
	}
	return entries, nil
}
