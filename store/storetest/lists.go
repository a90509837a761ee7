package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"chancery"
)

var lists = []promise{
	{"a keyword is found in one name or resource id, in any case", func(t *testing.T, s chancery.Store) {
		odd := uploadOf(newAccount(t, s))
		odd.CommonName, odd.SANs, odd.InstanceID = "Line\nOne\tTab", "b_d.example.test,100%.example.test", "Upload-Odd"
		plain := uploadOf(odd.AccountID)
		write(t, s, func(tx chancery.Tx) error { return errors.Join(tx.AddCertificate(odd), tx.AddCertificate(plain)) })
		for keyword, want := range map[string][]chancery.Certificate{
			"": {plain, odd}, "EXAMPLE.test": {plain, odd}, "mail": {plain}, "upload-odd": {odd}, "_": {odd}, "%": {odd}, "b_d": {odd}, "bxd": nil,
			"line\none": {odd}, "one tab": {odd}, "tab\tb_d": nil, "test\n": nil, "test\tmail": nil, "test\nupload": nil, ",": nil, "\n\n": nil,
		} {
			same(t, fmt.Sprintf("what has %q", keyword), find(t, s, odd.AccountID, keyword), listingOf(want...))
		}
		audit(t, s)
	}},
	{"a keyword is found among many entries, added and removed since it was last looked for", keywordsAmongMany},
	{"an update changes nothing that an entry is found by", func(t *testing.T, s chancery.Store) {
		c := uploadOf(newAccount(t, s))
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(c) })
		forged := c
		forged.CommonName, forged.ResourceGroup = "evil.example.test", "rg-2"
		write(t, s, func(tx chancery.Tx) error { return tx.UpdateCertificate(forged) })
		same(t, "what has the new name", find(t, s, c.AccountID, "evil"), listingOf())
		same(t, "what has the old one", find(t, s, c.AccountID, "mail"), listingOf(c))
		audit(t, s)
	}},
	{"what a failed write added is not found, not even in the place of what comes next", func(t *testing.T, s chancery.Store) {
		never := uploadOf(newAccount(t, s))
		failed := errors.New("failed")
		refused(t, s, failed, func(tx chancery.Tx) error {
			if err := tx.AddCertificate(never); err != nil {
				return err
			}
			entries, total, err := tx.List(never.AccountID, uploads("mail"), all)
			if err == nil && (total != 1 || len(entries) != 1) {
				err = fmt.Errorf("the write itself finds %d of %d", len(entries), total)
			}
			return errors.Join(err, failed)
		})
		same(t, "what has its name", find(t, s, never.AccountID, "mail"), listingOf())
		next := uploadOf(never.AccountID)
		next.CommonName, next.SANs = "next.example.test", ""
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(next) })
		same(t, "what has its name", find(t, s, never.AccountID, "mail"), listingOf())
		same(t, "what has the name of the next", find(t, s, never.AccountID, "next"), listingOf(next))
	}},
	{"orders are listed by their product", ordersOfAProduct},
	{"a whole name is not found in the middle of another", wholeNames},
	{"certificates are listed by when they end, within the times asked for", certificatesByEnd},
	{"what has a tag is listed and counted, whatever becomes of it", tagsAreKept},
	{"tags are counted from any of them on, so many at a time", tagsByPages},
	{"resource groups are counted as they are filed", func(t *testing.T, s chancery.Store) {
		one := uploadOf(newAccount(t, s))
		other := uploadOf(one.AccountID)
		other.ResourceGroup = "rg-other"
		groups := func() []chancery.ResourceGroupUse {
			return answer(t, s, func(tx chancery.Tx) ([]chancery.ResourceGroupUse, error) { return tx.ResourceGroups(one.AccountID) })
		}
		same(t, "the groups of nothing", groups(), []chancery.ResourceGroupUse{})
		write(t, s, func(tx chancery.Tx) error { return errors.Join(tx.AddCertificate(one), tx.AddCertificate(other)) })
		same(t, "the groups", groups(), []chancery.ResourceGroupUse{{ID: one.ResourceGroup, Certificates: 1}, {ID: "rg-other", Certificates: 1}})
		other.ResourceGroup = one.ResourceGroup
		write(t, s, func(tx chancery.Tx) error { return tx.UpdateCertificate(other) })
		same(t, "the groups", groups(), []chancery.ResourceGroupUse{{ID: one.ResourceGroup, Certificates: 2}})
	}},
}

// valid are certificates that can be used.
var valid = chancery.ListFilter{
	Kinds:    []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded},
	Statuses: []chancery.CertificateStatus{chancery.StatusIssued, chancery.StatusWillExpire},
}

func certificatesByEnd(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	var ends []chancery.Certificate
	for _, minute := range []int{3, 1, 2} {
		c := uploadOf(account)
		c.NotAfter = at(minute).AddDate(1, 0, 0)
		ends = append(ends, c)
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(c) })
	}
	revoked := uploadOf(account)
	revoked.RevokedAt = at(1)
	write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(revoked) })
	year := func(minute int) time.Time { return at(minute).AddDate(1, 0, 0) }
	for name, c := range map[string]struct {
		filter      chancery.ListFilter
		first, last int
		page        chancery.Page
		want        []chancery.Certificate
		total       int64
	}{
		"all":             {valid, 0, 9, all, []chancery.Certificate{ends[1], ends[2], ends[0]}, 3},
		"the second page": {valid, 0, 9, chancery.Page{Number: 2, Size: 2}, []chancery.Certificate{ends[0]}, 3},
		"those between":   {valid, 2, 3, all, []chancery.Certificate{ends[2]}, 1},
		"another kind":    {chancery.ListFilter{Kinds: []chancery.ListKind{chancery.ListIssued}, Statuses: valid.Statuses}, 0, 9, all, nil, 0},
		"another group":   {chancery.ListFilter{Kinds: valid.Kinds, Statuses: valid.Statuses, ResourceGroup: "rg-none"}, 0, 9, all, nil, 0},
		"no status":       {chancery.ListFilter{Kinds: valid.Kinds}, 0, 9, all, nil, 0},
	} {
		var total int64
		got := answer(t, s, func(tx chancery.Tx) (entries []chancery.Listed, err error) {
			entries, total, err = tx.ListByEnd(account, c.filter, year(c.first), year(c.last), c.page)
			return entries, err
		})
		same(t, name, total, c.total)
		ids := []int64{}
		for _, entry := range got {
			ids = append(ids, entry.ID)
		}
		wants := []int64{}
		for _, w := range c.want {
			wants = append(wants, int64(w.ID))
		}
		same(t, name, ids, wants)
	}
}

func uploads(keyword string) chancery.ListFilter {
	return chancery.ListFilter{Kinds: []chancery.ListKind{chancery.ListUploaded}, Keyword: keyword}
}

// find gives the first page of the uploads with a keyword.
func find(t *testing.T, s chancery.Store, account chancery.AccountID, keyword string) listing[chancery.Listed] {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) (found listing[chancery.Listed], err error) {
		found.Rows, found.Total, err = tx.List(account, uploads(keyword), all)
		return found, err
	})
}

func listingOf(certificates ...chancery.Certificate) (want listing[chancery.Listed]) {
	for _, c := range certificates {
		want.Rows = append(want.Rows, chancery.Listed{ID: int64(c.ID), Status: chancery.StatusIssued})
	}
	want.Total = int64(len(certificates))
	return want
}

// keywordsAmongMany has more entries than a store is likely to keep together, and
// looks for keywords before and after its newest and its oldest change.
func keywordsAmongMany(t *testing.T, s chancery.Store) {
	const many = 4096 // a round number: an entry more begins something new
	account := newAccount(t, s)
	var added []chancery.Certificate
	add := func(tx chancery.Tx) error {
		c := uploadOf(account)
		c.ID = chancery.CertificateID(1000 + len(added))
		c.CommonName, c.SANs = fmt.Sprintf("host%d.example.test", len(added)), ""
		c.InstanceID, c.Name, c.SM2 = fmt.Sprint("upload-", c.ID), fmt.Sprint("upload-", c.ID), chancery.SM2Pairs{}
		added = append(added, c)
		return tx.AddCertificate(c)
	}
	write(t, s, func(tx chancery.Tx) error {
		for len(added) < many {
			if err := add(tx); err != nil {
				return err
			}
		}
		return nil
	})
	total := func(keyword string, want int64) {
		t.Helper()
		same(t, "the total of "+keyword, find(t, s, account, keyword).Total, want)
	}
	for range 2 {
		total("EXAMPLE", many)
		same(t, "the newest", find(t, s, account, "host4095."), listingOf(added[many-1]))
		same(t, "the oldest", find(t, s, account, "host0."), listingOf(added[0]))
		same(t, "some of all parts", find(t, s, account, "t77."), listingOf(added[77]))
		total("99.", 40)
	}
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.DeleteCertificate(account, added[many-1].ID, at(1)), tx.DeleteCertificate(account, added[0].ID, at(1)))
	})
	write(t, s, add)
	total("example", many-1)
	same(t, "one that was removed", find(t, s, account, "host4095."), listingOf())
	same(t, "another", find(t, s, account, "host0."), listingOf())
	same(t, "the newest", find(t, s, account, "host4096."), listingOf(added[many]))
	audit(t, s)
}
