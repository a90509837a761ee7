package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"chancery"
	"chancery/store/query"
)

// ListByEnd implements chancery.ListTx.
func (t *tx) ListByEnd(account chancery.AccountID, filter chancery.ListFilter, first, last time.Time, page chancery.Page) ([]chancery.Listed, int64, error) {
	if len(filter.Kinds) == 0 || len(filter.Statuses) == 0 {
		return nil, 0, nil
	}
	status := func(i int) string { return string(filter.Statuses[min(i, len(filter.Statuses)-1)]) }
	kind := func(i int) string { return string(filter.Kinds[min(i, len(filter.Kinds)-1)]) }
	size, skip := rangeOf(page)
	rows, err := t.sql.ListByEnd(t.ctx, query.ListByEndParams{
		AccountID: int64(account), First: toMillis(first), Last: toMillis(last),
		Status1: status(0), Status2: status(1), Status3: status(2), Status4: status(3), Kind1: kind(0), Kind2: kind(1),
		ResourceGroup: filter.ResourceGroup, Most: size, Skip: skip,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing certificates by their ends: %w", err)
	}
	total, err := t.sql.CountByEnd(t.ctx, query.CountByEndParams{
		AccountID: int64(account), First: toMillis(first), Last: toMillis(last),
		Status1: status(0), Status2: status(1), Status3: status(2), Status4: status(3), Kind1: kind(0), Kind2: kind(1),
		ResourceGroup: filter.ResourceGroup,
	})
	return each(rows, func(row query.ListByEndRow) chancery.Listed {
		return chancery.Listed{ID: row.RowID, Status: chancery.CertificateStatus(row.Status)}
	}), total, wrapped("counting certificates by their ends", err)
}

// ResourceGroups implements chancery.ListTx.
func (t *tx) ResourceGroups(account chancery.AccountID) ([]chancery.ResourceGroupUse, error) {
	rows, err := t.sql.AccountBlocks(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("counting resource groups: %w", err)
	}
	of := map[string]*chancery.ResourceGroupUse{}
	for _, row := range rows {
		set, err := blockSetOf(row.Members)
		if err != nil {
			return nil, err
		}
		use := of[row.ResourceGroup]
		if use == nil {
			use = &chancery.ResourceGroupUse{ID: row.ResourceGroup}
			of[row.ResourceGroup] = use
		}
		if chancery.ListKind(row.Kind) == chancery.ListOrder {
			use.Orders += set.count()
		} else {
			use.Certificates += set.count()
		}
	}
	list := make([]chancery.ResourceGroupUse, 0, len(of))
	for _, use := range of {
		list = append(list, *use)
	}
	slices.SortFunc(list, func(a, b chancery.ResourceGroupUse) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}
