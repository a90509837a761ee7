package storetest

import (
	"errors"
	"fmt"
	"testing"

	"chancery"
)

// tagged gives the certificates, or orders, of an account that have a tag.
func tagged(t *testing.T, s chancery.Store, account chancery.AccountID, tag chancery.Tag, kinds ...chancery.ListKind) listing[int64] {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) (found listing[int64], err error) {
		entries, total, err := tx.List(account, chancery.ListFilter{Kinds: kinds, Tag: tag}, all)
		for _, entry := range entries {
			found.Rows = append(found.Rows, entry.ID)
		}
		found.Total = total
		return found, err
	})
}

func tagsOf(t *testing.T, s chancery.Store, account chancery.AccountID, from chancery.Tag, most int64) []chancery.TagUse {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) ([]chancery.TagUse, error) { return tx.Tags(account, from, most) })
}

func tagsAreKept(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	grant(t, s, chancery.Plan{AccountID: account, Total: 9})
	web, odd := chancery.Tag{Key: "team", Value: "web"}, chancery.Tag{Key: `ü'"\`, Value: "<&>"}
	bare := chancery.Tag{Key: "team"}
	order, upload, plain := draft(account), uploadOf(account), uploadOf(account)
	order.Tags, upload.Tags, plain.Tags = []chancery.Tag{web, odd}, []chancery.Tag{web}, nil
	order = liveAs(t, s, order)
	write(t, s, func(tx chancery.Tx) error { return errors.Join(tx.AddCertificate(upload), tx.AddCertificate(plain)) })

	orders, uploads := []chancery.ListKind{chancery.ListOrder}, []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded}
	has := func(tag chancery.Tag, kinds []chancery.ListKind, ids ...int64) {
		t.Helper()
		same(t, fmt.Sprintf("what has %v", tag), tagged(t, s, account, tag, kinds...), listing[int64]{ids, int64(len(ids))})
	}
	counted := func(want ...chancery.TagUse) {
		t.Helper()
		got := tagsOf(t, s, account, chancery.Tag{}, 10)
		same(t, "how many tags there are", len(got), len(want))
		for _, use := range want { // engines have texts in an order of their own
			found := chancery.TagUse{}
			for _, one := range got {
				if one.Tag == use.Tag {
					found = one
				}
			}
			same(t, "the use of a tag", found, use)
		}
		audit(t, s)
	}
	has(web, orders, int64(order.ID))
	has(web, uploads, int64(upload.ID))
	has(odd, orders, int64(order.ID))
	has(odd, uploads)
	has(bare, uploads)
	counted(chancery.TagUse{Tag: web, Orders: 1, Certificates: 1}, chancery.TagUse{Tag: odd, Orders: 1})

	// An order is issued, and its certificate has its tags.
	for i, event := range []chancery.Event{chancery.Proved, chancery.Signed} {
		write(t, s, func(tx chancery.Tx) (err error) {
			order, err = happen(tx, order, event, at(i+1))
			return err
		})
	}
	has(web, uploads, int64(order.CertificateID), int64(upload.ID))
	counted(chancery.TagUse{Tag: web, Orders: 1, Certificates: 2}, chancery.TagUse{Tag: odd, Orders: 1, Certificates: 1})

	// Tags are replaced, given to what had none, and taken away.
	upload.Tags, plain.Tags = []chancery.Tag{bare, odd}, []chancery.Tag{web}
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.UpdateCertificate(upload), tx.UpdateCertificate(plain))
	})
	has(web, uploads, int64(order.CertificateID), int64(plain.ID))
	has(bare, uploads, int64(upload.ID))
	counted(chancery.TagUse{Tag: web, Orders: 1, Certificates: 2}, chancery.TagUse{Tag: odd, Orders: 1, Certificates: 2}, chancery.TagUse{Tag: bare, Certificates: 1})

	// By date alone nothing becomes of them.
	write(t, s, func(tx chancery.Tx) error {
		_, err := tx.SettleLists(account, upload.NotAfter, 100)
		return err
	})
	counted(chancery.TagUse{Tag: web, Orders: 1, Certificates: 2}, chancery.TagUse{Tag: odd, Orders: 1, Certificates: 2}, chancery.TagUse{Tag: bare, Certificates: 1})

	// What is deleted has none.
	plain.Tags = nil
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.UpdateCertificate(plain), tx.DeleteCertificate(account, upload.ID, at(9)), tx.DeleteCertificate(account, order.CertificateID, at(9)))
	})
	has(bare, uploads)
	has(odd, uploads)
	counted(chancery.TagUse{Tag: web, Orders: 1}, chancery.TagUse{Tag: odd, Orders: 1})
	has(web, orders, int64(order.ID))
	same(t, "the tags of another account", tagsOf(t, s, newAccount(t, s), chancery.Tag{}, 10), []chancery.TagUse{})
}

func tagsByPages(t *testing.T, s chancery.Store) {
	c := uploadOf(newAccount(t, s))
	c.Tags = []chancery.Tag{{Key: "b", Value: "2"}, {Key: "c"}, {Key: "a", Value: "9"}}
	other := uploadOf(c.AccountID)
	other.Tags = []chancery.Tag{{Key: "b", Value: "1"}, {Key: "a", Value: "9"}}
	write(t, s, func(tx chancery.Tx) error { return errors.Join(tx.AddCertificate(c), tx.AddCertificate(other)) })
	use := func(key, value string, certificates int64) chancery.TagUse {
		return chancery.TagUse{Tag: chancery.Tag{Key: key, Value: value}, Certificates: certificates}
	}
	uses := []chancery.TagUse{use("a", "9", 2), use("b", "1", 1), use("b", "2", 1), use("c", "", 1)}
	for name, c := range map[string]struct {
		from chancery.Tag
		most int64
		want []chancery.TagUse
	}{
		"all":           {chancery.Tag{}, 9, uses},
		"the first":     {chancery.Tag{}, 2, uses[:2]},
		"from a tag":    {chancery.Tag{Key: "b", Value: "2"}, 9, uses[2:]},
		"from a key":    {chancery.Tag{Key: "b"}, 2, uses[1:3]},
		"from between":  {chancery.Tag{Key: "b", Value: "11"}, 9, uses[2:]},
		"from the last": {chancery.Tag{Key: "d"}, 9, uses[4:]},
	} {
		same(t, name, tagsOf(t, s, other.AccountID, c.from, c.most), c.want)
	}
	audit(t, s)
}
