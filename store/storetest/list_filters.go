package storetest

import (
	"testing"

	"chancery"
)

// idsOf gives the ids of what a filter picks, and how many it says there are.
func idsOf(t *testing.T, s chancery.Store, account chancery.AccountID, filter chancery.ListFilter, page chancery.Page) (found listing[int64]) {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) (listing[int64], error) {
		entries, total, err := tx.List(account, filter, page)
		found := listing[int64]{Total: total}
		for _, entry := range entries {
			found.Rows = append(found.Rows, entry.ID)
		}
		return found, err
	})
}

// ordersOfAProduct lists orders by their product, with other filters and in pages.
func ordersOfAProduct(t *testing.T, s chancery.Store) {
	const another = "another-product"
	account, stranger := newAccount(t, s), newAccount(t, s)
	for _, who := range []chancery.AccountID{account, stranger} {
		grant(t, s, chancery.Plan{AccountID: who, Total: 9})
		grant(t, s, chancery.Plan{AccountID: who, Total: 9, ProductCode: another})
	}
	of := func(who chancery.AccountID, code string, name chancery.Name, events ...chancery.Event) int64 {
		o := draft(who)
		o.ProductCode, o.Names = code, chancery.Names{name}
		return int64(liveAs(t, s, o, events...).ID)
	}
	one := of(account, product, "one.example.test")
	two := of(account, another, "two.example.test")
	three := of(account, another, "three.example.test", chancery.TimedOut)
	of(stranger, another, "two.example.test")
	write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(uploadOf(account)) })
	kinds := []chancery.ListKind{chancery.ListOrder}
	first, second := chancery.Page{Number: 1, Size: 1}, chancery.Page{Number: 2, Size: 1}
	for name, c := range map[string]struct {
		filter chancery.ListFilter
		page   chancery.Page
		want   listing[int64]
	}{
		"any":              {chancery.ListFilter{}, all, listing[int64]{[]int64{three, two, one}, 3}},
		"one":              {chancery.ListFilter{Product: product}, all, listing[int64]{[]int64{one}, 1}},
		"another":          {chancery.ListFilter{Product: another}, all, listing[int64]{[]int64{three, two}, 2}},
		"the first page":   {chancery.ListFilter{Product: another}, first, listing[int64]{[]int64{three}, 2}},
		"the second page":  {chancery.ListFilter{Product: another}, second, listing[int64]{[]int64{two}, 2}},
		"with a status":    {chancery.ListFilter{Product: another, Statuses: []chancery.CertificateStatus{chancery.StatusCheckedFail}}, all, listing[int64]{[]int64{three}, 1}},
		"with a keyword":   {chancery.ListFilter{Product: another, Keyword: "two"}, all, listing[int64]{[]int64{two}, 1}},
		"another's name":   {chancery.ListFilter{Product: another, Keyword: "one.example"}, all, listing[int64]{}},
		"nobody's product": {chancery.ListFilter{Product: "none"}, all, listing[int64]{}},
		"a part of it":     {chancery.ListFilter{Product: another[:7]}, all, listing[int64]{}},
	} {
		c.filter.Kinds = kinds
		same(t, name, idsOf(t, s, account, c.filter, c.page), c.want)
	}
	four := of(account, another, "four.example.test")
	same(t, "with a new one", idsOf(t, s, account, chancery.ListFilter{Kinds: kinds, Product: another}, all), listing[int64]{[]int64{four, three, two}, 3})
	audit(t, s)
}

// wholeNames has a keyword be the end of a name, and not a part of one.
func wholeNames(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	of := func(common, sans string) int64 {
		c := uploadOf(account)
		c.CommonName, c.SANs = common, sans
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(c) })
		return int64(c.ID)
	}
	shop := of("shop.example.test", "shop.example.test,pay.example.org")
	www := of("www.shop.example.test", "")
	longer := of("shop.example.test.example.net", "")
	for keyword, want := range map[string]struct{ part, whole []int64 }{
		"shop.example.test":             {[]int64{longer, www, shop}, []int64{www, shop}},
		"pay.example.org":               {[]int64{shop}, []int64{shop}},
		"shop.example":                  {[]int64{longer, www, shop}, nil},
		"www.shop.example.test":         {[]int64{www}, []int64{www}},
		"shop.example.test.example.net": {[]int64{longer}, []int64{longer}},
		"none.example.test":             {nil, nil},
	} {
		for whole, ids := range map[bool][]int64{false: want.part, true: want.whole} {
			filter := uploads(keyword)
			filter.WholeName = whole
			same(t, keyword, idsOf(t, s, account, filter, all), listing[int64]{ids, int64(len(ids))})
		}
	}
}
